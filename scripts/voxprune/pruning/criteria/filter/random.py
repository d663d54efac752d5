"""Uniform random scores from the sample's seed: the control that every criterion must beat."""

import torch


def score(network, groups, sample):
    generator = torch.Generator().manual_seed(sample.seed)
    return {group.root: torch.rand(group.size, generator=generator) for group in groups}
