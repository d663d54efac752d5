"""Choosing units, masking weights, removing filters, and the proof that removal changed nothing else."""

import copy
import warnings
from dataclasses import dataclass

import torch
import torch_pruning

from voxprune.criteria import CRITERIA
from voxprune.files import InputError
from voxprune.networks import convolutions

EQUALITY_TOLERANCE = 1e-5  # relative to the largest logit


@dataclass(frozen=True)
class Method:
    """A named recipe of the config's `methods`."""

    unit: str  # weight | filter
    criterion: str  # see criteria.CRITERIA
    scope: str  # layer: the level holds in every convolution
    realise: str  # mask: zeros, shapes stay | remove: smaller layers


def pruned_count(level_percent, units):
    """How many of a layer's units a level takes: rounded half to even, as torch.nn.utils.prune counts."""
    return round(level_percent / 100 * units)


def choose_units(network, method, level_percent):
    """The units to prune in each convolution: {layer: bool tensor, True = pruned}, shape of the criterion's scores.

    Exactly `pruned_count` units a layer, the lowest scores first, of equal scores the first in memory order.
    """
    criterion = CRITERIA[method.unit, method.criterion]
    chosen = {}
    for name, layer in convolutions(network).items():
        scores = criterion(layer.weight.detach())
        lowest = scores.flatten().argsort(stable=True)[: pruned_count(level_percent, scores.numel())]
        pruned = torch.zeros(scores.numel(), dtype=torch.bool)
        pruned[lowest] = True
        chosen[name] = pruned.view(scores.shape)
    return chosen


def prune(parent, method, level_percent, voxels):
    """A pruned copy of the parent, and its proof of equality.

    voxels: float32 (n, 1, R, R, R), real objects for the proof. Returns (network, difference): the largest absolute
    difference between the logits of the removed and of the fully masked network, None for masks.
    Raises InputError where the two differ by more than EQUALITY_TOLERANCE of the largest logit.
    """
    chosen = choose_units(parent, method, level_percent)
    network = copy.deepcopy(parent)
    if method.realise == "mask":
        mask_weights(network, chosen)
        return network, None
    remove_filters(network, chosen)
    return network, prove_removal(parent, network, chosen, voxels)


@torch.no_grad()
def mask_weights(network, pruned):
    """Sets the weights of pruned units to zero; shapes and biases stay, as in torch.nn.utils.prune."""
    for name, layer in convolutions(network).items():
        layer.weight[pruned[name]] = 0


@torch.no_grad()
def silence_filters(network, pruned):
    """The fully masked network: weights and biases of the pruned filters are zero, so that nothing of them passes on."""
    mask_weights(network, pruned)
    for name, layer in convolutions(network).items():
        if layer.bias is not None:
            layer.bias[pruned[name]] = 0


def remove_filters(network, pruned):
    """Removes the pruned filters, their biases, and the inputs of the following layers that they fed.

    Torch-Pruning's dependency graph finds what hangs together; which filters go is decided by `pruned` alone.
    """
    resolution = network.description["resolution"]
    graph = torch_pruning.DependencyGraph()
    graph.build_dependency(network, torch.zeros(1, 1, *(resolution,) * 3))
    for name, layer in convolutions(network).items():
        indices = pruned[name].nonzero()[:, 0].tolist()
        if indices:
            graph.get_pruning_group(layer, torch_pruning.prune_conv_out_channels, idxs=indices).prune()
        kept = int((~pruned[name]).sum())
        if layer.out_channels != kept:
            raise InputError(f"layer {name}: {layer.out_channels} filters are left, {kept} should be; report this as a bug")
    widths = {name: layer.out_channels for name, layer in convolutions(network).items()}
    network.description = {**network.description, "widths": widths}


@torch.no_grad()
def prove_removal(parent, removed, pruned, voxels):
    """Largest absolute logit difference between the removed and the fully masked network, in double precision.

    Double precision leaves only what differs in structure: the order of summation differs between the two, and in
    single precision its rounding would blur the proof.
    """
    masked = copy.deepcopy(parent)
    silence_filters(masked, pruned)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Initializing zero-element tensors")
        expected = masked.double()(voxels.double())
        found = copy.deepcopy(removed).double()(voxels.double())
    difference = float((expected - found).abs().max())
    largest = float(expected.abs().max())
    if not difference <= EQUALITY_TOLERANCE * largest:
        raise InputError(
            f"the removed network differs from the fully masked one by {difference:.2g} (largest logit {largest:.2g}); "
            "report this as a bug of the removal"
        )
    return difference
