"""Archives of meshes, .zip: what is in them, and how it comes out without harm to anything else.

Members are matched by class, split and name and written under these, never under a path that the archive gives.
"""

import lzma
import shutil
import zipfile
import zlib
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from voxprune.core.errors import InputError
from voxprune.core.files import atomic_write
from voxprune.datasets.folders import JUNK, SPLITS, draw_test
from voxprune.meshes.endings import is_mesh
from voxprune.meshes.gltf import GLTF, outer_uris

LAYOUT = "<class>/<train or test>/*, <train or test>/<class>/* or <class>/*"
MOST_MEMBERS = 200_000
MOST_BYTES = 64 << 30  # unpacked; ModelNet40 takes 10 GB
CHUNK = 1 << 20
# What zipfile and its decompressors raise for a damaged or encrypted member; bzip2 an OSError without a number.
DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, NotImplementedError, RuntimeError)


class Member(NamedTuple):
    """A mesh in an archive; split is None where it lies in no folder train or test."""

    name: str  # of the class
    split: str | None
    file: str
    info: zipfile.ZipInfo


def find_members(archive):
    """The meshes of an archive, sorted: `<class>/<split>/*`, `<split>/<class>/*` or `<class>/*`, at any depth,
    with train and test in small letters or capitals.

    Left out: hidden files and folders, __MACOSX, paths with `..`, files that are no meshes, further folders of a class with splits.
    Raises InputError where there is no such archive or it is damaged, too large or holds no mesh.
    """
    archive = Path(archive)
    if not archive.is_file():
        raise InputError(f"{archive}: no such archive; give the path of a .zip, or an extracted tree as `dataset: folder`")
    try:
        with zipfile.ZipFile(archive) as opened:
            infos = opened.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise InputError(f"{archive}: no archive that can be read ({error}); get it anew") from error
    if len(infos) > MOST_MEMBERS:
        raise InputError(f"{archive}: {len(infos):,} files in it, more than {MOST_MEMBERS:,}; extract it yourself")
    members = sorted(
        filter(None, map(partial(_member, archive), infos)),
        key=lambda member: (member.name, member.split or "", member.file),
    )
    # What lies deeper in a class that has splits, as in <class>/val/*, is left out, as in a tree.
    classes = {member.name for member in members if member.split}
    members = [member for member in members if member.split or classes.isdisjoint(member.info.filename.split("/")[:-2])]
    if not members:
        raise InputError(f"{archive}: no meshes in it; expected {LAYOUT}")
    total = sum(member.info.file_size for member in members)
    if total > MOST_BYTES:
        raise InputError(f"{archive}: {total:,} bytes when extracted, more than {MOST_BYTES:,}; extract it yourself")
    for one, other in zip(members, members[1:]):
        if one[:3] == other[:3]:
            raise InputError(
                f"{archive}: {one.info.filename} and {other.info.filename} would be the same; extract it yourself"
            )
    return members


def _member(archive, info):
    *folders, file = info.filename.split("/")
    if not folders or not is_mesh(file) or any(part in JUNK or part[:1] in (".", "") for part in folders):
        return None
    *above, name = folders[-2:]
    splits = [part.lower() for part in folders if part.lower() in SPLITS]
    if name.lower() in SPLITS and above:
        return Member(above[0], name.lower(), file, info)
    if above and above[0].lower() in SPLITS:
        return Member(name, above[0].lower(), file, info)
    if splits:
        raise InputError(f"{archive}: {info.filename} has a split but no class beside it; expected {LAYOUT}")
    return Member(name, None, file, info)


def choose(archive, classes, test_percent, seed):
    """The members of some classes of any archive; where it has no splits, the seed draws test_percent of each for test.

    Raises InputError where a class lacks train or test meshes.
    """
    members = find_members(archive)
    splits, chosen = any(member.split for member in members), []
    for name in classes:
        own = [member for member in members if member.name == name and bool(member.split) == splits]
        if own and not splits:
            tested = draw_test([member.file for member in own], test_percent, f"{seed}/{name}", f"{archive}: {name}")
            own = [member._replace(split="test" if member.file in tested else "train") for member in own]
        missing = [split for split in SPLITS if split not in {member.split for member in own}]
        if missing:
            raise InputError(f"{archive}: no {missing[0]} meshes of {name}; take this class out of `dataset: classes`")
        chosen += own
    return chosen


def extract(archive, folder, members):
    """Writes members to `<folder>/<class>/<split>/<file>`.

    Raises InputError where they take more room than there is, where one's numbers lie in other files, or where the archive
    is damaged.
    """
    total = sum(member.info.file_size for member in members)
    if total > _free_bytes(folder):
        raise InputError(
            f"{archive}: {total:,} bytes when extracted, more than is free on this disk; extract it yourself where there is room"
        )
    with zipfile.ZipFile(archive) as opened:
        for member in members:
            if member.file.lower().endswith(GLTF) and _has_buffers(archive, opened, member):
                raise InputError(
                    f"{archive}: {member.info.filename} keeps its numbers in files beside it; extract it yourself and give the "
                    "tree as `dataset: folder`, or save such meshes as .glb"
                )
        for member in tqdm(members, unit=" files", desc="extracting", mininterval=2):
            with (
                atomic_write(Path(folder) / member.name / member.split / member.file) as temporary,
                open(temporary, "wb") as file,
            ):
                for chunk in _chunks(archive, opened, member):
                    file.write(chunk)


def _has_buffers(archive, opened, member):
    with _undamaged(archive, member), opened.open(member.info) as file:
        return bool(outer_uris(file))


def _chunks(archive, opened, member):
    with _undamaged(archive, member), opened.open(member.info) as file:
        while chunk := file.read(CHUNK):
            yield chunk


@contextmanager
def _undamaged(archive, member):
    try:
        yield
    except DAMAGED as error:
        raise InputError(f"{archive}: {member.info.filename} is damaged or encrypted ({error}); get it anew") from error


def _free_bytes(folder):
    there = next(path for path in (Path(folder).resolve(), *Path(folder).resolve().parents) if path.exists())
    return shutil.disk_usage(there).free
