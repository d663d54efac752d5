"""Uniform random scores from the sample's seed."""

import torch

from voxprune.pruning.scoring import weight_layers


def score(network, groups, sample):
    generator = torch.Generator().manual_seed(sample.seed)
    return {name: torch.rand(layer.weight.shape, generator=generator) for name, layer in weight_layers(network)}
