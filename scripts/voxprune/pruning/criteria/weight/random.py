"""Uniform random scores from the sample's seed."""

import torch
from torch import nn

from voxprune.pruning.groups import Group
from voxprune.pruning.scoring import Sample, weight_layers


def score(network: nn.Module, groups: list[Group], sample: Sample) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(sample.seed)
    return {name: torch.rand(layer.weight.shape, generator=generator) for name, layer in weight_layers(network)}
