"""Sum of Euclidean distances to all filters of the layer (He et al. 2019, FPGM, arXiv 1811.00250).

Filters near the geometric median can be stood in for by the others. Signs count: w and -w are far apart."""

import torch

from voxprune.pruning.scoring import from_kernels


def score(network, groups, sample):
    return from_kernels(network, groups, lambda kernels: torch.cdist(kernels, kernels).sum(dim=1))
