"""Archives of meshes, .zip: what is in them, and how it comes out without harm to anything else.

Members are matched by class, split and name and written under these, never under a path that the archive gives.
"""

import shutil
import zipfile
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from voxprune.files import InputError, whole
from voxprune.trees import JUNK, SPLITS, draw_test, is_mesh

MOST_MEMBERS = 200_000
MOST_BYTES = 64 << 30  # unpacked; ModelNet40 takes 10 GB
CHUNK = 1 << 20


class Member(NamedTuple):
    """A mesh in an archive; split is None where the archive has no folders train and test."""

    name: str  # of the class
    split: str | None
    file: str
    info: zipfile.ZipInfo


def find_members(archive):
    """The meshes of an archive, sorted: `<class>/<split>/*`, `<split>/<class>/*` or `<class>/*`, at any depth.

    Left out: hidden files and folders, __MACOSX, paths with `..`, files that are no meshes.
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
    members = sorted(filter(None, map(_member, infos)), key=lambda member: (member.name, member.split or "", member.file))
    if any(member.split for member in members):
        members = [member for member in members if member.split]
    if not members:
        raise InputError(f"{archive}: no meshes in it; expected <class>/<train or test>/* or <class>/*")
    for one, other in zip(members, members[1:]):
        if one[:3] == other[:3]:
            raise InputError(
                f"{archive}: {one.info.filename} and {other.info.filename} would be the same; extract it yourself"
            )
    return members


def _member(info):
    *folders, file = info.filename.split("/")
    if not folders or not is_mesh(file) or any(part in JUNK or part[:1] in (".", "") for part in folders):
        return None
    above = folders[-2] if len(folders) > 1 else None
    if folders[-1] in SPLITS:
        return Member(above, folders[-1], file, info) if above else None
    return Member(folders[-1], above if above in SPLITS else None, file, info)


def extract(archive, folder, members):
    """Writes members to `<folder>/<class>/<split>/<file>`.

    Raises InputError where they take more room than there is or than is sensible, or where the archive is damaged.
    """
    total, free = sum(member.info.file_size for member in members), _free_bytes(folder)
    if total > min(MOST_BYTES, free):
        limit = "than is free on this disk" if total > free else f"than {MOST_BYTES:,}"
        raise InputError(f"{archive}: {total:,} bytes when extracted, more {limit}; extract it yourself where there is room")
    try:
        with zipfile.ZipFile(archive) as opened:
            for member in tqdm(members, unit=" files", desc="extracting", mininterval=2):
                target = Path(folder) / member.name / member.split / member.file
                with opened.open(member.info) as source, whole(target) as temporary, open(temporary, "wb") as destination:
                    shutil.copyfileobj(source, destination, CHUNK)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise InputError(f"{archive}: damaged or encrypted ({error}); get it anew") from error


def _free_bytes(folder):
    there = next(path for path in (Path(folder).resolve(), *Path(folder).resolve().parents) if path.exists())
    return shutil.disk_usage(there).free


def extract_tree(archive, folder, classes, test_percent, seed):
    """Extracts the classes of any archive; where it has no splits, the seed draws test_percent of each class for test."""
    members = find_members(archive)
    for name in classes:
        own = [member for member in members if member.name == name]
        if own and own[0].split is None:
            tested = draw_test([member.file for member in own], test_percent, f"{seed}/{name}", f"{archive}: {name}")
            own = [member._replace(split="test" if member.file in tested else "train") for member in own]
        missing = [split for split in SPLITS if split not in {member.split for member in own}]
        if missing:
            raise InputError(f"{archive}: no {missing[0]} meshes of {name}; take this class out of `dataset: classes`")
        extract(archive, folder, own)
