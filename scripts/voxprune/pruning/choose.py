"""Choosing the units that a level takes."""

import torch

from voxprune.core.errors import InputError
from voxprune.networks.build import convolutions
from voxprune.pruning.groups import find_groups
from voxprune.pruning.scoring import criterion

BLOCK = 4  # scope block: the level holds in every 4 consecutive weights of a filter; 50 % is the 2:4 pattern of sparse GPUs


def pruned_count(level_percent, units, channel_multiple=1):
    """How many of a number of units a level takes: rounded half to even, as torch.nn.utils.prune counts.

    With a channel multiple what is kept is rounded to its nearest multiple, but never to nothing; where the level takes nothing or
    everything, the multiple changes nothing.
    """
    count = round(level_percent / 100 * units)
    if channel_multiple == 1 or count in (0, units):
        return count
    return units - min(units, channel_multiple * max(1, round((units - count) / channel_multiple)))


def unit_sizes(network, method):
    """The number of units of each prunable layer: {name: units}, named as by `choose_units`."""
    if method.unit == "weight":
        return {name: layer.weight.numel() for name, layer in convolutions(network).items()}
    return {group.root: group.size for group in find_groups(network)}


def choose_units(network, method, level_percent, sample=None, groups=None, full=None):
    """The units to prune: {name: bool tensor, True = pruned}, in the shape of the criterion's scores.

    The names are those of the groups' roots for filters, of the convolutions for weights. The lowest scores go, of equal
    scores the first in the order of the network. scope layer: exactly `pruned_count` units of each; scope global: of all
    together, where filter scores are first divided by their layer's mean: raw ones, as in Liu 2017 and Molchanov 2019, empty
    whole layers. scope block: `pruned_count` of each BLOCK weights.
    full: the `unit_sizes` that the level counts from, where the network was pruned before (iterative pruning); units that
    are zero already are taken first.
    Raises InputError as `score_units`, where a grouped convolution can't lose exactly that many filters evenly, and for a
    channel multiple or a level of blocks that would take nothing.
    """
    groups = find_groups(network) if groups is None else groups
    return choose(score_units(network, method, sample, groups), method, level_percent, groups, full)


def score_units(network, method, sample, groups):
    """What `choose_units` ranks: the criterion's scores, comparable over layers where the scope is global; units that are
    zero already come before all others.

    Raises InputError where the criterion needs what the network or the call doesn't have.
    """
    scores = criterion(method.unit, method.criterion)(network, groups, sample)
    if method.unit == "filter" and method.scope == "global":
        scores = {name: score / score.mean().clamp_min(1e-30) for name, score in scores.items()}
    for name, score in scores.items():
        score[_zero_units(network, name, method.unit)] = -1.0  # below every score
    return scores


def choose(scores, method, level_percent, groups, full=None):
    full = full or {name: score.numel() for name, score in scores.items()}
    if method.scope == "global":
        flat = torch.cat([score.flatten() for score in scores.values()])
        gone = sum(full.values()) - len(flat)
        pruned = _lowest(flat, pruned_count(level_percent, sum(full.values())) - gone)
        sizes = [score.numel() for score in scores.values()]
        chosen = {name: part.view(scores[name].shape) for name, part in zip(scores, pruned.split(sizes))}
    elif method.scope == "block":
        if level_percent % (100 / BLOCK):
            raise InputError(
                f"blocks of {BLOCK} weights can't lose {level_percent:g} %; choose a multiple of {100 // BLOCK} %"
            )
        chosen = {name: _lowest_in_blocks(score, pruned_count(level_percent, BLOCK)) for name, score in scores.items()}
    else:
        chosen = {}
        for name, score in scores.items():
            if method.channel_multiple > full[name]:
                raise InputError(
                    f"layer {name}: a channel multiple of {method.channel_multiple} takes nothing of {full[name]} filters; choose a smaller"
                )
            gone = full[name] - score.numel()
            chosen[name] = _lowest(score, pruned_count(level_percent, full[name], method.channel_multiple) - gone)
    return _spread_evenly(chosen, scores, groups) if method.unit == "filter" else chosen


def _zero_units(network, name, unit):
    weight = network.get_submodule(name).weight.detach()
    return weight == 0 if unit == "weight" else ~weight.flatten(1).any(dim=1)


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


def _spread_evenly(chosen, scores, groups):
    """In layers tied to a grouped convolution every block loses the filters at the same places: the lowest together."""
    for group in groups:
        count = int(chosen[group.root].sum())
        if group.divisor == 1 or count in (0, group.size):
            continue
        if count % group.divisor:
            raise InputError(
                f"layer {group.root}: {count} filters can't be taken evenly from the {group.divisor} blocks of a grouped "
                f"convolution; choose a level that takes a multiple of {group.divisor} of its {group.size} filters"
            )
        together = scores[group.root].view(group.divisor, -1).sum(dim=0)
        chosen[group.root] = _lowest(together, count // group.divisor).repeat(group.divisor)
    return chosen
