"""Training objects turned, mirrored, stretched and shifted on the grid: one resampling, nearest cell, empty outside."""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.nn.functional import affine_grid, grid_sample, one_hot


@dataclass(frozen=True)
class Augmentation:
    """The keys of `augmentation` in the config; all zero changes nothing."""

    rotation_degrees: float  # turned about the up axis by a uniform angle between minus and plus this
    flip_probability: float  # of mirroring x, and of mirroring y
    scale_percent: float  # stretched or squeezed by up to this, uniformly and on each axis by itself
    shift_cells: int  # moved by a uniform whole number of cells between minus and plus this, on each axis
    mixup_alpha: float = 0.0  # of `mix`; 0 mixes nothing


def augment(voxels, augmentation, generator):
    """A new draw for each object. voxels: float32 (n, 1, R, R, R), axes x, y, z with z up; returns the same shape.

    generator: a CPU torch.Generator. Flips and shifts are exact; a turned or stretched object is resampled to the nearest cell.
    """
    if replace(augmentation, mixup_alpha=0.0) == Augmentation(0, 0, 0, 0):
        return voxels
    count, resolution = len(voxels), voxels.shape[-1]
    angle = math.radians(augmentation.rotation_degrees) * (2 * torch.rand(count, generator=generator) - 1)
    flip = 1 - 2 * (torch.rand(count, 2, generator=generator) < augmentation.flip_probability).float()
    scale = 1 + augmentation.scale_percent / 100 * (2 * torch.rand(count, 1, 3, generator=generator) - 1)
    reach = augmentation.shift_cells
    shift = torch.randint(-reach, reach + 1, (count, 3), generator=generator) * 2 / resolution
    cosine, sine = angle.cos(), angle.sin()
    matrix = torch.zeros(count, 3, 4)  # from output to input coordinates, in grid_sample's order: z, y, x
    matrix[:, 0, 0] = 1
    matrix[:, 1, 1], matrix[:, 1, 2] = flip[:, 1] * cosine, flip[:, 1] * sine
    matrix[:, 2, 1], matrix[:, 2, 2] = -flip[:, 0] * sine, flip[:, 0] * cosine
    matrix[:, :, :3] /= scale
    matrix[:, :, 3] = shift.flip(1)
    grid = affine_grid(matrix.to(voxels.device), voxels.shape, align_corners=False)
    return grid_sample(voxels, grid, mode="nearest", padding_mode="zeros", align_corners=False)


def mix(voxels, labels, classes, alpha, generator):
    """Mixes each object of a batch with another one, and their labels with the same shares (Zhang et al. 2018, mixup).

    Returns (voxels, targets float32 (n, classes)): share x object + (1 - share) x the other, one share a batch, drawn from
    Beta(alpha, alpha). generator: a CPU torch.Generator.
    """
    seed = int(torch.randint(2**62, (1,), generator=generator))  # torch draws no Beta from a generator
    share = np.random.default_rng(seed).beta(alpha, alpha)
    other = torch.randperm(len(voxels), generator=generator).to(voxels.device)
    targets = one_hot(labels, classes).float()
    return torch.lerp(voxels[other], voxels, share), torch.lerp(targets[other], targets, share)
