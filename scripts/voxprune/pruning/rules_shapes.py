"""Rules of operations that put channels elsewhere, join them, or take a part of them."""

import math

import torch
from torch.utils._pytree import tree_map_only

from voxprune.pruning.rules import rule, unknown
from voxprune.pruning.tracing import Call, Trace, Weight


@rule("permute", "transpose", "t", "unsqueeze", "squeeze", "expand", "repeat", "flip", "movedim")
def moved(trace: Trace, call: Call) -> None:
    """Operations that only put elements elsewhere are applied to the labels as they are."""
    tensor = call.inputs["self"]
    if trace.labels(tensor) is not None:
        trace.label(call.output, _again(call, trace.labels(tensor)))
    weight = trace.weight(tensor)
    if weight:
        trace.set_weight(call.output, Weight(weight.name, _moved_axes(call, weight, tensor)))


def _again(call, labels):
    others = {
        name: tree_map_only(torch.Tensor, torch.Tensor.cpu, value) for name, value in call.inputs.items() if name != "self"
    }
    return call.operation(labels, **others)


def _moved_axes(call, weight, tensor):
    """Which axis of a weight each axis of the output is: told by axes of different lengths."""
    name = call.operation.overloadpacket.__name__.rstrip("_")
    if name not in ("permute", "transpose", "t", "unsqueeze"):
        return (None,) * call.output.dim()
    marked = _again(call, torch.empty([2 + axis for axis in range(tensor.dim())], device="meta"))
    return tuple(weight.axes[size - 2] if size > 1 else None for size in marked.shape)


@rule("cat", "stack")
def joined(trace: Trace, call: Call) -> None:
    found = [trace.labels(tensor) for tensor in call.inputs["tensors"]]
    pairs = zip(call.inputs["tensors"], found)
    found = [torch.zeros(1, dtype=torch.int64).expand(tensor.shape) if one is None else one for tensor, one in pairs]
    trace.label(call.output, call.operation(found, call.inputs.get("dim", 0)))


@rule("view", "_unsafe_view", "reshape", "_reshape_alias")
def reshaped(trace: Trace, call: Call) -> None:
    """Exact for every reshape. Where an axis of channels is split, what may go depends on which of the parts is computed
    from the number of channels, and which is fixed: the trace takes one of both, and a trial shows which was right.
    """
    labels, weight = trace.labels(call.inputs["self"]), trace.weight(call.inputs["self"])
    if labels is not None:
        found = labels.reshape(call.output.shape)
        for axes in _split_axes(labels.shape, found.shape):
            _tie_split(trace, found, [axis for axis in axes if trace.units.varies(found, axis)])
        trace.label(call.output, found)
    if weight:
        same = call.inputs["self"].shape == call.output.shape
        trace.set_weight(call.output, weight if same else Weight(weight.name, (None,) * call.output.dim()))


def _split_axes(before, after):
    """The axes of the new shape that share an axis of the old one, in lists of two and more."""
    found, start, old, new, position = [], 0, 1, 1, 0
    for axis, size in enumerate(after):
        new *= size
        while position < len(before) and old < new:
            old *= before[position]
            position += 1
        if old == new:
            if axis > start:
                found.append(range(start, axis + 1))
            start = axis + 1
    return found


def _tie_split(trace, labels, axes):
    if len(axes) < 2:
        return
    trace.ambiguous = True
    for axis in axes[:1] if trace.first_fixed else axes[1:]:
        trace.tie(labels, labels.narrow(axis, 0, 1))


@rule("split", "split_with_sizes", "chunk", "unsafe_chunk", "unsafe_split", "unbind")
def divided(trace: Trace, call: Call) -> None:
    labels, axis = trace.labels(call.inputs["self"]), call.inputs.get("dim", 0)
    if labels is None:
        return
    name = call.operation.overloadpacket.__name__
    lengths = [1 if name == "unbind" else one.shape[axis] for one in call.output]
    _tie_blocks(trace, labels, axis, math.gcd(*lengths))
    starts = [sum(lengths[:number]) for number in range(len(lengths))]
    for output, start, length in zip(call.output, starts, lengths):
        part = labels.narrow(axis, start, length)
        trace.label(output, part.squeeze(axis) if name == "unbind" else part)


def _tie_blocks(trace, labels, axis, length):
    """Blocks of equal length must lose the same places: else the parts of a network that counts them have others."""
    if trace.units.varies(labels, axis):
        blocks = labels.movedim(axis, 0).unflatten(0, (-1, length))
        trace.tie(blocks, blocks[:1])


@rule("slice")
def sliced(trace: Trace, call: Call) -> None:
    labels, axis = trace.labels(call.inputs["self"]), call.inputs.get("dim", 0)
    if labels is None:
        return
    length, step = labels.shape[axis], call.inputs.get("step", 1)
    start, stop, _ = slice(call.inputs.get("start"), call.inputs.get("end")).indices(length)
    if trace.units.varies(labels, axis) and step > 1:
        if length % step or start >= step or stop < length:
            trace.pin(labels, "is taken in part, by numbers,")
        else:  # every step-th channel: whole runs of `step` channels must go, so that the others keep their turn
            runs = labels.movedim(axis, 0).unflatten(0, (-1, step))
            trace.tie(runs, runs[:, :1])
    elif stop > start and not trace.written(call.inputs["self"]):  # a part of what is written into may be one to write
        _tie_blocks(trace, labels, axis, math.gcd(start, stop, length))
    picked = torch.arange(start, max(start, stop), step)
    trace.label(call.output, _part(call, labels, axis, picked))


def _part(call, labels, axis, picked):
    """A view of the labels where it can be one, so that what is written into the part is written into the whole."""
    return _again(call, labels) if call.operation.overloadpacket.__name__ == "slice" else labels.index_select(axis, picked)


@rule("select", "index_select", "index", "gather", "take_along_dim", "roll", "unfold")
def picked(trace: Trace, call: Call) -> None:
    """Channels picked by number can't go: the numbers would mean others then. Along other axes any may be picked."""
    labels = trace.labels(call.inputs["self"])
    if labels is None:
        return unknown(trace, call)
    found = _again(call, labels.contiguous())
    lost = [axis for axis in _picked_axes(call) if trace.units.varies(labels, axis)]
    if lost:
        trace.pin(labels, "is picked by number")
    trace.label(call.output, found)


def _picked_axes(call):
    if "indices" in call.inputs:
        return [axis for axis, index in enumerate(call.inputs["indices"]) if index is not None]
    dims = call.inputs.get("dims", call.inputs.get("dim", call.inputs.get("dimension", 0)))
    return dims if isinstance(dims, (list, tuple)) else [dims]


@rule("glu")
def gated(trace: Trace, call: Call) -> None:
    labels, axis = trace.labels(call.inputs["self"]), call.inputs.get("dim", -1)
    if labels is not None:
        one, other = labels.chunk(2, axis)
        trace.tie(one, other)
        trace.label(call.output, one)


@rule("channel_shuffle", "native_channel_shuffle")
def shuffled(trace: Trace, call: Call) -> None:
    labels = trace.labels(call.inputs["self"])
    if labels is not None:
        _tie_blocks(trace, labels, 1, labels.shape[1] // call.inputs["groups"])
        blocks = labels.unflatten(1, (call.inputs["groups"], -1))
        trace.label(call.output, blocks.transpose(1, 2).flatten(1, 2))


@rule("pixel_shuffle", "pixel_unshuffle")
def pixels(trace: Trace, call: Call) -> None:
    labels = trace.labels(call.inputs["self"])
    if labels is not None:
        found = _again(call, labels.contiguous())
        trace.units.by_channel(found if found.shape[1] < labels.shape[1] else labels)
        trace.label(call.output, found)
