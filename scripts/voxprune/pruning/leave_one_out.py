"""How the loss changes when each filter alone is left out, and how well every criterion predicts that."""

import copy
from collections.abc import Callable

import torch
from scipy.stats import spearmanr
from torch import nn
from torch.nn.functional import cross_entropy

from voxprune.core.errors import InputError
from voxprune.pruning.groups import find_groups, silence
from voxprune.pruning.scoring import Sample
from voxprune.pruning.scoring import criterion as criterion_named
from voxprune.settings.method import criteria


@torch.no_grad()
def loss(network: nn.Module, sample: Sample) -> float:
    """Mean cross-entropy over the sample, in eval mode."""
    network.eval()
    total = sum(cross_entropy(network(voxels), labels, reduction="sum") for voxels, labels in sample.batches())
    return float(total) / len(sample.labels)


def leave_one_out(network: nn.Module, sample: Sample, report: Callable[[str], object] = print) -> dict[str, torch.Tensor]:
    """The rise of the loss when each filter alone is removed: {group root: float64 (size,)}, negative where it falls.

    The filter is fully masked (what reads them multiplies by zero), which equals removing it.
    """
    groups, before = find_groups(network), loss(network, sample)
    nothing = {group.root: torch.zeros(group.size, dtype=torch.bool) for group in groups}
    rises = {}
    for group in groups:
        rises[group.root] = torch.zeros(group.size, dtype=torch.float64)
        for number in range(group.size):
            without = copy.deepcopy(network)
            one = nothing[group.root].clone()
            one[number] = True
            silence(without, {**nothing, group.root: one}, groups)
            rises[group.root][number] = loss(without, sample) - before
        report(f"{group.root}: {group.size} filters left out one by one")
    return rises


def compare(network: nn.Module, sample: Sample, report: Callable[[str], object] = print) -> list[dict]:
    """One row a filter: layer, filter, loss_rise, and every criterion's score (criteria that the network can't have are
    left out). `random` is among them, as the control.
    """
    groups, rises = find_groups(network), leave_one_out(network, sample, report)
    if not groups:
        raise InputError("no filter of this network can be removed, so there is none to leave out")
    scores = {}
    for name in criteria("filter"):
        try:
            scores[name] = criterion_named("filter", name)(network, groups, sample)
        except InputError as reason:
            report(f"left out: {reason}")
    return [
        {
            "layer": group.root,
            "filter": number,
            "loss_rise": float(rises[group.root][number]),
            **{name: float(score[group.root][number]) for name, score in scores.items()},
        }
        for group in groups
        for number in range(group.size)
    ]


def rank_correlations(rows: list[dict]) -> list[dict]:
    """Spearman's rank correlation of each criterion with the loss's rise, in each layer: rows of {layer, criterion,
    filters, correlation}; correlation is None where a layer's scores or rises are all equal.
    """
    criteria = [name for name in rows[0] if name not in ("layer", "filter", "loss_rise")]
    found = []
    for layer in dict.fromkeys(row["layer"] for row in rows):
        members = [row for row in rows if row["layer"] == layer]
        rises = [row["loss_rise"] for row in members]
        for criterion in criteria:
            scores = [row[criterion] for row in members]
            varied = len(set(scores)) > 1 and len(set(rises)) > 1
            correlation = float(spearmanr(scores, rises).statistic) if varied else None
            found.append({"layer": layer, "criterion": criterion, "filters": len(members), "correlation": correlation})
    return found
