"""(sum of gradient x value over all parameters of a filter)^2, mean over batches (Molchanov et al. 2019, arXiv
1906.10771, the importance of a gate on the filter): kernel, bias, gamma and beta of its BatchNorm. Gradients of the
mean loss, in eval mode."""

import torch
from torch import nn

from voxprune.pruning.groups import Group
from voxprune.pruning.scoring import Sample, backward, by_channel, parameters


def score(network: nn.Module, groups: list[Group], sample: Sample) -> dict[str, torch.Tensor]:
    scores: dict = {group.root: 0 for group in groups}
    count = 0
    for _ in backward(network, sample):
        for group in groups:
            change = sum(by_channel(one.grad * one.detach(), channels) for one, channels in parameters(network, group))
            scores[group.root] = scores[group.root] + change**2
        count += 1
    return {root: score / count for root, score in scores.items()}
