"""Keeping masked weights at zero while a network is trained."""

import torch

from voxprune.networks.build import weighted_layers


def zero_keeper(network, layers):
    """A function that sets the weights that are zero now to zero again, as masks do after each step; layers: as in a method."""
    zeros = [(layer, layer.weight.detach() == 0) for layer in weighted_layers(network, layers).values()]
    zeros = [(layer, mask) for layer, mask in zeros if mask.any()]

    @torch.no_grad()
    def keep_zeros(rate):
        for layer, mask in zeros:
            layer.weight.masked_fill_(mask.to(layer.weight.device), 0)

    return keep_zeros if zeros else None
