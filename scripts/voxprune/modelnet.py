"""ModelNet10 as its authors publish it: download, check, extract safely, check again. For academic use only."""

import hashlib
import shutil
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

from tqdm import tqdm

from voxprune.files import InputError

URL = "http://3dvision.princeton.edu/projects/2014/3DShapeNets/ModelNet10.zip"
SIZE = 473_402_300
SHA256 = "9d8679435fc07d1d26f13009878db164a7aa8ea5e7ea3c8880e42794b7307d51"
COUNTS = {  # class: (train, test)
    "bathtub": (106, 50), "bed": (515, 100), "chair": (889, 100), "desk": (200, 86), "dresser": (200, 86),
    "monitor": (465, 100), "night_stand": (200, 86), "sofa": (680, 100), "table": (392, 100), "toilet": (344, 100),
}  # fmt: skip
CHUNK = 1 << 20


def download(archive, url=URL, size=SIZE, sha256=SHA256):
    """Downloads to `archive`, going on from `<archive>.part` where one was begun; a whole archive is only checked.

    Raises InputError where the server can't be reached or size or hash are wrong.
    """
    archive = Path(archive)
    if not archive.exists():
        part = archive.with_name(archive.name + ".part")
        part.parent.mkdir(parents=True, exist_ok=True)
        _fetch(url, part, size)
        _check(part, size, sha256)
        part.rename(archive)
    else:
        _check(archive, size, sha256)


def _fetch(url, part, size):
    begun = part.stat().st_size if part.exists() else 0
    if begun >= size:
        return
    request = urllib.request.Request(url, headers={"Range": f"bytes={begun}-"} if begun else {})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            resumed = response.status == 206
            with (
                open(part, "ab" if resumed else "wb") as file,
                tqdm(
                    total=size, initial=begun if resumed else 0, unit="B", unit_scale=True, desc=part.stem, mininterval=2
                ) as bar,
            ):
                while chunk := response.read(CHUNK):
                    file.write(chunk)
                    bar.update(len(chunk))
    except (urllib.error.URLError, OSError) as error:
        raise InputError(
            f"{url}: the download failed ({error}); run the same command again to go on, or put ModelNet10.zip at "
            f"{part.with_suffix('')}, or give an extracted tree with `source: folder`"
        ) from error


def _check(path, size, sha256):
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if path.stat().st_size != size or found != sha256:
        raise InputError(
            f"{path}: {path.stat().st_size:,} bytes with SHA-256 {found}, but ModelNet10.zip has {size:,} with {sha256}; "
            "delete it and run again"
        )


def extract(archive, folder, classes, counts=COUNTS):
    """Extracts `<any>/<class>/<train or test>/<class>_<number>.off` of the classes into `<folder>/<class>/<split>`.

    Members are matched by name, never extracted by path, so that nothing is written elsewhere; other files
    (__MACOSX, .DS_Store, README) are left out. Raises InputError for an unknown class, where the archive is damaged, or
    where a class and split holds another number of meshes than `counts` says.
    """
    unknown = sorted(set(classes) - set(counts))
    if unknown:
        raise InputError(f"class {unknown[0]!r} is not in ModelNet10; choose from {', '.join(counts)}")
    found = dict.fromkeys([(name, split) for name in classes for split in ("train", "test")], 0)
    try:
        with zipfile.ZipFile(archive) as opened:
            for member in tqdm(opened.infolist(), unit=" files", desc="extracting", mininterval=2):
                name, split, file = ("", "", *member.filename.split("/"))[-3:]
                if (name, split) not in found or not _is_mesh(file, name) or "__MACOSX" in member.filename:
                    continue
                target = Path(folder) / name / split / file
                target.parent.mkdir(parents=True, exist_ok=True)
                with opened.open(member) as source, open(target, "wb") as destination:
                    shutil.copyfileobj(source, destination, CHUNK)
                found[name, split] += 1
    except zipfile.BadZipFile as error:
        raise InputError(f"{archive}: damaged ({error}); delete it and run again") from error
    for (name, split), count in found.items():
        expected = counts[name][split == "test"]
        if count != expected:
            raise InputError(f"{archive}: {count} {split} meshes of {name}, {expected} expected; delete it and run again")


def _is_mesh(file, name):
    return file.startswith(f"{name}_") and file.endswith(".off") and file[len(name) + 1 : -4].isdigit()
