"""Choosing units, masking weights, removing filters, and the proof that removal changed nothing else."""

import copy
from dataclasses import dataclass

import torch

from voxprune.criteria import CRITERIA
from voxprune.evaluation import cost
from voxprune.files import InputError
from voxprune.groups import dependency_graph, find_groups, remove
from voxprune.networks import convolutions

EQUALITY_TOLERANCE = 1e-5  # relative to the largest logit
BLOCK = 4  # scope block: the level holds in every 4 consecutive weights of a filter; 50 % is the 2:4 pattern of sparse GPUs
PROOF_OBJECTS = 20  # real training objects on which the removed and the masked network must agree


@dataclass(frozen=True)
class Method:
    """How units are chosen and what becomes of them; the first keys of a recipe in the config's `methods`."""

    unit: str  # weight | filter
    criterion: str  # see criteria.CRITERIA
    scope: str  # layer: the level holds in every layer | global: over all layers together | block: see BLOCK
    realise: str  # mask: zeros, shapes stay | remove: smaller layers
    grid: int = 1  # scope layer: the filters kept in each layer are the nearest multiple of this
    budget: str = "units"  # what levels are percent of: units | macs | parameters | latency (of the whole network)


def pruned_count(level_percent, units, grid=1):
    """How many of a number of units a level takes: rounded half to even, as torch.nn.utils.prune counts.

    With a grid what is kept is rounded to its nearest multiple, but never to nothing; where the level takes nothing or
    everything, the grid changes nothing.
    """
    count = round(level_percent / 100 * units)
    if grid == 1 or count in (0, units):
        return count
    return units - min(units, grid * max(1, round((units - count) / grid)))


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
    grid or a level of blocks that would take nothing.
    """
    groups = find_groups(network) if groups is None else groups
    return _choose(score_units(network, method, sample, groups), method, level_percent, groups, full)


def score_units(network, method, sample, groups):
    """What `choose_units` ranks: the criterion's scores, comparable over layers where the scope is global; units that are
    zero already come before all others.

    Raises InputError where the criterion needs what the network or the call doesn't have.
    """
    scores = CRITERIA[method.unit][method.criterion](network, groups, sample)
    if method.unit == "filter" and method.scope == "global":
        scores = {name: score / score.mean().clamp_min(1e-30) for name, score in scores.items()}
    for name, score in scores.items():
        score[_zero_units(network, name, method.unit)] = -1.0  # below every score
    return scores


def _choose(scores, method, level_percent, groups, full=None):
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
            if method.grid > full[name]:
                raise InputError(
                    f"layer {name}: a grid of {method.grid} takes nothing of {full[name]} filters; choose a smaller"
                )
            gone = full[name] - score.numel()
            chosen[name] = _lowest(score, pruned_count(level_percent, full[name], method.grid) - gone)
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


def prune(parent, method, level_percent, sample, full=None, staircase=None):
    """A pruned copy of a network, and its proof of equality.

    sample: training objects, for data-driven criteria and for the proof. full: as in `choose_units`.
    staircase: for a budget of latency, see `level_for_latency`.
    Returns (network, difference): the largest absolute difference between the logits of the removed and of the fully
    masked network, None for masks.
    Raises InputError as `choose_units`, and where the two differ by more than EQUALITY_TOLERANCE of the largest logit.
    """
    groups = find_groups(parent)
    scores = score_units(parent, method, sample, groups)
    if method.budget == "latency":
        level_percent = level_for_latency(staircase, level_percent)
    elif method.budget != "units":
        level_percent = _level_for_budget(parent, method, level_percent, scores, groups)
    pruned = _choose(scores, method, level_percent, groups, full)
    if method.realise == "remove":
        removed = _removed(parent, pruned, groups)
        return removed, prove_removal(parent, removed, pruned, groups, sample)
    masked = copy.deepcopy(parent)
    if method.unit == "weight":
        mask_weights(masked, pruned)
    else:
        mask_filters(masked, pruned, groups)
    return masked, None


def remove_level(parent, method, level_percent, sample=None):
    """A copy of a network without the filters that a level of units takes; unproved, to know what it costs."""
    groups = find_groups(parent)
    return _removed(parent, choose_units(parent, method, level_percent, sample, groups), groups)


def _removed(parent, pruned, groups):
    network = copy.deepcopy(parent)
    remove(network, pruned, groups, dependency_graph(network))
    return network


def _level_for_budget(parent, method, percent, scores, groups):
    """The level in percent of units whose network comes nearest to `percent` of the parent's MACs or parameters removed.

    By bisection: cost falls as the level rises, in steps of one filter.
    """
    total = cost(parent)[method.budget]

    def removed(level):
        smaller = _removed(parent, _choose(scores, method, level, groups), groups)
        return 100 * (1 - cost(smaller)[method.budget] / total)

    low, high = 0.0, 100.0
    for _ in range(12):  # down to 0.02 percent of the units: less than one filter of any layer here
        middle = (low + high) / 2
        low, high = (middle, high) if removed(middle) < percent else (low, middle)
    return min((low, high), key=lambda level: abs(removed(level) - percent))


def level_for_latency(staircase, percent):
    """The level in percent of units whose measured latency comes nearest to `percent` less than the parent's.

    staircase: {level of units: latency}, with the parent at level 0, as `measure_staircase` measured it. A higher level
    never counts as slower than a lower one, so noise on a step picks no narrower network than needed; of equally near
    levels the lowest. 100 % takes everything.
    """
    if percent == 100:
        return 100
    levels = sorted(staircase)
    latencies = [min(staircase[below] for below in levels if below <= level) for level in levels]
    wanted = (1 - percent / 100) * staircase[0]
    return min(zip(levels, latencies), key=lambda step: abs(step[1] - wanted))[0]


@torch.no_grad()
def mask_weights(network, pruned):
    """Sets single weights to zero: pruned is {convolution: bool tensor of its weight's shape}."""
    for name, mask in pruned.items():
        network.get_submodule(name).weight[mask.to(network.get_submodule(name).weight.device)] = 0


@torch.no_grad()
def mask_filters(network, pruned, groups):
    """Sets the kernels of pruned filters to zero; shapes, biases and BatchNorms stay, as in torch.nn.utils.prune."""
    for layer, channels in _pruned_members(network, pruned, groups):
        if isinstance(layer, torch.nn.Conv3d):
            layer.weight[channels] = 0


@torch.no_grad()
def silence_filters(network, pruned, groups):
    """The fully masked network: kernel, bias and BatchNorm of the pruned filters are zero, so nothing of them passes on."""
    for layer, channels in _pruned_members(network, pruned, groups):
        for parameter in layer.parameters(recurse=False):
            parameter[channels] = 0


def _pruned_members(network, pruned, groups):
    for group in groups:
        indices = pruned[group.root].nonzero()[:, 0].tolist()
        for name, channels in group.members.items():
            yield network.get_submodule(name), [channels[index] for index in indices]


@torch.no_grad()
def prove_removal(parent, removed, pruned, groups, sample):
    """Largest absolute logit difference between the removed and the fully masked network, in double precision.

    Double precision leaves only what differs in structure: the order of summation differs between the two, and in
    single precision its rounding would blur the proof.
    """
    masked = copy.deepcopy(parent)
    silence_filters(masked, pruned, groups)
    voxels = sample.voxels[:: max(1, len(sample.voxels) // PROOF_OBJECTS)].double()
    expected = masked.double().eval()(voxels)
    found = copy.deepcopy(removed).double().eval()(voxels)
    difference, largest = float((expected - found).abs().max()), float(expected.abs().max())
    if not difference <= EQUALITY_TOLERANCE * largest:
        raise InputError(
            f"the removed network differs from the fully masked one by {difference:.2g} (largest logit {largest:.2g}); "
            "report this as a bug of the removal"
        )
    return difference
