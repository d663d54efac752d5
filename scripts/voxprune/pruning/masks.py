"""Masking weights and filters, and the proof that removal changed nothing else."""

import copy

import torch

from voxprune.core.errors import InputError

EQUALITY_TOLERANCE = 1e-5  # relative to the largest logit
PROOF_OBJECTS = 20  # real training objects on which the removed and the masked network must agree


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
