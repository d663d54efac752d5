"""Sum of Euclidean distances to all filters of the layer (He et al. 2019, FPGM, arXiv 1811.00250).

Filters near the geometric median can be stood in for by the others. Signs count: w and -w are far apart."""

import torch
from torch import nn

from voxprune.pruning.groups import Group
from voxprune.pruning.scoring import Sample, from_kernels


def score(network: nn.Module, groups: list[Group], sample: Sample) -> dict[str, torch.Tensor]:
    return from_kernels(network, groups, lambda kernels: torch.cdist(kernels, kernels).sum(dim=1))
