"""How sensitive each layer is to pruning: each layer pruned alone, to every level."""

import copy
from collections.abc import Callable

import torch
from torch import nn

from voxprune.networks.evaluation import predict
from voxprune.pruning.choose import choose, score_units
from voxprune.pruning.groups import find_groups, silence
from voxprune.settings.method import Method
from voxprune.voxels.dataset import Voxels

CHOICE = Method("filter", "l1", "layer", "remove")
COLUMNS = ("layer", "level_percent", "correct", "n_samples", "objects")


def by_layer(
    network: nn.Module, voxels: Voxels, objects: str, levels: list[int], report: Callable[[str], object] = print
) -> list[dict]:
    """How many objects are right with one layer alone pruned by filters of lowest L1 norm: a row a (layer, level in percent),
    level 0 first.

    voxels: objects that no parent was fitted to, and never test objects; `objects` is their name in the table.
    Pruned filters are fully masked (what reads them multiplies by zero), which equals removing them. Coupled layers count as one.
    """
    groups, rows = find_groups(network), []
    scores = score_units(network, CHOICE, None, groups)
    nothing = {group.root: torch.zeros(group.size, dtype=torch.bool) for group in groups}
    unpruned = _correct(network, voxels)
    for group in groups:
        for level in sorted({0, *levels}):
            correct = unpruned
            if level:
                pruned = copy.deepcopy(network)
                chosen = choose(scores, CHOICE, level, groups)[group.root]
                silence(pruned, {**nothing, group.root: chosen}, groups)
                correct = _correct(pruned, voxels)
            rows.append(
                {
                    "layer": group.root, "level_percent": level, "correct": correct, "n_samples": len(voxels), "objects": objects,
                }
            )  # fmt: skip
        report(f"{group.root}: pruned alone to {len(levels)} levels")
    return rows


def _correct(network, voxels):
    return int((predict(network, voxels).argmax(dim=1) == voxels.labels.cpu()).sum())
