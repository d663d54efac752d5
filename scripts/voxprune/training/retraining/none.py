"""leave the pruned network as it is"""

NEEDS = []


def retrain(network, method, recipe, job):
    """Trains nothing: no rows of a learning curve."""
    return []
