"""The grids of several shards as one tensor that stays on the disk: a grid is read when it is asked for."""

import numpy as np
import torch

from voxprune.voxels.shards import read_grids


class Grids:
    """The packed grids of several shards in one row, of which none lies in memory: indexing reads those asked for.

    Stands for the uint8 tensor (n, R, R, ceil(R / 8)) of all of them on the CPU. Shards are mapped, so that one that is replaced
    meanwhile stays as it was.
    """

    device = torch.device("cpu")

    def __init__(self, shards, numbers=None):
        self._shards = shards
        self._numbers = np.arange(sum(map(len, shards))) if numbers is None else numbers

    def __len__(self):
        return len(self._numbers)

    def __getitem__(self, rows):
        """The grids of a slice, or of an integer array or tensor (k,), as a tensor uint8 (k, R, R, ceil(R / 8))."""
        numbers = self._numbers[rows if isinstance(rows, slice) else np.asarray(rows)]
        return torch.from_numpy(read_grids(self._shards, numbers))

    def only(self, rows):
        """The grids of an integer array or tensor, still on the disk."""
        return Grids(self._shards, self._numbers[np.asarray(rows)])

    def to(self, device):
        """These on the CPU; a tensor of all of them on a GPU, which can't wait for a disk."""
        return self if torch.device(device).type == "cpu" else self[:].to(device)
