"""|w| of each weight: magnitude pruning (Han et al. 2015, arXiv 1506.02626)."""

import torch
from torch import nn

from voxprune.pruning.groups import Group
from voxprune.pruning.scoring import Sample, weight_layers


def score(network: nn.Module, groups: list[Group], sample: Sample) -> dict[str, torch.Tensor]:
    return {name: layer.weight.detach().abs() for name, layer in weight_layers(network)}
