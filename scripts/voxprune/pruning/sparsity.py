"""Group lasso: training pushes whole units of filters towards zero, so that pruning finds some that do little.

The penalty is strength x the sum over units of sqrt(n) x the Euclidean norm of the unit's n parameters (Yuan and Lin 2006, doi
10.1111/j.1467-9868.2005.00532.x), and a unit's parameters are all that removing it takes: kernels, biases and BatchNorms of the
filters that are tied, and what the layers behind them read them by (Fang et al. 2023, arXiv 2301.12900).
"""

from collections.abc import Callable

import torch
from torch import nn

from voxprune.core.errors import InputError
from voxprune.pruning.groups import Group, find_groups


@torch.no_grad()
def unit_rms(network: nn.Module, group: Group) -> torch.Tensor:
    """The root mean square of the parameters of each of a group's units: (size,), on the network's device.

    A parameter that a unit has along two axes, as a filter that reads itself has, counts twice.
    """
    squares, numbers = torch.zeros(2, group.size + 1, device=next(network.parameters()).device)
    for tensor, axis, units in _parameters(network, group):
        by_place = tensor.float().square().movedim(axis, 0).reshape(len(units), -1).sum(dim=1)
        squares.index_add_(0, units, by_place)
        numbers.index_add_(0, units, torch.full_like(by_place, tensor.numel() / len(units)))
    return (squares / numbers)[:-1].sqrt()


def shrinker(network: nn.Module, strength: float) -> Callable[[float], None]:
    """A function of a step's learning rate that is called after the step: the proximal step of the penalty, apart from the
    optimiser's own, as AdamW's weight decay is.

    Every unit is multiplied by max(0, 1 - learning rate x strength / its root mean square), all by what they were before.
    Raises InputError where the network has no filters that can be removed.
    """
    groups = find_groups(network)
    if not groups:
        raise InputError("sparsify: no filter of this network can be removed; leave `sparsify` out")

    @torch.no_grad()
    def shrink(rate):
        kept = [(1 - rate * strength / unit_rms(network, group).clamp_min(1e-30)).clamp_min(0) for group in groups]
        for group, shares in zip(groups, kept):
            shares = torch.cat([shares, torch.ones_like(shares[:1])])  # the last is that of no unit
            for tensor, axis, units in _parameters(network, group):
                tensor.mul_(shares[units].view([-1 if one == axis else 1 for one in range(tensor.dim())]))

    return shrink


def _parameters(network, group):
    """(parameter, axis, the unit at each place along it; `size` for none) of all that removing the group's units cuts."""
    parameters = dict(network.named_parameters())
    for (name, axis), units in group.cuts.items():
        if name in parameters:
            tensor = parameters[name]
            yield tensor, axis, units.where(units >= 0, group.size).to(tensor.device)
