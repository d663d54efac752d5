"""Half the sum of value^2 x Fisher information over all parameters of a filter: the rise of the loss if they went
to zero, with the diagonal empirical Fisher, mean of squared gradients of single objects, as curvature
(LeCun et al. 1989, optimal brain damage; Theis et al. 2018, arXiv 1801.05787)."""

from voxprune.pruning.scoring import by_channel, fisher_information, parameters


def score(network, groups, sample):
    fisher = fisher_information(network, sample)
    return {
        group.root: 0.5
        * sum(by_channel(one.detach() ** 2 * fisher[one], channels) for one, channels in parameters(network, group))
        for group in groups
    }
