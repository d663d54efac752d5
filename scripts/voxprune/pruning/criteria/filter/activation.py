"""Mean absolute output of each filter over objects and cells, after its BatchNorm where there is one (after Hu et
al. 2016, arXiv 1607.03250, and Molchanov et al. 2017, arXiv 1611.06440)."""

import torch

from voxprune.pruning.scoring import convolutions, norms


@torch.no_grad()
def score(network, groups, sample):
    totals, hooks = {group.root: 0.0 for group in groups}, []
    for group in groups:
        for layer, channels in norms(network, group) or convolutions(network, group):

            def add(layer, inputs, output, root=group.root, channels=channels):
                totals[root] = totals[root] + output.abs().mean(dim=(2, 3, 4)).sum(dim=0)[channels]

            hooks.append(layer.register_forward_hook(add))
    network.eval()
    for voxels, _ in sample.batches():
        network(voxels)
    for hook in hooks:
        hook.remove()
    return {root: total / len(sample.labels) for root, total in totals.items()}
