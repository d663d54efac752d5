"""What is trained after pruning, and the controls that pruning must beat: each kind is a file in retraining/."""

from voxprune.core import registry
from voxprune.settings.method import RETRAINING


def retrain(network, method, recipe, job):
    """Retrains a pruned network in place as its method says; weights that are zero in its convolutions stay zero.

    recipe: the parent's. job: a `training.fit.Job`. Returns the learning curve, empty where nothing is trained.
    """
    return registry.load(RETRAINING, method.retrain).retrain(network, method, recipe, job)
