"""Mean absolute output of each filter over objects and cells, after its BatchNorm where there is one (after Hu et
al. 2016, arXiv 1607.03250, and Molchanov et al. 2017, arXiv 1611.06440)."""

import torch
from torch import nn

from voxprune.pruning.groups import Group
from voxprune.pruning.scoring import Sample, convolutions, mean_output, norms


@torch.no_grad()
def score(network: nn.Module, groups: list[Group], sample: Sample) -> dict[str, torch.Tensor]:
    totals: dict = {group.root: 0.0 for group in groups}
    hooks = []
    for group in groups:
        for layer, channels in norms(network, group) or convolutions(network, group):

            def add(layer, inputs, output, root=group.root, channels=channels):
                totals[root] = totals[root] + mean_output(output)[channels]

            hooks.append(layer.register_forward_hook(add))
    network.eval()
    for voxels, _ in sample.batches():
        network(voxels)
    for hook in hooks:
        hook.remove()
    return {root: total / len(sample.labels) for root, total in totals.items()}
