"""Where the meshes of a data set come from, told from its settings before any job runs."""

from pathlib import Path
from typing import NamedTuple

from voxprune.core.errors import InputError
from voxprune.datasets.archives import choose, find_members
from voxprune.datasets.folders import SPLITS, find_classes, find_layout, find_meshes
from voxprune.datasets.furniture_classes import MAKERS
from voxprune.datasets.modelnet import MODELNET, check_tree
from voxprune.meshes.endings import READABLE, is_readable

# Snakemake's paths can't hold these; the last are what Python makes of names that aren't UTF-8.
STRANGE = set("{}<>") | set(map(chr, range(32))) | set(map(chr, range(0xD800, 0xE000)))

NAMED = 5  # files in a sentence


class Source(NamedTuple):
    """meshes: folder of a class and split, with {name} and {split} where the tree has them. classes: in label order."""

    meshes: str
    classes: list


def find_source(dataset, on_bad_mesh="skip"):
    """The Source of a data set; dataset: the keys of `dataset` in the config, on_bad_mesh: that of `voxels`.

    What the user has already is looked at: raises InputError where a class or a split has no meshes, or ModelNet's
    not as many as were published, or meshes are of formats that can't be read and none may be left out.
    """
    tree, classes = dataset["folder"], _classes(dataset)
    if dataset["archive"] and dataset["source"] == "folder":
        choose(dataset["archive"], classes, dataset["test_percent"], dataset["seed"])
    if tree is None:
        return Source(f"data/meshes/{dataset['name']}/{{name}}/{{split}}", classes)
    layout = find_layout(tree)
    if dataset["source"] in MODELNET:
        if "{split}" not in layout:
            raise InputError(f"{tree}: no folders train and test in it; use `source: folder`")
        check_tree(tree, classes, MODELNET[dataset["source"]].counts)
    meshes = []
    for name in classes:
        for split in SPLITS:
            folder = Path(tree) / layout.format(name=name, split=split)
            meshes += find_meshes(folder, *split_arguments(layout, split, dataset))
    if on_bad_mesh == "fail":
        _refuse_foreign([path for path in meshes if not is_readable(path.name)])
    return Source(f"{tree}/{layout}", classes)


def _refuse_foreign(meshes):
    if meshes:
        more = f" and {len(meshes) - NAMED} more" if len(meshes) > NAMED else ""
        raise InputError(
            f"{', '.join(map(str, meshes[:NAMED]))}{more}: of a format that can't be read; convert to one of {' '.join(READABLE)}, "
            "or set `voxels: on_bad_mesh: skip` to leave such files out"
        )


def split_arguments(layout, split, dataset):
    """The further arguments of `find_meshes` for a split: none where it has a folder of its own."""
    return () if "{split}" in layout else (split, dataset["test_percent"], dataset["seed"])


def _classes(dataset):
    known = _known_classes(dataset)
    if dataset["classes"] == "all":
        strange = [name for name in known if set(name) & STRANGE]
        if strange:
            raise InputError(f"{dataset['folder'] or dataset['archive']}: a class can't be called {strange[0]!r}; rename it")
        return known
    unknown = [name for name in dataset["classes"] if name not in known]
    if unknown:
        place = dataset["folder"] or dataset["archive"] or dataset["source"]
        raise InputError(f"{place}: no class {unknown[0]!r} in it; choose from {', '.join(known)}, or set `classes: all`")
    return dataset["classes"]


def _known_classes(dataset):
    if dataset["source"] == "furniture":
        return list(MAKERS)
    if dataset["source"] in MODELNET:
        return list(MODELNET[dataset["source"]].counts)
    if dataset["archive"]:
        names = sorted({member.name for member in find_members(dataset["archive"])})
        if len(names) < 2:
            raise InputError(f"{dataset['archive']}: {len(names)} class in it; at least two folders of meshes are needed")
        return names
    return find_classes(dataset["folder"])
