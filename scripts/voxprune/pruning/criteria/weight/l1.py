"""|w| of each weight: magnitude pruning (Han et al. 2015, arXiv 1506.02626)."""

from voxprune.pruning.scoring import weight_layers


def score(network, groups, sample):
    return {name: layer.weight.detach().abs() for name, layer in weight_layers(network)}
