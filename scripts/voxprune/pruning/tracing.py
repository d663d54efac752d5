"""Follows every channel through a network's forward pass, by the operations that torch really runs.

What code a network's `forward` is made of doesn't matter: torch breaks it down into some dozens of operations (ATen's),
and each is told to this trace with its tensors. `rules.py` and those beside it say for each what becomes of the channels.
"""

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakTensorKeyDictionary

from voxprune.networks.build import resolution_of
from voxprune.networks.dispatch import Watcher
from voxprune.networks.layers import is_depthwise
from voxprune.pruning.units import Units, compact


@dataclass(frozen=True)
class Weight:
    """A parameter or buffer, or what was computed from it: of each axis of the tensor, which axis of the named one it is
    (None where that can't be said).
    """

    name: str
    axes: tuple


@dataclass(frozen=True)
class Call:
    """One operation: its inputs by the names of ATen's schema, its output, and whether axes that are split keep their first
    part's length when channels go (see `rules_shapes.reshaped`).
    """

    operation: Any
    inputs: dict
    output: Any

    def tensors(self):
        """Every tensor that goes in, lists taken apart."""
        flat = [one for value in self.inputs.values() for one in (value if isinstance(value, (list, tuple)) else [value])]
        return [one for one in flat if isinstance(one, torch.Tensor)]

    def outputs(self):
        flat = self.output if isinstance(self.output, (list, tuple)) else [self.output]
        return [one for one in flat if isinstance(one, torch.Tensor)]


class Trace(Watcher):
    """What is known after a forward pass within this mode.

    units: see there. axes: {(parameter or buffer, axis): the labels along it}. reads: those of them along which a layer
    reads channels that others made. first_fixed: of an axis of channels that is split in two, the first part keeps its
    length when channels are removed (channel shuffle), else the rest (pixel shuffle). ambiguous: whether that mattered.
    depthwise: the weights of depthwise convolutions.
    """

    def __init__(self, network, rules, first_fixed=True):
        super().__init__()
        self.units, self.axes, self.reads = Units(), {}, set()
        self.first_fixed, self.ambiguous = first_fixed, False
        self._rules, self._labels, self._weights = rules, WeakTensorKeyDictionary(), WeakTensorKeyDictionary()
        self._memory = WeakTensorKeyDictionary()  # labels of what is written into part by part
        self._tensors = dict([*network.named_parameters(), *network.named_buffers()])
        self._names = {id(tensor): name for name, tensor in self._tensors.items()}
        convolutions = (layer for layer in network.modules() if isinstance(layer, _ConvNd) and is_depthwise(layer))
        self.depthwise = {self._names.get(id(layer._parameters.get("weight"))) for layer in convolutions}
        self._within = [(type(network).__name__, "forward")]

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        output = operation(*args, **(kwargs or {}))
        names = [argument.name for argument in operation._schema.arguments]
        call = Call(operation, dict(zip(names, args)) | (kwargs or {}), output)
        if any(self.known(tensor) for tensor in call.tensors()):
            self._rules(self, call)
        return output

    def known(self, tensor):
        return id(tensor) in self._names or tensor in self._weights or self.labels(tensor) is not None

    def labels(self, tensor):
        """The labels of a tensor, int64 in its shape; None where it has none.

        Of parameters only those have labels of elements that are as long as their tensor: one number a channel.
        """
        if id(tensor) in self._names and tensor.numel() > 1 and max(tensor.shape) == tensor.numel():
            axis = tensor.shape.index(tensor.numel())
            shape = [-1 if one == axis else 1 for one in range(tensor.dim())]
            return self.along(Weight(self._names[id(tensor)], tuple(range(tensor.dim()))), axis).view(shape)
        if tensor not in self._labels and tensor._base is not None and tensor._base in self._memory:
            return self._part(tensor)
        return self._labels.get(tensor)

    def weight(self, tensor):
        if id(tensor) in self._names:
            return Weight(self._names[id(tensor)], tuple(range(tensor.dim())))
        return self._weights.get(tensor)

    def label(self, tensor, labels):
        if labels is not None:
            self._labels[tensor] = compact(labels).expand(tensor.shape)

    def write(self, target, labels):
        """What is written into a tensor, or into a part of one, belongs to these channels from now on."""
        base = target if target._base is None else target._base
        if base not in self._labels:
            self._memory[base] = self._labels[base] = torch.zeros_like(base, dtype=torch.int64, device="cpu")
        if base in self._memory:
            place = self._part(target)
            place.copy_(torch.where(place == 0, labels, place))
            self.units.tie(place, labels)
        else:
            self.units.tie(self.labels(target), labels)

    def written(self, tensor):
        """Whether something was written into a tensor part by part."""
        return (tensor if tensor._base is None else tensor._base) in self._memory

    def _part(self, view):
        """The labels of a part of a tensor that was written into, as a view of its labels."""
        return self._memory[view._base if view._base is not None else view].as_strided(
            view.shape, view.stride(), view.storage_offset()
        )

    def set_weight(self, tensor, weight):
        self._weights[tensor] = weight

    def tie(self, labels, others):
        """Ties channels that need each other's place; one whose partner is no removable channel stays."""
        labels, others = torch.broadcast_tensors(labels, others)
        self.units.tie(labels, others)
        alone = (labels == 0) != (others == 0)
        if alone.any():
            self.pin(torch.maximum(labels, others)[alone], "shares a place with what can't be removed")

    def along(self, weight, axis):
        """The labels along one axis of a weight; fresh ones where it has none yet."""
        key = weight.name, weight.axes[axis]
        if key not in self.axes:
            self.axes[key] = self.units.fresh(self._tensors[weight.name].shape[weight.axes[axis]])
        return self.axes[key]

    def read(self, weight, axis, labels):
        """Notes that a weight reads channels along an axis."""
        key = weight.name, weight.axes[axis]
        self.units.tie(self.axes.setdefault(key, labels), labels)
        self.reads.add(key)

    def pin(self, labels, why):
        if labels is not None:
            self.units.pin(compact(labels), f"{why} in {self.where()}")

    def where(self):
        name, kind = self._within[-1]
        return f"{name} ({kind})" if name != kind else name

    @contextlib.contextmanager
    def inside(self, network):
        """Keeps account of the layer that is running, for the reasons."""
        handles = []
        for name, layer in network.named_modules():
            if name:
                entry = name, type(layer).__name__
                handles.append(layer.register_forward_pre_hook(lambda *_, entry=entry: self._within.append(entry)))
                handles.append(layer.register_forward_hook(lambda *_: self._within.pop() and None, always_call=True))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()


@contextlib.contextmanager
def unchanged(network: nn.Module) -> Iterator[None]:
    """Lets a network run in any mode and puts back mode, buffers and torch's random state."""
    training = {layer: layer.training for layer in network.modules()}
    buffers = [(buffer, buffer.clone()) for buffer in network.buffers()]
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            for buffer, before in buffers:
                buffer.copy_(before)
            for layer, mode in training.items():
                layer.training = mode


def trace(network: nn.Module, rules: dict, first_fixed: bool = True) -> Trace:
    """A `Trace` of a network that has its `description`, in evaluation and while training; changes nothing of it."""
    resolution, device = resolution_of(network), next(network.parameters()).device
    found = Trace(network, rules, first_fixed)
    with unchanged(network), found.inside(network):
        for training in (False, True):
            network.train(training)
            with found:
                output = network(torch.zeros(2, 1, *(resolution,) * 3, device=device))
            for tensor in tree_leaves(output):
                if isinstance(tensor, torch.Tensor) and found.labels(tensor) is not None:
                    found.units.pin(found.labels(tensor), "makes the logits")
    return found
