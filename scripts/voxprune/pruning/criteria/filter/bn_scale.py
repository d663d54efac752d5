"""|gamma| of the BatchNorm behind each filter (Liu et al. 2017, network slimming, arXiv 1708.06519).

Raises InputError where a group has no BatchNorm."""

import torch
from torch import nn

from voxprune.core.errors import InputError
from voxprune.pruning.groups import Group
from voxprune.pruning.scoring import Sample, norms


def score(network: nn.Module, groups: list[Group], sample: Sample) -> dict[str, torch.Tensor]:
    scores = {}
    for group in groups:
        behind = norms(network, group)
        if not behind:
            raise InputError(f"criterion bn_scale: layer {group.root} has no BatchNorm behind it; choose another criterion")
        scores[group.root] = sum(norm.weight.detach().abs()[channels] for norm, channels in behind)
    return scores
