"""the pruned shape from new weights, for the parent's epochs and `epochs` more, which may be left out: the control (Liu et al. 2019, arXiv 1810.05270)"""

import torch
from msgspec.structs import replace

from voxprune.networks.build import build_network
from voxprune.training.fit import fit

NEEDS = []
MAY_HAVE = ["epochs"]
NEW_WEIGHTS = True


def retrain(network, method, recipe, job):
    """Trains the shape of a pruned network from new weights, drawn from the job's seed."""
    start_anew(network, job.seed)
    return fit(network, replace(recipe, epochs=recipe.epochs + (method.epochs or 0)), job)


@torch.no_grad()
def start_anew(network, seed):
    """Gives a pruned network the weights that its own class starts with, in place.

    The class is built anew and cut down: of every tensor the first channels along each axis, as many as are left.
    """
    torch.manual_seed(seed)
    about = network.description
    fresh = build_network(about["network"], about["resolution"], about["classes"])
    initial = fresh.state_dict()
    for name, tensor in network.state_dict().items():
        tensor.copy_(initial[name][tuple(slice(size) for size in tensor.shape)])
