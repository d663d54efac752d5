"""Importance of weights and filters: the least important units are pruned first.

A filter criterion is a function of (network, groups, sample) and returns one score a filter: {group root: (size,)}.
A weight criterion is a function of (network, groups, sample) and returns one score a weight: {layer: shape of weight}.
`groups` are those of voxprune.groups.find_groups; the scores of coupled filters are added up. `sample` is what
data-driven criteria look at (None for the others). All scores are float32 or float64, on the network's device.
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from voxprune.files import InputError

BATCH = 32  # of the data-driven criteria; more is faster and needs more memory


@dataclass(frozen=True)
class Sample:
    """Training objects for data-driven criteria: voxels float32 (n, 1, R, R, R), labels int64 (n,), and a seed."""

    voxels: torch.Tensor
    labels: torch.Tensor
    seed: int

    def batches(self, size=BATCH):
        return zip(self.voxels.split(size), self.labels.split(size))


# ---- filters -------------------------------------------------------------------------------------------------------


def l1_filter(network, groups, sample):
    """Sum of |w| over each filter (Li et al. 2017, arXiv 1608.08710)."""
    return _from_kernels(network, groups, lambda kernels: kernels.abs().sum(dim=1))


def l2_filter(network, groups, sample):
    """Euclidean norm of each filter (He et al. 2018, soft filter pruning, arXiv 1808.06866)."""
    return _from_kernels(network, groups, lambda kernels: kernels.norm(dim=1))


def geometric_median(network, groups, sample):
    """Sum of Euclidean distances to all filters of the layer (He et al. 2019, FPGM, arXiv 1811.00250).

    Filters near the geometric median can be stood in for by the others. Signs count: w and -w are far apart.
    """
    return _from_kernels(network, groups, lambda kernels: torch.cdist(kernels, kernels).sum(dim=1))


def random_filter(network, groups, sample):
    """Uniform random scores from the sample's seed: the control that every criterion must beat."""
    generator = torch.Generator().manual_seed(sample.seed)
    return {group.root: torch.rand(group.size, generator=generator) for group in groups}


def bn_scale(network, groups, sample):
    """|gamma| of the BatchNorm behind each filter (Liu et al. 2017, network slimming, arXiv 1708.06519).

    Raises InputError where a group has no BatchNorm.
    """
    scores = {}
    for group in groups:
        norms = _norms(network, group)
        if not norms:
            raise InputError(f"criterion bn_scale: layer {group.root} has no BatchNorm behind it; choose another criterion")
        scores[group.root] = sum(norm.weight.detach().abs()[channels] for norm, channels in norms)
    return scores


def taylor_filter(network, groups, sample):
    """(sum of gradient x value over all parameters of a filter)^2, mean over batches (Molchanov et al. 2019, arXiv
    1906.10771, the importance of a gate on the filter): kernel, bias, gamma and beta of its BatchNorm. Gradients of the
    mean loss, in eval mode.
    """
    scores, count = {group.root: 0 for group in groups}, 0
    for _ in _backward(network, sample):
        for group in groups:
            change = sum(_by_channel(one.grad * one.detach(), channels) for one, channels in _parameters(network, group))
            scores[group.root] = scores[group.root] + change**2
        count += 1
    return {root: score / count for root, score in scores.items()}


def fisher_filter(network, groups, sample):
    """Half the sum of value^2 x Fisher information over all parameters of a filter: the rise of the loss if they went
    to zero, with the diagonal empirical Fisher, mean of squared gradients of single objects, as curvature
    (LeCun et al. 1989, optimal brain damage; Theis et al. 2018, arXiv 1801.05787).
    """
    fisher = _fisher(network, sample)
    return {
        group.root: 0.5
        * sum(_by_channel(one.detach() ** 2 * fisher[one], channels) for one, channels in _parameters(network, group))
        for group in groups
    }


@torch.no_grad()
def activation(network, groups, sample):
    """Mean absolute output of each filter over objects and cells, after its BatchNorm where there is one (after Hu et
    al. 2016, arXiv 1607.03250, and Molchanov et al. 2017, arXiv 1611.06440).
    """
    totals, hooks = {group.root: 0.0 for group in groups}, []
    for group in groups:
        for layer, channels in _norms(network, group) or _convolutions(network, group):

            def add(layer, inputs, output, root=group.root, channels=channels):
                totals[root] = totals[root] + output.abs().mean(dim=(2, 3, 4)).sum(dim=0)[channels]

            hooks.append(layer.register_forward_hook(add))
    network.eval()
    for voxels, _ in sample.batches():
        network(voxels)
    for hook in hooks:
        hook.remove()
    return {root: total / len(sample.labels) for root, total in totals.items()}


# ---- weights -------------------------------------------------------------------------------------------------------


def l1_weight(network, groups, sample):
    """|w| of each weight: magnitude pruning (Han et al. 2015, arXiv 1506.02626)."""
    return {name: layer.weight.detach().abs() for name, layer in _weight_layers(network)}


def random_weight(network, groups, sample):
    """Uniform random scores from the sample's seed."""
    generator = torch.Generator().manual_seed(sample.seed)
    return {name: torch.rand(layer.weight.shape, generator=generator) for name, layer in _weight_layers(network)}


def lamp(network, groups, sample):
    """w^2 over the sum of all w^2 of the layer that are not smaller (Lee et al. 2021, LAMP, arXiv 2010.07611)."""
    scores = {}
    for name, layer in _weight_layers(network):
        squares = layer.weight.detach().double().flatten() ** 2
        ordered, order = squares.sort(stable=True)
        survivors = ordered.flip(0).cumsum(0).flip(0)
        scores[name] = (
            torch.empty_like(squares).scatter_(0, order, ordered / survivors.clamp_min(1e-300)).view_as(layer.weight)
        )
    return scores


def taylor_weight(network, groups, sample):
    """|gradient x weight|, gradient of the mean loss over the sample (Molchanov et al. 2017, arXiv 1611.06440)."""
    totals = {name: torch.zeros_like(layer.weight) for name, layer in _weight_layers(network)}
    for share in _backward(network, sample):
        for name, layer in _weight_layers(network):
            totals[name] += share * layer.weight.grad
    return {name: (totals[name] * layer.weight.detach()).abs() for name, layer in _weight_layers(network)}


def fisher_weight(network, groups, sample):
    """Half w^2 x the diagonal empirical Fisher information (LeCun et al. 1989, optimal brain damage)."""
    fisher = _fisher(network, sample)
    return {name: 0.5 * layer.weight.detach() ** 2 * fisher[layer.weight] for name, layer in _weight_layers(network)}


CRITERIA = {
    "filter": {
        "l1": l1_filter, "l2": l2_filter, "random": random_filter, "geometric_median": geometric_median,
        "taylor": taylor_filter, "bn_scale": bn_scale, "activation": activation, "fisher": fisher_filter,
    },
    "weight": {
        "l1": l1_weight, "random": random_weight, "lamp": lamp, "taylor": taylor_weight, "fisher": fisher_weight,
    },
}  # fmt: skip

# ---- what they share -----------------------------------------------------------------------------------------------


def _from_kernels(network, groups, score):
    """score: (filters, weights of a filter) to (filters,); summed over the convolutions of each group."""
    return {
        group.root: sum(
            score(layer.weight.detach().flatten(1))[channels] for layer, channels in _convolutions(network, group)
        )
        for group in groups
    }


def _members(network, group, kind):
    pairs = [(network.get_submodule(name), channels) for name, channels in group.members.items()]
    return [(layer, channels) for layer, channels in pairs if isinstance(layer, kind)]


def _convolutions(network, group):
    return _members(network, group, nn.Conv3d)


def _norms(network, group):
    return [(norm, channels) for norm, channels in _members(network, group, nn.BatchNorm3d) if norm.affine]


def _weight_layers(network):
    return [(name, layer) for name, layer in network.named_modules() if isinstance(layer, nn.Conv3d)]


def _parameters(network, group):
    """Every parameter of a group's convolutions and norms, with the channels that are the group's."""
    members = _convolutions(network, group) + _norms(network, group)
    return [(parameter, channels) for layer, channels in members for parameter in layer.parameters(recurse=False)]


def _by_channel(values, channels):
    """Sums a parameter-shaped tensor over everything but its first axis, and picks the group's channels."""
    return values.reshape(len(values), -1).sum(dim=1)[channels]


def _backward(network, sample, size=BATCH):
    """Backward passes of the mean loss in eval mode, a batch at a time; yields each batch's share of the sample."""
    network.eval()
    for voxels, labels in sample.batches(size):
        network.zero_grad(set_to_none=True)
        with torch.enable_grad():
            cross_entropy(network(voxels), labels).backward()
        yield len(labels) / len(sample.labels)
    network.zero_grad(set_to_none=True)


def _fisher(network, sample):
    """Mean over objects of each parameter's squared gradient, {parameter: tensor}. One backward pass an object."""
    totals = {parameter: torch.zeros_like(parameter) for parameter in network.parameters()}
    for share in _backward(network, sample, size=1):
        for parameter, total in totals.items():
            if parameter.grad is not None:
                total += share * parameter.grad**2
    return totals
