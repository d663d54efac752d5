"""Half w^2 x the diagonal empirical Fisher information (LeCun et al. 1989, optimal brain damage)."""

import torch
from torch import nn

from voxprune.pruning.groups import Group
from voxprune.pruning.scoring import Sample, fisher_information, weight_layers


def score(network: nn.Module, groups: list[Group], sample: Sample) -> dict[str, torch.Tensor]:
    fisher = fisher_information(network, sample)
    return {name: 0.5 * layer.weight.detach() ** 2 * fisher[layer.weight] for name, layer in weight_layers(network)}
