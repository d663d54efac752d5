"""Sum of |w| over each filter (Li et al. 2017, arXiv 1608.08710)."""

import torch
from torch import nn

from voxprune.pruning.groups import Group
from voxprune.pruning.scoring import Sample, from_kernels


def score(network: nn.Module, groups: list[Group], sample: Sample) -> dict[str, torch.Tensor]:
    return from_kernels(network, groups, lambda kernels: kernels.abs().sum(dim=1))
