"""Folders of meshes: which layout they have, which classes are in them, which mesh belongs to which split.

A tree is `<class>/<split>/*`, as ModelNet's, `<split>/<class>/*`, or `<class>/*` without splits: then a seed draws them.
"""

import hashlib
import json
import os
from pathlib import Path

from voxprune.core.errors import InputError
from voxprune.core.files import atomic_write, content_hash
from voxprune.meshes.endings import READABLE, is_mesh
from voxprune.meshes.gltf import buffer_files

SPLITS = ("train", "test")
LAYOUTS = ("{name}/{split}", "{split}/{name}", "{name}")
JUNK = ("__MACOSX",)  # and everything that begins with a dot


def find_layout(tree):
    """Which of LAYOUTS a tree has. Raises InputError where there is no such folder, or splits are in capitals."""
    tree = Path(tree)
    if not tree.is_dir():
        raise InputError(
            f"{tree}: no such folder of meshes; set `dataset: folder` to one that holds <class>/<train or test>/*"
        )
    folders = _folders(tree)
    for folder in (tree, *folders):
        for spelt in (str.title, str.upper):
            if _holds(folder, map(spelt, SPLITS)) and not _holds(folder, SPLITS):
                raise InputError(f"{folder}: rename its folders {' and '.join(map(spelt, SPLITS))} to train and test")
    if _holds(tree, SPLITS):
        return "{split}/{name}"
    return "{name}/{split}" if any((path / split).is_dir() for path in folders for split in SPLITS) else "{name}"


def _holds(folder, names):
    return all((folder / name).is_dir() for name in names)


def find_classes(tree):
    """The names of the classes in a tree, sorted. Raises InputError where there are fewer than two."""
    first = Path(tree) / "train" if find_layout(tree) == "{split}/{name}" else Path(tree)
    names = [path.name for path in _folders(first)]
    if len(names) < 2:
        raise InputError(f"{tree}: {len(names)} classes in it; at least two folders of meshes are needed")
    return names


def _folders(folder):
    return sorted(path for path in folder.iterdir() if path.is_dir() and path.name not in JUNK and path.name[0] != ".")


def find_meshes(folder, split=None, test_percent=None, seed=0):
    """The meshes of a folder, sorted by name, those of formats that can't be read too; other files are left out.

    split: `train` or `test` where the folder holds both; then the seed draws test_percent of the meshes, at least one,
    for `test`, by their names, so that a mesh that comes or goes moves hardly any other.
    Raises InputError where the folder is missing or holds no mesh, or too few to split, or one that can't be
    reached or named or is no file.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of meshes; expected <class>/<train or test>/*.off")
    with os.scandir(folder) as entries:  # which tells files from folders without asking for each
        found = sorted((one for one in entries if is_mesh(one.name) and not one.is_dir()), key=lambda one: one.name)
    for one in found:
        if not one.is_file() and not os.path.exists(one.path):
            raise InputError(f"{one.path}: a link to a file that isn't there; mend or remove it")
        if not one.is_file():  # reading a pipe or a device would never end
            raise InputError(f"{one.path}: neither a file nor a folder; remove it")
        if not _is_text(one.name):
            raise InputError(f"{ascii(one.path)}: its name is not UTF-8; rename it")
    meshes = [folder / one.name for one in found]
    if not meshes:
        raise InputError(
            f"{folder}: no mesh in it ({' '.join(READABLE)}); add some, delete it if a job made it, or take this class out of "
            "`dataset: classes`"
        )
    if split is None:
        return meshes
    tested = draw_test([path.name for path in meshes], test_percent, f"{seed}/{folder.name}", folder)
    return [path for path in meshes if (path.name in tested) == (split == "test")]


def _is_text(name):
    try:
        return bool(name.encode())
    except UnicodeEncodeError:  # Python keeps bytes that aren't UTF-8 as halves of surrogate pairs
        return False


def draw_test(names, test_percent, seed, folder):
    """The names among `names` that are for testing. Raises InputError, naming the folder, where there aren't two."""
    if len(names) < 2:
        raise InputError(f"{folder}: one mesh can't be split into train and test; add more")
    drawn = sorted(names, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest())
    return set(drawn[: min(len(names) - 1, max(1, round(len(names) * test_percent / 100)))])


def mesh_hash(path):
    """Hash of a mesh's content, and of the files beside it that hold a glTF's numbers; 16 hexadecimal digits."""
    return content_hash([path, *buffer_files(Path(path))])


def folder_hash(meshes, cache):
    """Hash of the names and contents of meshes of one folder, 16 hexadecimal digits.

    cache: folder of remembered hashes, so that a file is read again only when its size or date changes.
    """
    memory = Path(cache) / hashlib.sha256(str(meshes[0].parent.resolve()).encode()).hexdigest()[:16]
    try:
        known = json.loads(memory.read_text())
    except (OSError, ValueError):  # none yet, or damaged
        known = {}
    found = {}
    for path in meshes:
        facts = [file.stat() for file in (path, *buffer_files(path))]
        stamp = [[one.st_size, one.st_mtime_ns] for one in facts]
        remembered = path.name in known and known[path.name][0] == stamp
        found[path.name] = known[path.name] if remembered else [stamp, mesh_hash(path)]
    if not found.items() <= known.items():
        with atomic_write(memory) as temporary:
            temporary.write_text(json.dumps(known | found))
    return hashlib.sha256(json.dumps([[name, entry[1]] for name, entry in found.items()]).encode()).hexdigest()[:16]
