"""Half w^2 x the diagonal empirical Fisher information (LeCun et al. 1989, optimal brain damage)."""

from voxprune.pruning.scoring import fisher_information, weight_layers


def score(network, groups, sample):
    fisher = fisher_information(network, sample)
    return {name: 0.5 * layer.weight.detach() ** 2 * fisher[layer.weight] for name, layer in weight_layers(network)}
