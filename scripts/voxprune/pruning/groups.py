"""Filters that can only be removed together, and their removal.

A residual sum ties the filters of all layers that feed it, a depthwise convolution those of the layer before it, a grouped
one those at the same places of its blocks. What hangs together is one unit; a group holds the units of one kind.
"""

import weakref
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from voxprune.networks.build import convolutions, widths
from voxprune.networks.empty import tolerate_empty
from voxprune.networks.layers import refit
from voxprune.pruning import trial
from voxprune.pruning.operations import follow
from voxprune.pruning.tracing import trace

_examined: Any = weakref.WeakKeyDictionary()  # {network: (its shapes, what was found)}


@dataclass(frozen=True)
class Group:
    """root: its name, that of the convolution `layer` by whose filters it is pruned (with a number behind where the
    filters of that layer are of several kinds). size: number of units. filters: how many filters of `layer` each has.
    members: {layer: channels}, the convolutions and BatchNorms whose outputs go with them; channels[k][i] is the layer's
    k-th channel of unit i. cuts: {(parameter or buffer, axis): int64, the unit at each place, -1 for none}, all that
    removal cuts. reads: those of them along which layers read the units.
    """

    root: str
    layer: str
    size: int
    filters: int
    members: dict
    cuts: dict
    reads: frozenset


def find_groups(network: nn.Module) -> list[Group]:
    """The groups of a network's convolutions, in the order of the network, and without what can't be removed."""
    return examine(network)[0]


def examine(network: nn.Module) -> tuple[list[Group], dict[str, str]]:
    """(groups, {convolution: why its filters, or some of them, can't be removed}).

    What the trace says is tried: a network that counts on its number of filters (`x.view(-1, 512)`) shows only then.
    Found once for each network, as long as its shapes stay.
    """
    shapes = [tuple(tensor.shape) for tensor in (*network.parameters(), *network.buffers())]
    if _examined.get(network, ([], None))[0] != shapes:
        _examined[network] = shapes, _examine(network)
    return _examined[network][1]


def _examine(network):
    traced = trace(network, follow)
    found = _tried(network, traced)
    if traced.ambiguous:
        other = _tried(network, trace(network, follow, first_fixed=False))
        found = max(found, other, key=lambda one: sum(group.size for group in one[0]))
    return found


def _tried(network, traced):
    groups, reasons = found_in(network, traced), reasons_in(network, traced)
    failed = trial.failures(network, groups, remove, silence)
    by_layer = {group.layer: failed[group.root] for group in groups if group.root in failed}
    return [group for group in groups if group.root not in failed], by_layer | reasons


def reasons_in(network: nn.Module, traced: Any) -> dict[str, str]:
    """{convolution: why its filters, or some of them, can't be removed}."""
    pinned, found = traced.units.reasons(), {}
    own, names = convolutions(network), _weight_names(network)
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Conv3d):
            filters = traced.axes.get((names[name], 0)) if name in own else None
            units = [] if filters is None else traced.units.roots()[filters].tolist()
            why = next((pinned[unit] for unit in units if unit in pinned), None)
            if name not in own:
                why = "its weight is computed anew in every forward pass"
            elif filters is None and layer.out_channels:
                why = "no forward pass uses it"
            if why:
                found[name] = why
    return found


def found_in(network: nn.Module, traced: Any) -> list[Group]:
    """The groups that a trace of a network shows."""
    pinned, prunable = traced.units.reasons(), convolutions(network)
    axes = {key: traced.units.roots()[labels] for key, labels in traced.axes.items()}
    channels = _channels(network, prunable, axes)
    kinds: dict = {}
    for name in prunable:
        for unit in channels[name]:
            kind = tuple((member, len(places[unit])) for member, places in channels.items() if unit in places)
            if unit not in pinned and name == next(member for member, _ in kind if member in prunable):
                kinds.setdefault((name, kind), []).append(unit)
    return [_group(layer, number, units, channels, axes, traced.reads) for (layer, _), number, units in _numbered(kinds)]


def _weight_names(network):
    """{layer: the name of its weight}: the first of its names, where several layers share it."""
    first = {id(parameter): name for name, parameter in network.named_parameters()}
    weights = ((name, layer._parameters.get("weight")) for name, layer in network.named_modules())
    return {name: first[id(weight)] for name, weight in weights if weight is not None}


def _channels(network, prunable, axes):
    """{convolution or BatchNorm: {unit: its channels}}, in the order of the network."""
    found, names = {}, _weight_names(network)
    for name, layer in network.named_modules():
        if name in prunable or isinstance(layer, nn.modules.batchnorm._BatchNorm):
            found[name] = {}
            for place, unit in enumerate(axes.get((names.get(name), 0), torch.empty(0)).tolist()):
                found[name].setdefault(unit, []).append(place)
    return found


def _numbered(kinds):
    """Each kind with its number among those of its layer."""
    seen = {}
    for (layer, kind), units in kinds.items():
        seen[layer] = seen.get(layer, 0) + 1
        yield (layer, kind), seen[layer], units


def _group(layer, number, units, channels, axes, reads):
    members = {
        name: [list(places) for places in zip(*(found[unit] for unit in units))]
        for name, found in channels.items()
        if units[0] in found
    }
    index = torch.full((1 + max(int(labels.max()) for labels in axes.values() if len(labels)),), -1)
    index[units] = torch.arange(len(units))
    cuts = {key: index[labels] for key, labels in axes.items()}
    cuts = {key: places for key, places in cuts.items() if (places >= 0).any()}
    root = layer if number == 1 else f"{layer} ({number})"
    return Group(root, layer, len(units), len(members[layer]), members, cuts, frozenset(reads & set(cuts)))


def remove(network: Any, pruned: dict[str, torch.Tensor], groups: list[Group]) -> None:
    """Removes units and notes the new widths in the description. pruned: {root: bool tensor, True = remove}."""
    gone, tensors = places(pruned, groups), dict([*network.named_parameters(), *network.named_buffers()])
    for (name, axis), mask in gone.items():
        tensors[name] = tensors[name].detach().index_select(axis, (~mask).nonzero()[:, 0].to(tensors[name].device))
    refit(network, {name: tensors[name] for name, _ in gone})
    tolerate_empty(network)
    network.description = {**network.description, "widths": widths(network)}


@torch.no_grad()
def silence(network: nn.Module, pruned: dict[str, torch.Tensor], groups: list[Group]) -> None:
    """The fully masked network: what reads the pruned filters multiplies them by zero, so nothing of them passes on."""
    tensors = dict([*network.named_parameters(), *network.named_buffers()])
    for (name, axis), mask in places(pruned, groups, reads=True).items():
        tensors[name].index_fill_(axis, mask.nonzero()[:, 0].to(tensors[name].device), 0)


def places(pruned: dict[str, torch.Tensor], groups: list[Group], reads: bool = False) -> dict:
    """{(parameter or buffer, axis): bool, True = goes} of what these units take; with `reads`, of what reads them alone."""
    found: dict = {}
    for group in groups:
        chosen = torch.cat([pruned[group.root].cpu(), torch.zeros(1, dtype=torch.bool)])  # the last is that of no unit
        for key in group.reads if reads else group.cuts:
            mask = chosen[group.cuts[key]]
            found[key] = found[key] | mask if key in found else mask
    return found
