"""Training objects turned, mirrored, stretched and shifted on the grid: one resampling, nearest cell, empty outside."""

import math
from dataclasses import dataclass

import torch
from torch.nn.functional import affine_grid, grid_sample


@dataclass(frozen=True)
class Augmentation:
    """The keys of `augmentation` in the config; all zero changes nothing."""

    rotation_degrees: float  # turned about the up axis by a uniform angle between minus and plus this
    flip_probability: float  # of mirroring x, and of mirroring y
    scale_percent: float  # stretched or squeezed by up to this, uniformly and on each axis by itself
    shift_cells: int  # moved by a uniform whole number of cells between minus and plus this, on each axis


def augment(voxels, augmentation, generator):
    """A new draw for each object. voxels: float32 (n, 1, R, R, R), axes x, y, z with z up; returns the same shape.

    generator: a CPU torch.Generator. Flips and shifts are exact; a turned or stretched object is resampled to the nearest cell.
    """
    if augmentation == Augmentation(0, 0, 0, 0):
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
