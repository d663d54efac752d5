"""Measuring the statistics of BatchNorm anew."""

import torch
from torch import nn

from voxprune.core.errors import InputError
from voxprune.voxels.dataset import batches


@torch.no_grad()
def recalibrate(network, voxels, batch_size=64):
    """Sets the running mean and variance of every BatchNorm to their average over all batches of training objects.

    Raises InputError where a network has none.
    """
    norms = [layer for layer in network.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]
    norms = [layer for layer in norms if layer.track_running_stats]
    if not norms:
        raise InputError("retrain batchnorm needs BatchNorm layers, this network has none; choose another `retrain`")
    norms = [layer for layer in norms if layer.num_features]
    momenta = [layer.momentum for layer in norms]
    network.eval()
    for layer in norms:
        layer.reset_running_stats()
        layer.momentum = None  # a plain average
        layer.train()
    # Objects are stored by class, and batches of one class vary less than the data set.
    order = torch.randperm(len(voxels), generator=torch.Generator().manual_seed(0))
    alone = len(order) > 1 and len(order) % batch_size == 1  # the last object, which may have too few values a channel
    for inputs, _ in batches(voxels, batch_size, order[: len(order) - alone]):
        network(inputs)
    for layer, momentum in zip(norms, momenta):
        layer.momentum = momentum
    network.eval()
