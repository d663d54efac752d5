"""|gradient x weight|, gradient of the mean loss over the sample (Molchanov et al. 2017, arXiv 1611.06440)."""

import torch

from voxprune.pruning.scoring import backward, weight_layers


def score(network, groups, sample):
    totals = {name: torch.zeros_like(layer.weight) for name, layer in weight_layers(network)}
    for share in backward(network, sample):
        for name, layer in weight_layers(network):
            totals[name] += share * layer.weight.grad
    return {name: (totals[name] * layer.weight.detach()).abs() for name, layer in weight_layers(network)}
