"""Euclidean norm of each filter (as a ranking in He et al. 2018, arXiv 1808.06866, whose soft pruning, in which pruned filters
may come back, this is not)."""

import torch
from torch import nn

from voxprune.pruning.groups import Group
from voxprune.pruning.scoring import Sample, from_kernels


def score(network: nn.Module, groups: list[Group], sample: Sample) -> dict[str, torch.Tensor]:
    return from_kernels(network, groups, lambda kernels: kernels.norm(dim=1))
