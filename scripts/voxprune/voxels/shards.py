"""Shards on the disk, `<split>/<class>.npy`: the packed grids of one class and split."""

import csv
from pathlib import Path

import numpy as np

from voxprune.core.errors import InputError
from voxprune.core.files import content_hash


def shard_paths(folder, split, classes):
    return [Path(folder) / split / f"{name}.npy" for name in classes]


def open_shards(paths):
    """The shards, mapped. Raises InputError where one is missing or damaged, or its shape isn't that of the others."""
    shards = [_open_shard(path) for path in paths]
    odd = next((path for path, shard in zip(paths, shards) if shard.shape[1:] != shards[0].shape[1:]), None)
    if odd:
        raise InputError(f"{odd}: not of the resolution of {paths[0]}; delete it and run again")
    return shards


def _open_shard(path):
    if not path.is_file():
        raise InputError(f"{path}: no such shard; run the voxels of this class first (rule voxelize)")
    try:
        shard = np.load(path, mmap_mode="r")
    except (ValueError, EOFError) as error:  # cut short, or another format; pickles too are refused
        raise InputError(f"{path}: damaged ({error}); delete it and run again") from error
    if shard.ndim != 4 or shard.dtype != np.uint8 or shard.shape[1] != shard.shape[2]:
        raise InputError(f"{path}: not a shard of packed voxels; delete it and run again")
    return shard


def read_grids(shards, numbers):
    """Some grids, counted through all shards, from the disk. numbers: integers (k,). uint8 (k, R, R, ceil(R / 8))."""
    starts = np.cumsum([0, *map(len, shards)])
    place = np.searchsorted(starts, numbers, side="right") - 1
    found = np.empty((len(numbers), *shards[0].shape[1:]), dtype=np.uint8)
    for one in np.unique(place):
        here = place == one
        found[here] = shards[one][numbers[here] - starts[one]]
    return found


def voxelized_files(shard_path):
    """The names of the meshes in a shard, in its order, from the table beside it."""
    with open(shard_path.with_suffix(".csv"), newline="") as file:
        return [row["file"] for row in csv.DictReader(file) if row["status"] == "ok"]


def data_hash(folder, classes, splits=("train", "test")):
    """Hash of all the shards of a data set, 16 hexadecimal digits."""
    return content_hash(path for split in splits for path in shard_paths(folder, split, classes))
