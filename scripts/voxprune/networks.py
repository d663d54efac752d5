"""Networks by name, and checkpoints that rebuild them.

A network is made from (resolution, classes, widths): widths maps each convolution to its number of filters, so that
a pruned network is an ordinary network with smaller widths. Widths may be 0: nothing is left of that layer.
"""

import json
import warnings

from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional

from voxprune.files import InputError, whole


class Conv3d(nn.Conv3d):
    """nn.Conv3d that still works when pruning has left it no inputs (its output is its bias) or no filters (empty)."""

    def forward(self, x):
        if self.in_channels and self.out_channels:
            return super().forward(x)
        size = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, p, d, k, s in zip(
            x.shape[2:], self.padding, self.dilation, self.kernel_size, self.stride)]  # fmt: skip
        bias = x.new_zeros(self.out_channels) if self.bias is None else self.bias
        return bias.view(1, -1, 1, 1, 1).expand(len(x), -1, *size)


class MaxPool3d(nn.MaxPool3d):
    """nn.MaxPool3d that also takes inputs without channels."""

    def forward(self, x):
        if x.shape[1]:
            return super().forward(x)
        return x.new_zeros(len(x), 0, *(n // self.kernel_size for n in x.shape[2:]))


class Original(nn.Module):
    """The original study's network (shared by its two notebooks), at any resolution that is a multiple of 4.

    Input (n, 1, R, R, R), output logits (n, classes). At R = 100 and 10 classes it has 64,015,722 parameters.
    """

    widths = {"conv1": 16, "conv2": 32}

    def __init__(self, resolution, classes, widths):
        super().__init__()
        if resolution % 4:
            raise InputError(f"network original: resolution {resolution} is not a multiple of 4; choose one that is")
        self.pool1 = MaxPool3d(2)
        self.conv1 = Conv3d(1, widths["conv1"], 3, padding=1)
        self.conv2 = Conv3d(widths["conv1"], widths["conv2"], 3, padding=1)
        self.pool2 = MaxPool3d(2)
        self.fc1 = nn.Linear(widths["conv2"] * (resolution // 4) ** 3, 128)
        self.fc2 = nn.Linear(128, classes)

    def forward(self, x):
        x = functional.relu(self.conv1(self.pool1(x)))
        x = self.pool2(functional.relu(self.conv2(x)))
        return self.fc2(functional.relu(self.fc1(x.flatten(1))))


NETWORKS = {"original": Original}


def build(name, resolution, classes, widths=None):
    """A network by name, float32, initialised by torch's defaults. widths: {layer: filters}, the full ones by default.

    The description needed to build it again is its attribute `description`. Raises InputError for an unknown name.
    """
    if name not in NETWORKS:
        raise InputError(f"network {name!r} is unknown; choose one of {', '.join(NETWORKS)}")
    architecture = NETWORKS[name]
    widths = dict(widths or architecture.widths)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Initializing zero-element tensors")  # layers with nothing left
        network = architecture(resolution, len(classes), widths)
    network.description = {
        "network": name, "resolution": resolution, "classes": list(classes), "widths": widths
    }  # fmt: skip
    return network


def convolutions(network):
    """The prunable layers, {name: Conv3d}, in the order of the network."""
    return {name: layer for name, layer in network.named_modules() if isinstance(layer, nn.Conv3d)}


def save(network, path, recipe):
    """Writes a checkpoint: the tensors, and in the metadata the description and the recipe (how it was made)."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    # One metadata key: safetensors writes several in random order, and equal checkpoints shall be equal files.
    metadata = json.dumps({"description": network.description, "recipe": recipe}, sort_keys=True)
    with whole(path) as temporary:
        save_file(tensors, temporary, {"voxprune": metadata})


def load(path):
    """Reads a checkpoint: (network in eval mode on the CPU, recipe).

    Raises InputError where the file isn't a voxprune checkpoint or its tensors don't fit its description.
    """
    try:
        with safe_open(path, "pt") as file:
            metadata = json.loads(file.metadata()["voxprune"])
        description = metadata["description"]
        network = build(description["network"], description["resolution"], description["classes"], description["widths"])
        network.load_state_dict(load_file(path))
    except FileNotFoundError:
        raise InputError(f"{path}: no such checkpoint; run the job that makes it first") from None
    except InputError:
        raise
    except Exception as error:  # safetensors, JSON and torch each raise their own kinds
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: not a voxprune checkpoint ({reason}); delete it and run again") from error
    return network.eval(), metadata["recipe"]
