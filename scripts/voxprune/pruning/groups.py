"""Filters that can only be removed together, found by Torch-Pruning's dependency graph.

A residual sum couples the filters of all layers that feed it, a depthwise convolution those of the layer before it.
A group names every place where filter i of the group lives.
"""

import math
from dataclasses import dataclass

import torch
import torch_pruning
from torch import nn
from torch_pruning.ops import OPTYPE

from voxprune.core.errors import InputError
from voxprune.networks.build import widths


@dataclass(frozen=True)
class Group:
    """root: the convolution by whose filters the group is pruned. size: number of filters. members: {layer: channels},
    the convolutions and BatchNorms whose outputs go with them; channels[i] is the layer's channel of filter i.
    divisor: the filters fall into this many equal blocks (of a grouped convolution), which must lose the same places;
    1 for none.
    """

    root: str
    size: int
    members: dict
    divisor: int


def dependency_graph(network):
    """Torch-Pruning's graph of a network that has its `description`; leaves mode and gradients as they were."""
    training, frozen = network.training, [p for p in network.parameters() if not p.requires_grad]
    for parameter in frozen:
        parameter.requires_grad_(True)  # the graph is traced by autograd and misses frozen layers
    device = next(network.parameters()).device
    resolution = network.description["resolution"]
    with torch.enable_grad():
        graph = torch_pruning.DependencyGraph().build_dependency(
            network, torch.zeros(1, 1, *(resolution,) * 3, device=device), verbose=False
        )
    for parameter in frozen:
        parameter.requires_grad_(False)
    network.train(training)
    return graph


def find_groups(network, graph=None):
    """The groups of a network's convolutions, in the order of the network.

    A group that reaches the logits is left out: the classifier's output layer is never pruned.
    """
    graph = graph or dependency_graph(network)
    names = {layer: name for name, layer in network.named_modules()}
    groups, seen = [], set()
    for name, layer in network.named_modules():
        if not isinstance(layer, nn.Conv3d) or name in seen:
            continue
        coupled = graph.get_pruning_group(layer, _out_function(layer), idxs=list(range(layer.out_channels)))
        group = Group(name, layer.out_channels, _members(coupled, names), _divisor(coupled))
        seen.update(group.members)
        if not any(dependency.target.type == OPTYPE.OUTPUT for dependency, _ in coupled):
            groups.append(group)
    return groups


def _members(coupled, names):
    return {
        names[dependency.target.module]: list(channels)
        for dependency, channels in coupled
        if dependency.handler.__name__ == "prune_out_channels"
        and isinstance(dependency.target.module, (nn.Conv3d, nn.BatchNorm3d))
    }


def _divisor(coupled):
    layers = [dependency.target.module for dependency, _ in coupled]
    return math.lcm(*(layer.groups for layer in layers if isinstance(layer, nn.Conv3d) and not _is_depthwise(layer)))


def _is_depthwise(layer):
    return layer.groups > 1 and layer.groups == layer.in_channels == layer.out_channels


def _out_function(layer):
    return torch_pruning.prune_depthwise_conv_out_channels if _is_depthwise(layer) else torch_pruning.prune_conv_out_channels


def remove(network, pruned, groups, graph):
    """Removes filters and notes the new widths in the description. pruned: {root: bool tensor, True = remove}.

    Raises InputError where a width comes out wrong.
    """
    for group in groups:
        indices = pruned[group.root].nonzero()[:, 0].tolist()
        layer = network.get_submodule(group.root)
        if indices:
            graph.get_pruning_group(layer, _out_function(layer), idxs=indices).prune()
        kept = group.size - len(indices)
        for name in group.members:
            member = network.get_submodule(name)
            if isinstance(member, nn.Conv3d) and member.out_channels != kept:
                raise InputError(f"layer {name}: {member.out_channels} filters are left, {kept} should be; report this bug")
    network.description = {**network.description, "widths": widths(network)}
