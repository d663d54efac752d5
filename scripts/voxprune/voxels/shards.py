"""Shards on the disk, `<split>/<class>.npy`: packed grids that are read when they are asked for."""

import csv
from pathlib import Path

import numpy as np
import torch

from voxprune.core.errors import InputError
from voxprune.core.files import content_hash


class Grids:
    """The packed grids of several shards in one row, of which none lies in memory: indexing reads those asked for.

    Stands for the uint8 tensor (n, R, R, ceil(R / 8)) of all of them on the CPU. Shards are mapped, so that one that is replaced
    meanwhile stays as it was.
    """

    device = torch.device("cpu")

    def __init__(self, shards, numbers=None):
        self._shards, self._starts = shards, np.cumsum([0, *map(len, shards)])
        self._numbers = np.arange(self._starts[-1]) if numbers is None else numbers

    def __len__(self):
        return len(self._numbers)

    def __getitem__(self, rows):
        """The grids of a slice, or of an integer array or tensor (k,), as a tensor uint8 (k, R, R, ceil(R / 8))."""
        numbers = self._numbers[rows if isinstance(rows, slice) else np.asarray(rows)]
        found = np.empty((len(numbers), *self._shards[0].shape[1:]), dtype=np.uint8)
        place = np.searchsorted(self._starts, numbers, side="right") - 1
        for one in np.unique(place):
            here = place == one
            found[here] = self._shards[one][numbers[here] - self._starts[one]]
        return torch.from_numpy(found)

    def only(self, rows):
        """The grids of an integer array or tensor, still on the disk."""
        return Grids(self._shards, self._numbers[np.asarray(rows)])

    def to(self, device):
        """These on the CPU; a tensor of all of them on a GPU, which can't wait for a disk."""
        return self if torch.device(device).type == "cpu" else self[:].to(device)


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


def voxelized_files(shard_path):
    """The names of the meshes in a shard, in its order, from the table beside it."""
    with open(shard_path.with_suffix(".csv"), newline="") as file:
        return [row["file"] for row in csv.DictReader(file) if row["status"] == "ok"]


def data_hash(folder, classes, splits=("train", "test")):
    """Hash of all the shards of a data set, 16 hexadecimal digits."""
    return content_hash(path for split in splits for path in shard_paths(folder, split, classes))
