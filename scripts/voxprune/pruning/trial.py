"""Does removal do what the trace of a network says? Tried before anything depends on it."""

import copy
from collections.abc import Callable

import torch
from torch import nn
from torch.utils._pytree import tree_leaves

from voxprune.core.errors import first_line
from voxprune.pruning.tracing import unchanged

TOLERANCE = 1e-3  # relative to the largest logit: in single precision, where an error of structure is of the size of a logit


def failures(network: nn.Module, groups: list, remove: Callable, silence: Callable) -> dict[str, str]:
    """{root: why its units can't be removed}: each group is added to those before it, where all together fail.

    remove, silence: functions of (network, pruned, groups), as in `groups`.
    """
    if not groups or _failure(network, groups, remove, silence) is None:
        return {}
    kept: list = []
    found: dict[str, str] = {}
    for group in groups:
        why = _failure(network, [*kept, group], remove, silence)
        if why:
            found[group.root] = why
        else:
            kept.append(group)
    return found


def _failure(network, groups, remove, silence):
    """Why the network without half of the units, and without all of them, isn't the masked one; None where it is."""
    generator = torch.Generator().manual_seed(0)
    half = {group.root: torch.rand(group.size, generator=generator) < 0.5 for group in groups}
    every = {group.root: torch.ones(group.size, dtype=torch.bool) for group in groups}
    resolution, device = network.description["resolution"], next(network.parameters()).device
    voxels = (torch.rand(2, 1, *(resolution,) * 3, generator=generator) < 0.5).float().to(device)
    with unchanged(network):
        for pruned in (half, every):
            removed, masked = copy.deepcopy(network).eval(), copy.deepcopy(network).eval()
            silence(masked, pruned, groups)
            expected = _numbers(masked(voxels))
            try:
                remove(removed, pruned, groups)
                found = _numbers(removed(voxels))
            except Exception as error:  # a network's own code may raise anything
                return f"with fewer filters `forward` fails ({first_line(error)}), so it counts on their number"
            if found.shape != expected.shape or (found - expected).abs().max() > TOLERANCE * expected.abs().max():
                return "with fewer filters `forward` takes others than those left, so it counts on their number"
    return None


def _numbers(output):
    return torch.cat([leaf.flatten() for leaf in tree_leaves(output) if isinstance(leaf, torch.Tensor)])
