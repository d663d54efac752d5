"""Which layers bear pruning: each layer pruned alone, to every level."""

import copy

import torch

from voxprune.evaluation import predict
from voxprune.groups import find_groups
from voxprune.pruning import Method, choose_units, silence_filters
from voxprune.statistics import wilson

CHOICE = Method("filter", "l1", "layer", "remove")


def by_layer(network, voxels, objects, levels, report=print):
    """Accuracy with one layer alone pruned by filters of lowest L1 norm, a row a (layer, level) in percent, level 0 first.

    voxels: objects that no parent was fitted to, and never test objects; `objects` is their name in the table.
    Pruned filters are fully masked (kernel, bias, BatchNorm), which equals removing them. Coupled layers count as one.
    """
    groups, rows = find_groups(network), []
    nothing = {group.root: torch.zeros(group.size, dtype=torch.bool) for group in groups}
    unpruned = _correct(network, voxels)
    for group in groups:
        for level in sorted({0, *levels}):
            correct = unpruned
            if level:
                pruned = copy.deepcopy(network)
                chosen = choose_units(network, CHOICE, level, groups=groups)[group.root]
                silence_filters(pruned, {**nothing, group.root: chosen}, groups)
                correct = _correct(pruned, voxels)
            low, high = wilson(correct, len(voxels))
            rows.append(
                {
                    "layer": group.root, "level_percent": level, "accuracy_percent": 100 * correct / len(voxels),
                    "accuracy_percent_low": 100 * low, "accuracy_percent_high": 100 * high,
                    "n_samples": len(voxels), "objects": objects,
                }
            )  # fmt: skip
        report(f"{group.root}: pruned alone to {len(levels)} levels")
    return rows


def _correct(network, voxels):
    return int((predict(network, voxels).argmax(dim=1) == voxels.labels.cpu()).sum())
