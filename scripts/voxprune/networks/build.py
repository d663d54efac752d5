"""Networks by name, and the shapes of their layers."""

import importlib
import os
import sys

import torch
from torch import nn

from voxprune.core import registry
from voxprune.core.errors import InputError
from voxprune.networks.layers import tolerate_empty
from voxprune.settings.network import NETWORKS


def architecture(name):
    """The class behind the name of a built-in network or `package.module:Class`. Raises InputError where there is none."""
    known = registry.choices(NETWORKS)
    if name in known:
        return registry.load(NETWORKS, name).Network
    module, colon, attribute = name.partition(":")
    if not colon:
        raise InputError(
            f"network {name!r} is unknown; choose one of {', '.join(known)}, or name yours package.module:Class"
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


def build_network(name, resolution, classes):
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


def resolution_of(network):
    """R of the grids (R, R, R) that a network takes."""
    return network.description["resolution"]


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
