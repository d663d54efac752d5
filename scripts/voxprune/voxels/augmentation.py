"""Training objects turned, mirrored, stretched and shifted on the grid: one resampling, nearest cell, empty outside."""

import math

import numpy as np
import torch
from msgspec.structs import replace
from torch.nn.functional import one_hot

from voxprune.settings.training import Augmentation


def augment(voxels, augmentation, generator):
    """A new draw for each object. voxels: float32 (n, 1, R, R, R), axes x, y, z with z up; returns the same shape.

    generator: a CPU torch.Generator. Flips and shifts are exact; a turned or stretched object is resampled to the nearest cell.
    """
    if replace(augmentation, mixup_alpha=0.0) == Augmentation():
        return voxels
    count, resolution = len(voxels), voxels.shape[-1]
    angle = math.radians(augmentation.rotation_degrees) * (2 * torch.rand(count, generator=generator) - 1)
    flip = 1 - 2 * (torch.rand(count, 2, generator=generator) < augmentation.flip_probability).float()
    scale = 1 + augmentation.scale_percent / 100 * (2 * torch.rand(count, 3, 1, generator=generator) - 1)
    reach = augmentation.shift_cells
    shift = torch.randint(-reach, reach + 1, (count, 3), generator=generator)
    angle, flip, scale, shift = (draw.to(voxels.device) for draw in (angle, flip, scale, shift))
    cosine, sine = angle.cos()[:, None, None], angle.sin()[:, None, None]
    centred = torch.arange(resolution, device=voxels.device) - (resolution - 1) / 2
    x, y, z = (centred / scale).unbind(1)
    # where each cell of the result comes from: x and y of each column, z alike in all columns
    from_x = flip[:, :1, None] * (cosine * x[:, :, None] - sine * y[:, None, :]) + shift[:, 0, None, None]
    from_y = flip[:, 1:, None] * (sine * x[:, :, None] + cosine * y[:, None, :]) + shift[:, 1, None, None]
    from_z = z + shift[:, 2, None]
    return _resampled(voxels, *(_nearest(places, resolution) for places in (from_x, from_y, from_z)))


def _nearest(centred, resolution):
    """The number of the cell at a place, counted in cells from the centre; outside the grid it is -1."""
    cell = (centred + (resolution - 1) / 2).round().long()
    return cell.where((cell >= 0) & (cell < resolution), -1)


def _resampled(voxels, from_x, from_y, from_z):
    """Picks cells: from_x, from_y (n, R, R) for each column, from_z (n, R) within all of them; -1 picks an empty cell.

    Whole columns first, then their cells by a product with a matrix of 0 and 1: several times faster than grid_sample.
    """
    count, _, resolution = voxels.shape[:3]
    first = torch.arange(count, device=voxels.device)[:, None, None] * resolution**2
    inside = (from_x >= 0) & (from_y >= 0)
    picked = (first + from_x * resolution + from_y).where(inside, 0).flatten()
    columns = voxels.reshape(-1, resolution).index_select(0, picked).view(count, -1, resolution)
    columns *= inside.view(count, -1, 1)
    choice = (torch.arange(resolution, device=voxels.device)[:, None] == from_z[:, None, :]).to(voxels.dtype)
    return torch.bmm(columns, choice).view(voxels.shape)


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
