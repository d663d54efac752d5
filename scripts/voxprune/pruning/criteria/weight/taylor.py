"""|gradient x weight|, gradient of the mean loss over the sample (Molchanov et al. 2017, arXiv 1611.06440)."""

import torch
from torch import nn

from voxprune.pruning.groups import Group
from voxprune.pruning.scoring import Sample, backward, weight_layers


def score(network: nn.Module, groups: list[Group], sample: Sample) -> dict[str, torch.Tensor]:
    totals = {name: torch.zeros_like(layer.weight) for name, layer in weight_layers(network)}
    for share in backward(network, sample):
        for name, layer in weight_layers(network):
            totals[name] += share * layer.weight.grad
    return {name: (totals[name] * layer.weight.detach()).abs() for name, layer in weight_layers(network)}
