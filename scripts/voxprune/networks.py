"""Networks by name, and checkpoints that rebuild them.

A network is made from (resolution, number of classes). A pruned network is the same network with smaller layers: its
checkpoint holds the tensors, and `resize` gives the layers their shapes back. A layer may have nothing left.
"""

import hashlib
import importlib
import json
import os
import sys

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import nn
from torch.nn import functional

from voxprune.files import InputError, whole

# ---- layers that also work with nothing left -----------------------------------------------------------------------


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


class BatchNorm3d(nn.BatchNorm3d):
    """nn.BatchNorm3d that also takes inputs without channels."""

    def forward(self, x):
        return super().forward(x) if x.shape[1] else x


TOLERANT = {nn.Conv3d: Conv3d, nn.MaxPool3d: MaxPool3d, nn.BatchNorm3d: BatchNorm3d}


def tolerate_empty(network):
    """Lets the layers of any network work with nothing left of them or before them; changes no result otherwise."""
    for layer in network.modules():
        layer.__class__ = TOLERANT.get(type(layer), type(layer))
    return network


# ---- architectures -------------------------------------------------------------------------------------------------


class Original(nn.Module):
    """The original study's network (shared by its two notebooks), at any resolution that is a multiple of 4.

    Input (n, 1, R, R, R), output logits (n, classes). At R = 100 and 10 classes it has 64,015,722 parameters.
    """

    def __init__(self, resolution, classes):
        super().__init__()
        self.pool1 = nn.MaxPool3d(2)
        self.conv1 = nn.Conv3d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv3d(16, 32, 3, padding=1)
        self.pool2 = nn.MaxPool3d(2)
        self.fc1 = nn.Linear(32 * (resolution // 4) ** 3, 128)
        self.fc2 = nn.Linear(128, classes)

    def forward(self, x):
        x = functional.relu(self.conv1(self.pool1(x)))
        x = self.pool2(functional.relu(self.conv2(x)))
        return self.fc2(functional.relu(self.fc1(x.flatten(1))))


class VoxNet(nn.Module):
    """VoxNet (Maturana and Scherer 2015) with BatchNorm after each convolution, as its reproductions have it.

    Input (n, 1, R, R, R), output logits (n, classes). At R = 32 and 10 classes it has 0.92 million parameters, 96 % of
    them in fc1.
    """

    def __init__(self, resolution, classes):
        super().__init__()
        side = ((resolution - 5) // 2 + 1 - 2) // 2
        self.conv1 = nn.Conv3d(1, 32, 5, stride=2)
        self.norm1 = nn.BatchNorm3d(32)
        self.conv2 = nn.Conv3d(32, 32, 3)
        self.norm2 = nn.BatchNorm3d(32)
        self.pool = nn.MaxPool3d(2)
        self.fc1 = nn.Linear(32 * side**3, 128)
        self.fc2 = nn.Linear(128, classes)
        self.drop1, self.drop2, self.drop3 = nn.Dropout(0.2), nn.Dropout(0.3), nn.Dropout(0.4)

    def forward(self, x):
        x = self.drop1(functional.leaky_relu(self.norm1(self.conv1(x)), 0.1))
        x = self.drop2(self.pool(functional.leaky_relu(self.norm2(self.conv2(x)), 0.1)))
        return self.fc2(self.drop3(functional.relu(self.fc1(x.flatten(1)))))


class Residual(nn.Module):
    """Two 3x3x3 convolutions with BatchNorm around a shortcut (He et al. 2016, basic block, in 3D)."""

    def __init__(self, inputs, filters, stride):
        super().__init__()
        self.conv1 = nn.Conv3d(inputs, filters, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm3d(filters)
        self.conv2 = nn.Conv3d(filters, filters, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm3d(filters)
        self.shortcut = None
        if stride != 1 or inputs != filters:
            self.shortcut = nn.Sequential(nn.Conv3d(inputs, filters, 1, stride, bias=False), nn.BatchNorm3d(filters))

    def forward(self, x):
        out = self.norm2(self.conv2(functional.relu(self.norm1(self.conv1(x)))))
        return functional.relu(out + (x if self.shortcut is None else self.shortcut(x)))


class ResNet3d(nn.Module):
    """A small residual network, 16-32-64 filters, global average pooling: 0.23 million parameters, 99 % in convolutions.

    Input (n, 1, R, R, R), output logits (n, classes).
    """

    def __init__(self, resolution, classes):
        super().__init__()
        self.stem = nn.Conv3d(1, 16, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm3d(16)
        self.block1 = Residual(16, 16, 1)
        self.block2 = Residual(16, 32, 2)
        self.block3 = Residual(32, 64, 2)
        self.fc = nn.Linear(64, classes)

    def forward(self, x):
        x = self.block1(functional.relu(self.norm(self.stem(x))))
        return self.fc(self.block3(self.block2(x)).mean(dim=(2, 3, 4)))


NETWORKS = {"original": Original, "voxnet": VoxNet, "resnet3d": ResNet3d}

# ---- building, saving, loading -------------------------------------------------------------------------------------


def architecture(name):
    """The class behind a name of NETWORKS or `package.module:Class`. Raises InputError where there is none."""
    if name in NETWORKS:
        return NETWORKS[name]
    module, colon, attribute = name.partition(":")
    if not colon:
        raise InputError(
            f"network {name!r} is unknown; choose one of {', '.join(NETWORKS)}, or name yours package.module:Class"
        )
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(
            f"network {name!r} can't be imported ({error}); its folder must lie here or on PYTHONPATH"
        ) from error
    if not (isinstance(found, type) and issubclass(found, nn.Module)):  # a foreign checkpoint must not call just anything
        raise InputError(f"network {name!r} is no torch.nn.Module; name a class made from (resolution, number of classes)")
    return found


def build(name, resolution, classes):
    """A network by name, float32, initialised by its own rules from torch's random state.

    What is needed to build it again is its attribute `description`; `widths` there are the filters of each convolution.
    Raises InputError for an unknown name or a resolution that doesn't fit.
    """
    try:
        network = tolerate_empty(architecture(name)(resolution, len(classes)))
        with torch.inference_mode():
            network.eval()(torch.zeros(1, 1, *(resolution,) * 3))
    except (RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"network {name}: doesn't work at resolution {resolution} ({reason}); choose another") from error
    network.description = {"network": name, "resolution": resolution, "classes": list(classes), "widths": widths(network)}
    return network


def widths(network):
    """The number of filters of each convolution."""
    return {name: layer.out_channels for name, layer in convolutions(network).items()}


def convolutions(network):
    """The prunable layers, {name: Conv3d}, in the order of the network."""
    return {name: layer for name, layer in network.named_modules() if isinstance(layer, nn.Conv3d)}


def resize(network, tensors):
    """Gives every layer the shapes of the tensors (a state dictionary of the same network after removal)."""
    for name, layer in network.named_modules():
        for key, parameter in [*layer.named_parameters(recurse=False), *layer.named_buffers(recurse=False)]:
            found = tensors[f"{name}.{key}" if name else key]
            if found.shape != parameter.shape:
                if key in layer._parameters:
                    setattr(layer, key, nn.Parameter(torch.empty_like(found)))
                else:
                    setattr(layer, key, torch.empty_like(found))
        if isinstance(layer, nn.Conv3d):
            depthwise = layer.groups == layer.in_channels > 1
            layer.out_channels = len(layer.weight)
            layer.groups = len(layer.weight) if depthwise else layer.groups
            layer.in_channels = layer.weight.shape[1] * layer.groups
        elif isinstance(layer, nn.Linear):
            layer.out_features, layer.in_features = layer.weight.shape
        elif isinstance(layer, nn.BatchNorm3d):
            layer.num_features = len(layer.weight)
    network.load_state_dict(tensors)
    network.description["widths"] = widths(network)


def save(network, path, recipe):
    """Writes a checkpoint: the tensors, and in the metadata the description and the recipe (how it was made)."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    # One metadata key: safetensors writes several in random order, and equal checkpoints shall be equal files.
    about = {"description": network.description, "recipe": recipe}
    metadata = json.dumps({**about, "sha256": _digest(about, tensors)}, sort_keys=True)
    with whole(path) as temporary:
        temporary.write_bytes(to_bytes(tensors, {"voxprune": metadata}))


def load(path):
    """Reads a checkpoint: (network in eval mode on the CPU, recipe).

    Raises InputError where the file isn't a voxprune checkpoint, is damaged, or its tensors don't fit its description.
    """
    try:
        with safe_open(path, "pt") as file:
            metadata = json.loads(file.metadata()["voxprune"])
        tensors = load_file(path)
        if metadata.pop("sha256") != _digest(metadata, tensors):
            raise ValueError("its content has changed since it was written")
        description = metadata["description"]
        network = build(description["network"], description["resolution"], description["classes"])
        resize(network, tensors)
        if network.description != description:
            raise ValueError("its tensors don't fit its description")
    except FileNotFoundError:
        raise InputError(f"{path}: no such checkpoint; run the job that makes it first") from None
    except InputError:
        raise
    except Exception as error:  # safetensors, JSON and torch each raise their own kinds
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: not a voxprune checkpoint ({reason}); delete it and run again") from error
    return network.eval(), metadata["recipe"]


def _digest(about, tensors):
    """SHA-256 over what a checkpoint says and holds: safetensors itself notices no changed byte in a tensor."""
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()
