"""How much of a network can be pruned, in one sentence."""

import copy

import torch
from torch import nn

from voxprune.pruning.groups import examine, remove

WEIGHTED = (nn.Linear, nn.modules.conv._ConvNd, nn.RNNBase, nn.MultiheadAttention)


def extent(network: nn.Module) -> str:
    """What pruning reaches, in one sentence, as `prunes 14 of 17 convolutions, 96 % of their weights, 61 % of all parameters;
    left out: ...`: convolutions that lose filters, the share of all convolutions' weights that they hold, and the share of
    the network's parameters that is gone without any of these filters.
    """
    groups, _ = examine(network)
    members = {name for group in groups for name in group.members}
    layers = {name: layer for name, layer in network.named_modules() if isinstance(layer, nn.Conv3d)}
    weights = {name: sum(one.numel() for one in layer.parameters()) for name, layer in layers.items()}
    pruned = [name for name in layers if name in members]
    share = 100 * sum(weights[name] for name in pruned) / max(1, sum(weights.values()))
    return (
        f"prunes {len(pruned)} of {len(layers)} convolutions, {share:.0f} % of their weights, "
        f"{_gone_percent(network, groups):.0f} % of all parameters; left out: {left_out(network)}"
    )


def left_out(network: nn.Module) -> str:
    """The layers whose filters stay, each with the reason, in words."""
    groups, reasons = examine(network)
    members = {name for group in groups for name in group.members}
    others = [
        name for name, layer in network.named_modules() if isinstance(layer, WEIGHTED) and not isinstance(layer, nn.Conv3d)
    ]
    parts = [f"{', '.join(names)} ({why})" for why, names in _by_reason(reasons, members).items()]
    if others:
        parts.append(f"{', '.join(others)} (no Conv3d: loses only what goes with filters of others)")
    return "; ".join(parts) if parts else "nothing"


def _by_reason(reasons, members):
    found = {}
    for name, why in reasons.items():
        found.setdefault(why, []).append(f"{name} in part" if name in members else name)
    return found


def _gone_percent(network, groups):
    nothing = copy.deepcopy(network)
    remove(nothing, {group.root: torch.ones(group.size, dtype=torch.bool) for group in groups}, groups)
    parameters = [sum(one.numel() for one in each.parameters()) for each in (network, nothing)]
    return 100 * (1 - parameters[1] / max(1, parameters[0]))
