"""w^2 over the sum of all w^2 of the layer that are not smaller (Lee et al. 2021, LAMP, arXiv 2010.07611)."""

import torch
from torch import nn

from voxprune.pruning.groups import Group
from voxprune.pruning.scoring import Sample, weight_layers


def score(network: nn.Module, groups: list[Group], sample: Sample) -> dict[str, torch.Tensor]:
    scores = {}
    for name, layer in weight_layers(network):
        squares = layer.weight.detach().double().flatten() ** 2
        ordered, order = squares.sort(stable=True)
        survivors = ordered.flip(0).cumsum(0).flip(0)
        scores[name] = (
            torch.empty_like(squares).scatter_(0, order, ordered / survivors.clamp_min(1e-300)).view_as(layer.weight)
        )
    return scores
