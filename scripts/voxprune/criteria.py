"""Importance of weights and filters: the least important units are pruned first.

A criterion takes a convolution's weight, shape (filters, inputs, depth, height, width), and returns one score a unit:
the weight's shape for unit `weight`, (filters,) for unit `filter`.
"""


def l1_weight(weight):
    """|w| of each weight: magnitude pruning (Han et al. 2015, arXiv 1506.02626)."""
    return weight.abs()


def l1_filter(weight):
    """Sum of |w| over each filter (Li et al. 2017, arXiv 1608.08710, section 3.1)."""
    return weight.abs().flatten(1).sum(dim=1)


CRITERIA = {("weight", "l1"): l1_weight, ("filter", "l1"): l1_filter}
