"""What criteria share: the sample that data-driven ones look at, the parameters of a filter, gradients.

A criterion is a file in criteria/filter or criteria/weight with a function `score(network, groups, sample)`:
of filters it returns one score a filter, {group root: (size,)}, of weights one a weight, {layer: shape of its weight}.
`groups` are those of groups.find_groups; the scores of coupled filters are added up. `sample` is what data-driven criteria
look at (None for the others). All scores are float32 or float64, on the network's device. The lowest are pruned first.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from voxprune.core import registry
from voxprune.networks import build
from voxprune.pruning.groups import Group
from voxprune.settings.method import CRITERIA, CRITERION_OBJECTS
from voxprune.voxels import dataset

BATCH = 32  # of the data-driven criteria; more is faster and needs more memory


def criterion(unit: str, name: str) -> Callable:
    """The function `score` of a criterion."""
    return registry.load(f"{CRITERIA}/{unit}", name).score


@dataclass(frozen=True)
class Sample:
    """Training objects for data-driven criteria: voxels float32 (n, 1, R, R, R), labels int64 (n,), and a seed."""

    voxels: torch.Tensor
    labels: torch.Tensor
    seed: int

    def batches(self, size=BATCH):
        return zip(self.voxels.split(size), self.labels.split(size))


def add_sample_option(parser: argparse.ArgumentParser) -> None:
    """The option that says how large a sample is: `criterion_objects` in the config."""
    parser.add_argument(
        "--criterion-objects",
        type=int,
        default=CRITERION_OBJECTS,
        help=f"training objects for criteria and proof (default {CRITERION_OBJECTS})",
    )


def load_sample(folder: str, network: Any, origin: Any, count: int) -> Sample:
    """Training objects that a parent was fitted to; not its validation objects, which choose epochs and levels.

    folder: of shards. origin: of the network's checkpoint. count: how many.
    """
    classes, share = network.description["classes"], origin.recipe.validation_share
    voxels, labels = dataset.sample(folder, classes, count, origin.seed, share)
    return Sample(voxels, labels, origin.seed)


def from_kernels(network: nn.Module, groups: list[Group], score: Callable) -> dict[str, torch.Tensor]:
    """score: (filters, weights of a filter) to (filters,); summed over the convolutions of each group."""
    return {
        group.root: sum(
            score(layer.weight.detach().flatten(1))[channels] for layer, channels in convolutions(network, group)
        )
        for group in groups
    }


def mean_output(output: torch.Tensor) -> torch.Tensor:
    """Mean absolute output of each channel over space, summed over objects; of (n, channels) or (n, channels, ...)."""
    return output.abs().flatten(2).mean(dim=2).sum(dim=0) if output.dim() > 2 else output.abs().sum(dim=0)


def members(network: nn.Module, group: Group, kind: type) -> list:
    layers = [(network.get_submodule(name), places) for name, places in group.members.items()]
    return [(layer, channels) for layer, places in layers if isinstance(layer, kind) for channels in places]


def convolutions(network: nn.Module, group: Group) -> list:
    return members(network, group, nn.Conv3d)


def norms(network: nn.Module, group: Group) -> list:
    return [(norm, channels) for norm, channels in members(network, group, nn.modules.batchnorm._BatchNorm) if norm.affine]


def weight_layers(network: nn.Module) -> list:
    return list(build.weighted_layers(network).items())


def parameters(network: nn.Module, group: Group) -> list:
    """Every parameter of a group's convolutions and norms, with the channels that are the group's."""
    members = convolutions(network, group) + norms(network, group)
    return [(parameter, channels) for layer, channels in members for parameter in layer.parameters(recurse=False)]


def by_channel(values: torch.Tensor, channels: list[int]) -> torch.Tensor:
    """Sums a parameter-shaped tensor over everything but its first axis, and picks the group's channels."""
    return values.reshape(len(values), -1).sum(dim=1)[channels]


def backward(network: nn.Module, sample: Sample, size: int = BATCH) -> Iterator[float]:
    """Backward passes of the mean loss in eval mode, a batch at a time; yields each batch's share of the sample.

    Frozen parameters get gradients too, those that no pass uses get zeros.
    """
    network.eval()
    frozen = [parameter for parameter in network.parameters() if not parameter.requires_grad]
    for parameter in frozen:
        parameter.requires_grad_(True)
    for voxels, labels in sample.batches(size):
        network.zero_grad(set_to_none=True)
        with torch.enable_grad():
            cross_entropy(network(voxels), labels).backward()
        for parameter in network.parameters():
            parameter.grad = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        yield len(labels) / len(sample.labels)
    network.zero_grad(set_to_none=True)
    for parameter in frozen:
        parameter.requires_grad_(False)


def fisher_information(network: nn.Module, sample: Sample) -> dict[nn.Parameter, torch.Tensor]:
    """Mean over objects of each parameter's squared gradient, {parameter: tensor}. One backward pass an object."""
    totals = {parameter: torch.zeros_like(parameter) for parameter in network.parameters()}
    for share in backward(network, sample, size=1):
        for parameter, total in totals.items():
            if parameter.grad is not None:
                total += share * parameter.grad**2
    return totals
