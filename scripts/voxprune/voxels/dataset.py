"""Voxel shards to batches: the packed bytes stay on the disk (or on the GPU), a batch is read and unpacked when it is needed."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from voxprune.core.errors import InputError
from voxprune.voxels.grids import Grids
from voxprune.voxels.shards import open_shards, shard_paths, voxelized_files


@dataclass(frozen=True)
class Voxels:
    """The objects of one split.

    packed: uint8 (n * views, R, R, ceil(R / 8)), eight cells a byte along the last axis, the views of an object one
    after the other; in shards on the disk, or a tensor. labels: int64 (n,), index into classes. files: the mesh file of each object, `<class>/<file>`.
    resolution: R. views: grids an object, turned about the up axis; view 0 is the object as it is.
    """

    packed: torch.Tensor | Grids
    labels: torch.Tensor
    files: np.ndarray
    resolution: int
    views: int = 1

    def __len__(self):
        return len(self.labels)

    def subset(self, indices):
        rows = (indices[:, None] * self.views + torch.arange(self.views, device=indices.device)).flatten()
        files = self.files[indices.cpu().numpy()]
        packed = self.packed.only(rows) if isinstance(self.packed, Grids) else self.packed[rows]
        return replace(self, packed=packed, labels=self.labels[indices], files=files)

    def to(self, device):
        return replace(self, packed=self.packed.to(device), labels=self.labels.to(device))


def load_split(folder, split, classes):
    """Loads `<folder>/<split>/<class>.npy` of all classes, in the order of `classes`.

    Raises InputError where a shard is missing or its shape isn't that of the others.
    """
    paths = shard_paths(folder, split, classes)
    shards, tables = open_shards(paths), [voxelized_files(path) for path in paths]
    views = len(shards[0]) // max(1, len(tables[0]))
    odd = next((path for path, shard, files in zip(paths, shards, tables) if len(shard) != views * len(files)), None)
    if odd:
        raise InputError(f"{odd}: its grids aren't as many as its table names; delete it and run again")
    return Voxels(Grids(shards), _labels(tables), _named(classes, tables), shards[0].shape[1], views)


def _labels(tables):
    return torch.arange(len(tables)).repeat_interleave(torch.tensor([len(files) for files in tables]))


def _named(classes, tables):
    return np.array([f"{name}/{file}" for name, files in zip(classes, tables) for file in files])


def unpack(packed, resolution):
    """uint8 (n, R, R, ceil(R / 8)) to the networks' input: float32 (n, 1, R, R, R) of 0 and 1, on the same device."""
    shifts = torch.arange(7, -1, -1, dtype=torch.uint8, device=packed.device)
    bits = (packed[..., None] >> shifts) & 1
    return bits.flatten(-2)[:, None, ..., :resolution].float()


def batches(voxels, batch_size, order=None, view=0):
    """Yields (voxels float32 (n, 1, R, R, R), labels int64 (n,)); the last batch may be smaller.

    order: the objects' numbers in the order wanted; as stored by default. view: of all objects, or int64 (n,), of each.
    """
    device = voxels.packed.device
    order = (torch.arange(len(voxels)) if order is None else order).to(device)
    rows = (torch.arange(len(voxels)) * voxels.views + view).to(device)
    for indices in order.split(batch_size):
        yield unpack(voxels.packed[rows[indices]], voxels.resolution), voxels.labels[indices]


def load_training(folder, classes, share, seed):
    """The training objects in two sets (fitted, validation): `split_validation` of the split `train`."""
    return split_validation(load_split(folder, "train", classes), share, seed)


def split_validation(voxels, share, seed):
    """Two disjoint sets (rest, validation): `share` of each class's objects, at least one, drawn with the seed.

    share 0 gives all and an empty validation set. Raises InputError where a class has too few objects to split.
    """
    chosen = _validation_mask(voxels.labels, voxels.files, share, seed)
    return voxels.subset((~chosen).nonzero()[:, 0]), voxels.subset(chosen.nonzero()[:, 0])


def _validation_mask(labels, files, share, seed):
    """Bool tensor (n,): the objects that split_validation takes out."""
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    for label in labels.unique() if share else ():
        members = (labels == label).nonzero()[:, 0]
        count = max(1, round(share * len(members)))
        if count >= len(members):
            raise InputError(f"{files[members[0]]}: its class has too few objects to take {share:.0%} of them out")
        chosen[members[torch.randperm(len(members), generator=generator)[:count]]] = True
    return chosen


def sample(folder, classes, count, seed, validation_share=0.0):
    """`count` training objects in view 0, evenly from the classes as far as they go, drawn with the seed.

    validation_share: leave out the objects that split_validation takes out with this share and the same seed.
    Returns (voxels float32 (n, 1, R, R, R), labels int64 (n,)), in random order, so that batches of them hold several classes.
    Reads no more than these objects from the shards.
    """
    rng, packed, labels = np.random.default_rng(seed), [], []
    paths = shard_paths(folder, "train", classes)
    shards, tables = open_shards(paths), [voxelized_files(path) for path in paths]
    every, files = _labels(tables), _named(classes, tables)
    fitted = ~_validation_mask(every, files, validation_share, seed)
    for label, (shard, table) in enumerate(zip(shards, tables)):
        share = count // len(classes) + (label < count % len(classes))
        views = len(shard) // len(table)
        chosen = np.sort(rng.permutation(fitted[every == label].nonzero()[:, 0].numpy())[:share])
        packed.append(shard[chosen * views])
        labels += [label] * len(chosen)
    order = rng.permutation(len(labels))
    packed = torch.from_numpy(np.concatenate(packed)[order])
    return unpack(packed, packed.shape[1]), torch.tensor(labels)[order]
