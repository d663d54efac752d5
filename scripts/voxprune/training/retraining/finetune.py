"""train on for `epochs` with a fresh optimiser and the parent's schedule, at its learning rate or at `learning_rate`"""

from msgspec.structs import replace

from voxprune.training.fit import fit
from voxprune.training.zeros import zero_keeper

NEEDS = ["epochs"]
MAY_HAVE = ["learning_rate"]


def retrain(network, method, recipe, job):
    """Trains a pruned network on; zeros stay zero."""
    shorter = replace(recipe, epochs=method.epochs, learning_rate=method.learning_rate or recipe.learning_rate)
    return fit(network, shorter, job, after_step=zero_keeper(network, method.layers))
