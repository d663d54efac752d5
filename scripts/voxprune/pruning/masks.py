"""Masking weights and filters, and the proof that removal changed nothing else."""

import copy
from typing import Any

import torch
from torch import nn

from voxprune.core.errors import InputError
from voxprune.networks.build import convolutions
from voxprune.networks.precision import in_double
from voxprune.pruning.groups import Group, silence
from voxprune.pruning.scoring import Sample

EQUALITY_TOLERANCE = 1e-5  # relative to the largest logit
PROOF_OBJECTS = 20  # real training objects on which the removed and the masked network must agree


@torch.no_grad()
def mask_weights(network: Any, pruned: dict[str, torch.Tensor]) -> None:
    """Sets single weights to zero: pruned is {layer: bool tensor of its weight's shape}."""
    for name, mask in pruned.items():
        network.get_submodule(name).weight[mask.to(network.get_submodule(name).weight.device)] = 0


@torch.no_grad()
def mask_filters(network: nn.Module, pruned: dict[str, torch.Tensor], groups: list[Group]) -> None:
    """Sets the kernels of pruned filters to zero; shapes, biases and BatchNorms stay, as in torch.nn.utils.prune."""
    prunable = convolutions(network)
    for group in groups:
        chosen = pruned[group.root].nonzero()[:, 0].tolist()
        for name in set(group.members) & set(prunable):
            for channels in group.members[name]:
                prunable[name].weight[[channels[unit] for unit in chosen]] = 0


@torch.no_grad()
def prove_removal(
    parent: nn.Module, removed: nn.Module, pruned: dict[str, torch.Tensor], groups: list[Group], sample: Sample
) -> float:
    """Largest absolute logit difference between the removed and the fully masked network, in double precision.

    Double precision leaves only what differs in structure: the order of summation differs between the two, and in
    single precision its rounding would blur the proof.
    """
    masked = copy.deepcopy(parent)
    silence(masked, pruned, groups)
    voxels = sample.voxels[:: max(1, len(sample.voxels) // PROOF_OBJECTS)]
    expected, found = in_double(masked, voxels), in_double(copy.deepcopy(removed), voxels)
    difference, largest = float((expected - found).abs().max()), float(expected.abs().max())
    if not difference <= EQUALITY_TOLERANCE * largest:
        raise InputError(
            f"the removed network differs from the fully masked one by {difference:.2g} (largest logit {largest:.2g}); "
            "report this as a bug of the removal"
        )
    return difference
