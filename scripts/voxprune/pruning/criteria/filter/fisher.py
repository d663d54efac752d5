"""Half the sum of value^2 x Fisher information over all parameters of a filter: the rise of the loss if they went
to zero, with the diagonal empirical Fisher, mean of squared gradients of single objects, as curvature
(LeCun et al. 1989, optimal brain damage; Theis et al. 2018, arXiv 1801.05787)."""

import torch
from torch import nn

from voxprune.pruning.groups import Group
from voxprune.pruning.scoring import Sample, by_channel, fisher_information, parameters


def score(network: nn.Module, groups: list[Group], sample: Sample) -> dict[str, torch.Tensor]:
    fisher = fisher_information(network, sample)
    scores: dict = {
        group.root: 0.5
        * sum(by_channel(one.detach() ** 2 * fisher[one], channels) for one, channels in parameters(network, group))
        for group in groups
    }
    return scores
