"""Sum of |w| over each filter (Li et al. 2017, arXiv 1608.08710)."""

from voxprune.pruning.scoring import from_kernels


def score(network, groups, sample):
    return from_kernels(network, groups, lambda kernels: kernels.abs().sum(dim=1))
