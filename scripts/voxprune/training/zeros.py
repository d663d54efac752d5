"""Keeping masked weights at zero while a network is trained."""

import torch

from voxprune.networks.build import convolutions


def zero_keeper(network):
    """A function that sets the weights that are zero now to zero again, as masks do after each step."""
    zeros = [(layer, layer.weight.detach() == 0) for layer in convolutions(network).values()]
    zeros = [(layer, mask) for layer, mask in zeros if mask.any()]

    @torch.no_grad()
    def keep_zeros():
        for layer, mask in zeros:
            layer.weight.masked_fill_(mask.to(layer.weight.device), 0)

    return keep_zeros if zeros else None
