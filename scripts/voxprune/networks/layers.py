"""Layers whose shapes change: what their attributes say follows from their tensors."""

import math
import warnings

from torch import nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

# An InstanceNorm without parameters has no tensor that tells its number of channels, and needs none.
warnings.filterwarnings("ignore", message="input's size at dim=1 does not match num_features")


def refit(network, tensors):
    """Puts tensors of other shapes in the place of parameters and buffers; {name: tensor}, all others stay.

    A parameter under several names (tied weights) stays one.
    """
    named = dict([*network.named_parameters(), *network.named_buffers()])
    new = {id(named[name]): tensor for name, tensor in tensors.items()}
    made = {}
    for layer in network.modules():
        for name, old in [*layer.named_parameters(recurse=False), *layer.named_buffers(recurse=False)]:
            if id(old) not in new:
                continue
            if name in layer._buffers:
                setattr(layer, name, new[id(old)])
            else:
                made.setdefault(id(old), nn.Parameter(new[id(old)], requires_grad=old.requires_grad))
                _fit(layer, name, old, made[id(old)])
                setattr(layer, name, made[id(old)])
        _count(layer)


def is_depthwise(layer):
    """Whether a convolution works channel by channel, as it was built: pruned to one channel it looks like any other."""
    return getattr(layer, "depthwise", layer.groups > 1 and layer.in_channels == layer.groups)


def _fit(layer, name, old, new):
    """A depthwise convolution has as many groups as channels, and stays one with a single channel; the others keep theirs."""
    if isinstance(layer, _ConvNd) and name == "weight" and is_depthwise(layer):
        layer.depthwise = True
        layer.groups = len(new) * layer.groups // max(1, len(old))


def _count(layer):
    """The numbers of channels that a layer notes beside its tensors."""
    own = layer._parameters | layer._buffers
    weight = own.get("weight")
    if isinstance(layer, _ConvNd) and weight is not None:
        axes = (1, 0) if isinstance(layer, _ConvTransposeNd) else (0, 1)
        counts = [weight.shape[axes[0]], weight.shape[axes[1]]]
        counts[0 if isinstance(layer, _ConvTransposeNd) else 1] *= layer.groups
        layer.out_channels, layer.in_channels = counts
    elif isinstance(layer, nn.Linear) and weight is not None:
        layer.out_features, layer.in_features = weight.shape
    elif isinstance(layer, (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.PReLU)):
        _count_norm(layer, next((own[name] for name in ("weight", "running_mean") if own.get(name) is not None), None))
    elif isinstance(layer, nn.RNNBase):
        layer.input_size = layer.weight_ih_l0.shape[1]


def _count_norm(layer, vector):
    if vector is None:
        return
    name = {nn.GroupNorm: "num_channels", nn.PReLU: "num_parameters"}.get(type(layer), "num_features")
    setattr(layer, name, math.prod(vector.shape))
