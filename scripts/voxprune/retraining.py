"""What is trained after pruning, and the controls that pruning must beat."""

import dataclasses

import torch
from torch import nn

from voxprune.dataset import batches
from voxprune.files import InputError
from voxprune.networks import convolutions
from voxprune.training import fit

KINDS = {
    "none": "leave the pruned network as it is",
    "finetune": "train on with a fresh optimiser at a learning rate of its own, by the parent's schedule",
    "rewind": "learning-rate rewinding: repeat the last epochs of the parent's schedule (Renda et al. 2020, arXiv 2003.02389)",
    "scratch": "the pruned shape with new weights, for the parent's epochs and these together (Liu et al. 2019, 1810.05270)",
    "batchnorm": "only measure the mean and variance of every BatchNorm anew on training objects",
}


def retrain(
    network, kind, parent_recipe, epochs, learning_rate, voxels, validation, seed, state_path, fingerprint, report=print
):
    """Retrains a pruned network in place by one of KINDS; weights that are zero in its convolutions stay zero.

    Returns the learning curve, empty where nothing is trained. Arguments as in training.fit.
    """
    if kind == "batchnorm":
        recalibrate(network, voxels)
    if kind in ("none", "batchnorm"):
        return []
    recipe, first_epoch = parent_recipe, 0
    if kind == "finetune":
        recipe = dataclasses.replace(parent_recipe, epochs=epochs, learning_rate=learning_rate)
    elif kind == "rewind":
        first_epoch = recipe.epochs - epochs
    else:
        recipe = dataclasses.replace(parent_recipe, epochs=parent_recipe.epochs + epochs)
        torch.manual_seed(seed)
        for layer in network.modules():
            if hasattr(layer, "reset_parameters") and not any(0 in one.shape for one in layer.parameters(recurse=False)):
                layer.reset_parameters()
    keep_zeros = _zero_keeper(network) if kind != "scratch" else None
    return fit(network, voxels, validation, recipe, seed, state_path, fingerprint, report, first_epoch, keep_zeros)


def _zero_keeper(network):
    """A function that sets the weights that are zero now to zero again, as masks do after each step."""
    zeros = [(layer, layer.weight.detach() == 0) for layer in convolutions(network).values()]
    zeros = [(layer, mask) for layer, mask in zeros if mask.any()]

    @torch.no_grad()
    def keep_zeros():
        for layer, mask in zeros:
            layer.weight.masked_fill_(mask.to(layer.weight.device), 0)

    return keep_zeros if zeros else None


@torch.no_grad()
def recalibrate(network, voxels, batch_size=64):
    """Sets the running mean and variance of every BatchNorm to their average over all batches of training objects.

    Raises InputError where a network has none.
    """
    norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm3d)]
    if not norms:
        raise InputError("retrain batchnorm needs BatchNorm3d layers, this network has none; choose another `retrain`")
    norms = [layer for layer in norms if layer.num_features]
    momenta = [layer.momentum for layer in norms]
    network.eval()
    for layer in norms:
        layer.reset_running_stats()
        layer.momentum = None  # a plain average
        layer.train()
    for inputs, _ in batches(voxels, batch_size):
        network(inputs)
    for layer, momentum in zip(norms, momenta):
        layer.momentum = momentum
    network.eval()
