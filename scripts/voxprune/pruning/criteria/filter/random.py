"""Uniform random scores from the sample's seed: the control that every criterion must beat."""

import torch
from torch import nn

from voxprune.pruning.groups import Group
from voxprune.pruning.scoring import Sample


def score(network: nn.Module, groups: list[Group], sample: Sample) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(sample.seed)
    return {group.root: torch.rand(group.size, generator=generator) for group in groups}
