"""repeat the last `epochs` of the parent's schedule (learning-rate rewinding, Renda et al. 2020, arXiv 2003.02389)"""

from voxprune.training.fit import fit
from voxprune.training.zeros import zero_keeper

NEEDS = ["epochs"]


def retrain(network, method, recipe, job):
    """Trains a pruned network from an earlier point of the parent's schedule to its end; zeros stay zero."""
    return fit(network, recipe, job, first_epoch=recipe.epochs - method.epochs, after_step=zero_keeper(network))
