"""measure the mean and variance of every BatchNorm anew on training objects, train nothing; not for `original`, which has none"""

from voxprune.training.recalibrate import recalibrate

NEEDS = []


def retrain(network, method, recipe, job):
    """Recalibrates; no rows of a learning curve."""
    recalibrate(network, job.voxels)
    return []
