"""Small networks with everything that hangs together: what removal must get right."""

import torch
from torch import nn
from torch.nn import functional

from voxprune.networks.build import build_network
from voxprune.networks.origin import Origin
from voxprune.settings.training import Recipe
from voxprune.settings.voxels import Grid


class Concatenating(nn.Module):
    """Two branches with BatchNorm over their concatenation, then Flatten -> Linear."""

    def __init__(self, resolution, classes):
        super().__init__()
        self.left, self.right = nn.Conv3d(1, 5, 3, padding=1), nn.Conv3d(1, 7, 1)
        self.norm = nn.BatchNorm3d(12)
        self.last = nn.Conv3d(12, 6, 3, stride=2, padding=1)
        self.fc = nn.Linear(6 * (resolution // 2) ** 3, classes)

    def forward(self, x):
        x = functional.relu(self.norm(torch.cat([self.left(x), self.right(x)], dim=1)))
        return self.fc(functional.relu(self.last(x)).view(len(x), -1))


class Depthwise(nn.Module):
    """A depthwise convolution between two pointwise ones, global pooling."""

    def __init__(self, resolution, classes):
        super().__init__()
        self.expand, self.norm = nn.Conv3d(1, 8, 1, bias=False), nn.BatchNorm3d(8)
        self.depthwise = nn.Conv3d(8, 8, 3, padding=1, groups=8)
        self.project = nn.Conv3d(8, 6, 1)
        self.fc = nn.Linear(6, classes)

    def forward(self, x):
        x = functional.relu(self.depthwise(functional.relu(self.norm(self.expand(x)))))
        return self.fc(functional.relu(self.project(x)).mean(dim=(2, 3, 4)))


class Grouped(nn.Module):
    """A convolution in two groups."""

    def __init__(self, resolution, classes):
        super().__init__()
        self.first = nn.Conv3d(1, 8, 3, padding=1)
        self.grouped = nn.Conv3d(8, 8, 3, padding=1, groups=2)
        self.fc = nn.Linear(8, classes)

    def forward(self, x):
        x = functional.relu(self.grouped(functional.relu(self.first(x))))
        return self.fc(x.mean(dim=(2, 3, 4)))


class ConvolutionalHead(nn.Module):
    """The output layer is a convolution: it must never be pruned."""

    def __init__(self, resolution, classes):
        super().__init__()
        self.first, self.pool = nn.Conv3d(1, 8, 3, padding=1), nn.MaxPool3d(2)
        self.head = nn.Conv3d(8, classes, 1)

    def forward(self, x):
        return self.head(self.pool(functional.relu(self.first(x)))).mean(dim=(2, 3, 4))


class OutputFirst(nn.Module):
    """The output layer is a convolution and the first to be registered; two summed branches before the last BatchNorm."""

    def __init__(self, resolution, classes):
        super().__init__()
        self.head, self.side = nn.Conv3d(6, classes, 1), nn.Conv3d(6, classes, 3, padding=1)
        self.norm = nn.BatchNorm3d(classes)
        self.first, self.body = nn.Conv3d(1, 8, 3, padding=1), nn.Conv3d(8, 6, 3, stride=2)

    def forward(self, x):
        x = functional.relu(self.body(functional.relu(self.first(x))))
        return self.norm(self.head(x) + self.side(x)).mean(dim=(2, 3, 4))


class Tokens(nn.Module):
    """Linear layers over the channels of every cell, as in a mixer, the output layer registered first."""

    def __init__(self, resolution, classes):
        super().__init__()
        self.fc = nn.Linear(5, classes)
        self.patches, self.mix = nn.Conv3d(1, 8, 4, stride=4), nn.Linear(8, 5)

    def forward(self, x):
        x = functional.relu(self.patches(x)).flatten(2).transpose(1, 2)
        return self.fc(functional.relu(self.mix(x)).mean(dim=1))


ORIGIN = Origin(0, Recipe(), Grid(), "hash", total_epochs=6, training_macs=0)

ALL = ["original", "voxnet", "resnet3d", *(f"nets:{one}" for one in (
    "Concatenating", "Depthwise", "Grouped", "ConvolutionalHead", "OutputFirst", "Tokens"))]  # fmt: skip


def build(name, resolution=16, classes=3, seed=0):
    """A network with BatchNorms as after training, in eval mode."""
    torch.manual_seed(seed)
    network = build_network(name, resolution, [f"class{number}" for number in range(classes)]).eval()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm3d) and layer.affine:
            nn.init.normal_(layer.running_mean)
            nn.init.uniform_(layer.running_var, 0.5, 2.0)
            nn.init.uniform_(layer.weight, 0.3, 2.0)
            nn.init.normal_(layer.bias)
    return network
