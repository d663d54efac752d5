"""Pruning a parent to one level, by masks or by removal."""

import copy
from collections.abc import Iterable, Iterator

import torch
from torch import nn

from voxprune.core.errors import InputError
from voxprune.networks.cost import network_cost
from voxprune.pruning.choose import choose, score_units
from voxprune.pruning.extent import left_out
from voxprune.pruning.groups import Group, find_groups, remove
from voxprune.pruning.masks import mask_filters, mask_weights, prove_removal
from voxprune.pruning.scoring import Sample
from voxprune.settings.method import Method

ALMOST_ALL = 99.99  # percent of the units: with a channel multiple every layer keeps that many filters


def prune(
    parent: nn.Module,
    method: Method,
    level_percent: float,
    sample: Sample,
    full: dict[str, int] | None = None,
    staircase: dict[int, float] | None = None,
) -> tuple[nn.Module, float | None]:
    """A pruned copy of a network, and its proof of equality.

    sample: training objects, for data-driven criteria and for the proof. full: as in `choose`.
    staircase: for a budget of latency, see `level_for_latency`.
    Returns (network, difference): the largest absolute difference between the logits of the removed and of the fully
    masked network, None for masks.
    Raises InputError as `choose_units`, and where the two differ by more than EQUALITY_TOLERANCE of the largest logit.
    """
    groups = find_groups(parent)
    pruned = choose_units(parent, method, level_percent, sample, groups, full, staircase)
    if method.apply == "remove":
        removed = _removed(parent, pruned, groups)
        return removed, prove_removal(parent, removed, pruned, groups, sample)
    masked = copy.deepcopy(parent)
    if method.unit == "weight":
        mask_weights(masked, pruned)
    else:
        mask_filters(masked, pruned, groups)
    return masked, None


def choose_units(
    parent: nn.Module,
    method: Method,
    level_percent: float,
    sample: Sample | None = None,
    groups: list[Group] | None = None,
    full: dict[str, int] | None = None,
    staircase: dict[int, float] | None = None,
) -> dict[str, torch.Tensor]:
    """The units that a level of the method's budget takes, named and shaped as by `choose`.

    sample: None for criteria that look at weights alone. groups: those of the network, found anew where left out. full, staircase:
    as in `prune`. Raises InputError as `score_units` and `choose`, where no filter can be removed, and for a budget out of reach.
    """
    groups = find_groups(parent) if groups is None else groups
    if method.unit == "filter" and not groups and not (full and sum(full.values())):  # not after steps that took all
        raise InputError(f"no filter can be removed: {left_out(parent)}; choose a method of unit weight, or another network")
    scores = score_units(parent, method, sample, groups)
    if method.budget == "latency":
        level_percent = level_for_latency(staircase, level_percent)
    elif method.budget != "units":
        level_percent = _level_for_budget(parent, method, level_percent, scores, groups)
    return choose(scores, method, level_percent, groups, full)


def remove_levels(
    parent: nn.Module, method: Method, levels: Iterable[float], sample: Sample | None = None
) -> Iterator[nn.Module]:
    """For each level of units a copy of a network without the filters that it takes, ranked once; unproved, to know what it costs."""
    groups = find_groups(parent)
    scores = score_units(parent, method, sample, groups)
    for level in levels:
        yield _removed(parent, choose(scores, method, level, groups), groups)


def reach_percent(parent: nn.Module, budget: str) -> float:
    """The most that removing every filter takes of a network's macs or parameters, in percent."""
    groups = find_groups(parent)
    nothing = _removed(parent, {group.root: torch.ones(group.size, dtype=torch.bool) for group in groups}, groups)
    return 100 * (1 - network_cost(nothing)[budget] / network_cost(parent)[budget])


def check_reach(parent: nn.Module, budget: str, percent: float) -> None:
    """Raises InputError where a budget is out of reach; 100 % stands for all that can be removed."""
    most = reach_percent(parent, budget)
    if most < percent < 100:
        raise InputError(
            f"a budget of {percent:g} % of the {budget} is out of reach: without any filter {most:.1f} % are gone; "
            f"choose levels up to {int(most)}, or budget units"
        )


def _removed(parent, pruned, groups):
    network = copy.deepcopy(parent)
    remove(network, pruned, groups)
    return network


def _level_for_budget(parent, method, percent, scores, groups):
    """The level in percent of units whose network comes nearest to `percent` of the parent's MACs or parameters removed.

    By bisection: cost falls as the level rises, in steps of one filter.
    """
    total = network_cost(parent)[method.budget]
    check_reach(parent, method.budget, percent)

    def removed(level):
        smaller = _removed(parent, choose(scores, method, level, groups), groups)
        return 100 * (1 - network_cost(smaller)[method.budget] / total)

    if percent == 100:
        return 100.0
    low, high = 0.0, 100.0 if method.channel_multiple == 1 else ALMOST_ALL
    limits = ["`ratios`"] * bool(method.ratios) + ["`channel_multiple`"] * (method.channel_multiple > 1)
    if limits and (most := removed(high)) < percent:
        raise InputError(
            f"a budget of {percent:g} % of the {method.budget} is out of reach of its {' and '.join(limits)}: at most {most:.1f} % go; "
            "change them, or choose lower levels"
        )
    for _ in range(12):  # down to 0.02 percent of the units: less than one filter of any layer here
        middle = (low + high) / 2
        low, high = (middle, high) if removed(middle) < percent else (low, middle)
    return min((low, high), key=lambda level: abs(removed(level) - percent))


def level_for_latency(staircase: dict[int, float] | None, percent: float) -> int:
    """The level in percent of units whose measured latency comes nearest to `percent` less than the parent's.

    staircase: {level of units: latency}, with the parent at level 0, as `measure_staircase` measured it. A higher level
    never counts as slower than a lower one, so noise on a step picks no narrower network than needed; of equally near
    levels the lowest. 100 % takes everything.
    """
    if percent == 100:
        return 100
    if staircase is None:
        raise InputError(
            "a budget of latency needs the latency at every width; give the table of measure_staircase (--staircase)"
        )
    levels = sorted(staircase)
    latencies = [min(staircase[below] for below in levels if below <= level) for level in levels]
    wanted = (1 - percent / 100) * staircase[0]
    return min(zip(levels, latencies), key=lambda step: abs(step[1] - wanted))[0]
