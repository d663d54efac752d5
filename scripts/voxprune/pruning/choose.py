"""Choosing the units that a level takes."""

import math

import torch
from torch import nn

from voxprune.core.errors import InputError
from voxprune.networks.build import weighted_layers
from voxprune.pruning.groups import Group, find_groups
from voxprune.pruning.scoring import Sample, criterion
from voxprune.settings.method import Method

# scope block: the level holds in every 4 consecutive weights of a filter, along the kernel's width; the 2:4 pattern of sparse
# GPUs is as dense at 50 %, but runs along input channels.
BLOCK = 4


def pruned_count(level_percent: float, units: int, channel_multiple: int = 1) -> int:
    """How many of a number of units a level takes: rounded half to even, as torch.nn.utils.prune counts.

    With a channel multiple what is kept is rounded to its nearest multiple, but never to nothing below 100 %; where the level takes
    nothing, the multiple changes nothing.
    """
    count = round(level_percent / 100 * units)
    if channel_multiple == 1 or count == 0 or level_percent >= 100:
        return count
    return units - min(units, channel_multiple * max(1, round((units - count) / channel_multiple)))


def unit_sizes(network: nn.Module, method: Method) -> dict[str, int]:
    """The number of weights or filters of each prunable layer: {name: number}, named as by `choose`."""
    if method.unit == "weight":
        return {name: layer.weight.numel() for name, layer in weighted_layers(network, method.layers).items()}
    return filters_of(find_groups(network))


def score_units(network: nn.Module, method: Method, sample: Sample | None, groups: list[Group]) -> dict[str, torch.Tensor]:
    """What `choose` ranks: the criterion's scores, comparable over layers where the scope is global; units that are
    zero already come before all others.

    Raises InputError where the criterion needs what the network or the call doesn't have.
    """
    scores = criterion(method.unit, method.criterion)(network, groups, sample)
    if method.unit == "weight":
        scores = {name: scores[name] for name in weighted_layers(network, method.layers)}
    zeros = {name: _zero_units(network, name, method, groups) for name in scores}
    if method.unit == "filter" and method.scope == "global":
        scores = {name: score / _mean(score[~zeros[name]]) for name, score in scores.items()}
    for name, score in scores.items():
        score[zeros[name]] = -1.0  # below every score
    return scores


def choose(
    scores: dict[str, torch.Tensor],
    method: Method,
    level_percent: float,
    groups: list[Group],
    full: dict[str, int] | None = None,
) -> dict[str, torch.Tensor]:
    """The units that a level of units takes: {name: bool tensor, True = pruned}, in the shape of the scores.

    The names are those of the groups' roots for filters, of the layers for weights. The lowest scores go, of equal
    scores the first in the order of the network. scope layer: exactly `pruned_count` units of each; scope global: of all
    together, where filter scores are first divided by their layer's mean: raw ones, as in Liu 2017 and Molchanov 2019, empty
    whole layers. scope block: `pruned_count` of each BLOCK weights.
    scores: as `score_units` gives. full: the `unit_sizes` that the level counts from, where the network was pruned before
    (iterative pruning); units that are zero already are taken first.
    Filters that hang together in units (of a grouped convolution, say) go as whole units, as many as come nearest.
    Raises InputError for a channel multiple or a level of blocks that would take nothing, or ratios of layers that there aren't.
    """
    full = full or (
        filters_of(groups) if method.unit == "filter" else {name: score.numel() for name, score in scores.items()}
    )
    unknown = sorted(set(method.ratios or {}) - set(full))
    if unknown:
        raise InputError(f"ratios: no layer {unknown[0]!r} is pruned by itself; choose from {', '.join(full)}")
    if method.unit == "filter":
        return _choose_filters(scores, method, level_percent, groups, full)
    if method.scope == "global":
        flat = torch.cat([score.flatten() for score in scores.values()])
        pruned = _lowest(flat, pruned_count(level_percent, sum(full.values())))
        parts = pruned.split([score.numel() for score in scores.values()])
        return {name: part.view(scores[name].shape) for name, part in zip(scores, parts)}
    if method.scope == "block":
        if level_percent % (100 / BLOCK):
            raise InputError(
                f"blocks of {BLOCK} weights can't lose {level_percent:g} %; choose a multiple of {100 // BLOCK} %"
            )
        return {name: _lowest_in_blocks(score, pruned_count(level_percent, BLOCK)) for name, score in scores.items()}
    levels = {name: _layer_level(method, name, level_percent) for name in scores}
    return {name: _lowest(score, pruned_count(levels[name], full[name])) for name, score in scores.items()}


def _layer_level(method, layer, level_percent):
    """The level in percent that holds in one layer: the method's, times the layer's factor where it has one; at most 100."""
    return min(100.0, level_percent * (method.ratios or {}).get(layer, 1.0))


def _choose_filters(scores, method, level_percent, groups, full):
    """Of each layer by itself, or of all together: units of the lowest scores, as many as come nearest to the level."""
    left, chosen = filters_of(groups), {}
    if not groups:  # an earlier step took all
        return {}
    if method.scope == "global":
        count = pruned_count(level_percent, sum(full.values()))
        return _lowest_units(scores, groups, count - sum(full.values()) + sum(left.values()))
    for layer, filters in left.items():
        together = [group for group in groups if group.layer == layer]
        level = _layer_level(method, layer, level_percent)
        count = pruned_count(level, full[layer], _multiple(method, layer, full[layer], together))
        chosen |= _lowest_units(scores, together, count - full[layer] + filters)
    return chosen


def filters_of(groups: list[Group]) -> dict[str, int]:
    """The number of filters that can be pruned of each layer: {layer: filters}."""
    found: dict[str, int] = {}
    for group in groups:
        found[group.layer] = found.get(group.layer, 0) + group.size * group.filters
    return found


def _multiple(method, layer, filters, groups):
    """What the number of filters kept must be a multiple of, so that no unit is cut in two."""
    if method.channel_multiple > filters:
        raise InputError(
            f"layer {layer}: a channel multiple of {method.channel_multiple} takes nothing of {filters} filters; choose a smaller"
        )
    return 1 if method.channel_multiple == 1 else math.lcm(method.channel_multiple, *(group.filters for group in groups))


def _lowest_units(scores, groups, count):
    """{root: bool tensor}: the units of the lowest scores, with as many filters as come nearest to `count`, rather fewer."""
    order = torch.cat([scores[group.root] for group in groups]).cpu().argsort(stable=True)
    filters = torch.cat([torch.full((group.size,), group.filters) for group in groups])
    taken = torch.cat([torch.zeros(1, dtype=torch.int64), filters[order].cumsum(0)])
    pruned = torch.zeros(len(order), dtype=torch.bool)
    pruned[order[: int((taken - count).abs().argmin())]] = True
    return dict(zip([group.root for group in groups], pruned.split([group.size for group in groups])))


def _mean(scores):
    """What a layer's scores are divided by. Without its zeros: else a layer that was masked before would look better than one that wasn't."""
    return scores.mean().clamp_min(1e-30) if len(scores) else 1.0


def _zero_units(network, name, method, groups):
    """Bool tensor in the shape of the scores: weights that are zero, units all of whose filters are."""
    if method.unit == "weight":
        return network.get_submodule(name).weight.detach() == 0
    group = next(group for group in groups if group.root == name)
    alive = network.get_submodule(group.layer).weight.detach().flatten(1).any(dim=1)
    return ~torch.stack([alive[channels] for channels in group.members[group.layer]]).any(dim=0)


def _lowest(scores, count):
    """Bool tensor in the shape of `scores`, True for the `count` lowest."""
    pruned = torch.zeros(scores.numel(), dtype=torch.bool)
    pruned[scores.flatten().cpu().argsort(stable=True)[:count]] = True
    return pruned.view(scores.shape)


def _lowest_in_blocks(scores, count):
    """Bool tensor in the shape of `scores`, True for the `count` lowest of each BLOCK along a filter's weights."""
    rows = scores.flatten(1)
    padded = torch.nn.functional.pad(rows, (0, -rows.shape[1] % BLOCK), value=float("inf"))
    order = padded.view(len(rows), -1, BLOCK).argsort(dim=2, stable=True)
    pruned = torch.zeros_like(order, dtype=torch.bool).scatter_(2, order[..., :count], True)
    return pruned.view(len(rows), -1)[:, : rows.shape[1]].reshape(scores.shape).cpu()
