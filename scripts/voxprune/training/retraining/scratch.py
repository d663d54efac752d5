"""the pruned shape from new weights, for the parent's epochs and `epochs` more: the control (Liu et al. 2019, arXiv 1810.05270)"""

import torch
from msgspec.structs import replace

from voxprune.training.fit import fit

NEEDS = ["epochs"]


def retrain(network, method, recipe, job):
    """Trains the shape of a pruned network from new weights, drawn from the job's seed."""
    torch.manual_seed(job.seed)
    for layer in network.modules():
        if hasattr(layer, "reset_parameters") and not any(0 in one.shape for one in layer.parameters(recurse=False)):
            layer.reset_parameters()
    return fit(network, replace(recipe, epochs=recipe.epochs + method.epochs), job)
