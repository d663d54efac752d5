"""Euclidean norm of each filter (He et al. 2018, soft filter pruning, arXiv 1808.06866)."""

from voxprune.pruning.scoring import from_kernels


def score(network, groups, sample):
    return from_kernels(network, groups, lambda kernels: kernels.norm(dim=1))
