"""repeat the last `epochs` of the parent's schedule (learning-rate rewinding, Renda et al. 2020, arXiv 2003.02389); with `prune_at` all that are left of it"""

from voxprune.training.fit import fit
from voxprune.training.zeros import zero_keeper

NEEDS = ["epochs"]


def retrain(network, method, recipe, job):
    """Trains a pruned network from an earlier point of the parent's schedule to its end; zeros stay zero."""
    epochs = method.epochs or recipe.epochs - method.parent_epochs(recipe.epochs)
    return fit(network, recipe, job, first_epoch=recipe.epochs - epochs, after_step=zero_keeper(network, method.layers))
