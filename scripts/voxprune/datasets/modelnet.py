"""ModelNet10 and ModelNet40 as their authors publish them: download and check. For academic use only."""

import hashlib
import http.client
import urllib.request
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from voxprune.core.errors import InputError
from voxprune.datasets.archives import CHUNK, extract, find_members
from voxprune.datasets.folders import SPLITS, find_layout, find_meshes


class Published(NamedTuple):
    """A data set as it was published. counts: {class: (train, test)}."""

    url: str
    size: int
    sha256: str
    counts: dict


MODELNET = {
    "modelnet10": Published(
        "http://3dvision.princeton.edu/projects/2014/3DShapeNets/ModelNet10.zip",
        473_402_300,
        "9d8679435fc07d1d26f13009878db164a7aa8ea5e7ea3c8880e42794b7307d51",
        {
            "bathtub": (106, 50), "bed": (515, 100), "chair": (889, 100), "desk": (200, 86), "dresser": (200, 86),
            "monitor": (465, 100), "night_stand": (200, 86), "sofa": (680, 100), "table": (392, 100), "toilet": (344, 100),
        },
    ),
    # Counts of test meshes as listed in github.com/fxia22/pointnet.pytorch, ModelNet40/test.txt; of training meshes as in
    # github.com/jackd/shape-tfds, modelnet/class_freq.txt, where the numbers of the former begin.
    "modelnet40": Published(
        "http://modelnet.cs.princeton.edu/ModelNet40.zip",
        2_039_180_837,
        "42dc3e656932e387f554e25a4eb2cc0e1a1bd3ab54606e2a9eae444c60e536ac",
        {
            "airplane": (626, 100), "bathtub": (106, 50), "bed": (515, 100), "bench": (173, 20), "bookshelf": (572, 100),
            "bottle": (335, 100), "bowl": (64, 20), "car": (197, 100), "chair": (889, 100), "cone": (167, 20),
            "cup": (79, 20), "curtain": (138, 20), "desk": (200, 86), "door": (109, 20), "dresser": (200, 86),
            "flower_pot": (149, 20), "glass_box": (171, 100), "guitar": (155, 100), "keyboard": (145, 20), "lamp": (124, 20),
            "laptop": (149, 20), "mantel": (284, 100), "monitor": (465, 100), "night_stand": (200, 86), "person": (88, 20),
            "piano": (231, 100), "plant": (240, 100), "radio": (104, 20), "range_hood": (115, 100), "sink": (128, 20),
            "sofa": (680, 100), "stairs": (124, 20), "stool": (90, 20), "table": (392, 100), "tent": (163, 20),
            "toilet": (344, 100), "tv_stand": (267, 100), "vase": (475, 100), "wardrobe": (87, 20), "xbox": (103, 20),
        },
    ),
}  # fmt: skip


def download(archive, published):
    """Downloads to `archive`, going on from `<archive>.part` where one was begun; a whole archive is only checked.

    Raises InputError where the server can't be reached or size or hash are wrong.
    """
    archive = Path(archive)
    if archive.exists():
        _check(archive, published)
        return
    part = archive.with_name(archive.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    _fetch(published, part)
    _check(part, published)
    part.rename(archive)


def _fetch(published, part):
    begun = part.stat().st_size if part.exists() else 0
    if begun >= published.size:
        return
    request = urllib.request.Request(published.url, headers={"Range": f"bytes={begun}-"} if begun else {})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            resumed = response.status == 206
            with (
                open(part, "ab" if resumed else "wb") as file,
                tqdm(
                    total=published.size,
                    initial=begun if resumed else 0,
                    unit="B",
                    unit_scale=True,
                    desc=part.stem,
                    mininterval=2,
                ) as bar,
            ):
                while chunk := response.read(CHUNK):
                    file.write(chunk)
                    bar.update(len(chunk))
                if response.length != 0 and file.tell() < published.size:  # as it is where all came that was announced
                    raise ConnectionError("the connection was cut")
    except (OSError, http.client.HTTPException) as error:
        raise InputError(
            f"{published.url}: the download failed ({error}); run the same command again to go on, or put the file at "
            f"{part.with_suffix('')}, or give an extracted tree as `dataset: folder`"
        ) from error


def _check(path, published):
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if path.stat().st_size != published.size or found != published.sha256:
        raise InputError(
            f"{path}: {path.stat().st_size:,} bytes with SHA-256 {found}, but the published file has {published.size:,} with "
            f"{published.sha256}; delete it and run again, or use a repacked copy with `source: folder`"
        )


def extract_modelnet(archive, folder, classes, counts):
    """Extracts classes of a published archive into `<folder>/<class>/<split>`, after checking what is in it.

    Raises InputError where a class and split holds another number of meshes than `counts` says.
    """
    members = [
        member
        for member in find_members(archive)
        if member.name in classes and member.split and _is_mesh_of(member.file, member.name)
    ]
    found = {(name, split): 0 for name in classes for split in SPLITS}
    for member in members:
        found[member.name, member.split] += 1
    for (name, split), count in found.items():
        _check_count(archive, count, name, split, counts)
    extract(archive, folder, members)


def check_tree(tree, classes, counts):
    """Raises InputError where an extracted tree has other meshes in a class and split than were published."""
    layout = find_layout(tree)
    for name in classes:
        for split in SPLITS:
            meshes = find_meshes(Path(tree) / layout.format(name=name, split=split))
            foreign = [path for path in meshes if not _is_mesh_of(path.name, name)]
            if foreign:
                raise InputError(
                    f"{foreign[0]}: not among the published meshes; remove it, or use all with `source: folder`"
                )
            _check_count(tree, len(meshes), name, split, counts)


def _check_count(place, count, name, split, counts):
    if count != counts[name][split == "test"]:
        raise InputError(
            f"{place}: {count} {split} meshes of {name}, but {counts[name][split == 'test']} were published; get it anew, or "
            "use it as it is with `source: folder`"
        )


def _is_mesh_of(file, name):
    return file.startswith(f"{name}_") and file.endswith(".off") and file[len(name) + 1 : -4].isdigit()
