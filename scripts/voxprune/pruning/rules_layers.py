"""Rules of operations that go across channels or space, and of layers that read channels and make others."""

from typing import Any

import torch

from voxprune.pruning.rules import rule, unknown
from voxprune.pruning.tracing import Call, Trace, Weight


def reduced(trace: Trace, call: Call) -> None:
    """Sums, means, maxima along axes: over space they keep channels, over stacked branches they add them up."""
    tensor = call.tensors()[0]
    labels = trace.labels(tensor)
    if labels is None:
        return unknown(trace, call)
    dims = call.inputs.get("dim")
    dims = range(tensor.dim()) if dims is None or dims == [] else ([dims] if isinstance(dims, int) else dims)
    dims = sorted({axis % max(1, tensor.dim()) for axis in dims})
    others = [axis for axis in range(labels.dim()) if axis not in dims]
    if any(trace.units.varies(labels, axis) for axis in dims):
        if any(trace.units.varies(labels, axis) for axis in others):
            for axis in dims:
                trace.units.tie(labels, labels.narrow(axis, 0, 1))
        else:
            trace.pin(labels, "is summed up with other channels")
    for axis in dims:
        labels = labels.narrow(axis, 0, 1)
    for output in call.outputs():
        if output.dim() < labels.dim():
            labels = labels.squeeze(dims)
        trace.label(output, labels)


@rule("_softmax", "_log_softmax", "_safe_softmax", "cumsum", "cumprod", "logcumsumexp", "sort")
def normalised_along(trace: Trace, call: Call) -> None:
    labels = trace.labels(call.inputs["self"])
    if labels is None:
        return unknown(trace, call)
    if trace.units.varies(labels, call.inputs.get("dim", -1)):
        trace.pin(labels, "is set against other channels")
    for output in call.outputs():
        trace.label(output, labels)


@rule("native_layer_norm", "_fused_rms_norm")
def layer_norm(trace: Trace, call: Call) -> None:
    tensor, axes = call.inputs["input"], len(call.inputs["normalized_shape"])
    labels = trace.labels(tensor)
    if labels is None:
        return
    if any(trace.units.varies(labels, axis) for axis in range(-axes, 0)):
        trace.pin(labels, "is normalised together with other channels")
    for parameter in (call.inputs.get("weight"), call.inputs.get("bias")):
        if parameter is not None and trace.labels(parameter) is not None and axes == 1:
            trace.units.tie(trace.labels(parameter), labels)
    trace.label(call.outputs()[0], labels)


@rule("native_group_norm")
def group_norm(trace: Trace, call: Call) -> None:
    labels = trace.labels(call.inputs["input"])
    if labels is None:
        return
    if call.inputs["C"] > call.inputs["group"]:
        trace.pin(labels, "is normalised together with other channels")
    normalised(trace, call)


@rule(
    "native_batch_norm", "_native_batch_norm_legit", "_native_batch_norm_legit_no_training", "_batch_norm_with_update",
    "_batch_norm_no_update", "cudnn_batch_norm", "miopen_batch_norm", "batch_norm_elemt",
)  # fmt: skip
def normalised(trace: Trace, call: Call) -> None:
    """Each channel by itself, with numbers of its own."""
    labels = trace.labels(call.inputs["input"])
    if labels is None:
        return
    along = trace.units.by_channel(labels)
    if along is None:
        return unknown(trace, call)
    for name in ("weight", "bias", "running_mean", "running_var"):
        _tie_vector(trace, call.inputs.get(name), along)
    trace.label(call.outputs()[0], labels)


def _tie_vector(trace, vector, along):
    """Ties the numbers of a vector, a parameter or computed from one, to channels."""
    if vector is None:
        return
    labels = trace.labels(vector)
    if labels is None and trace.weight(vector) and trace.weight(vector).axes != (None,):
        labels = trace.along(trace.weight(vector), 0)
    if labels is not None:
        trace.units.tie(labels, along)
    elif trace.weight(vector):
        trace.pin(along, f"meets {trace.weight(vector).name}, which can't be cut channel by channel,")


def channelwise(trace: Trace, call: Call) -> None:
    """Pooling, padding and resizing of each channel by itself."""
    tensor = call.tensors()[0]
    labels = trace.labels(tensor)
    if labels is None:
        return _padded_weight(trace, call, tensor)
    if call.operation.overloadpacket.__name__ == "constant_pad_nd" and len(call.inputs["pad"]) > 2 * (tensor.dim() - 2):
        trace.label(call.output, torch.constant_pad_nd(labels.contiguous(), call.inputs["pad"], 0))
        return
    along = trace.units.by_channel(labels)
    if along is None:
        return unknown(trace, call)
    shape = (1, -1) + (1,) * (tensor.dim() - 2)
    for output in call.outputs():
        trace.label(output, along.view(shape).expand(output.shape))


def _padded_weight(trace, call, tensor):
    weight = trace.weight(tensor)
    if weight:
        sizes = zip(weight.axes, tensor.shape, call.output.shape)
        trace.set_weight(call.output, Weight(weight.name, tuple(axis if size == new else None for axis, size, new in sizes)))


@rule("convolution")
def convolution(trace: Trace, call: Call) -> None:
    inputs, weight, groups = call.inputs, trace.weight(call.inputs["weight"]), call.inputs["groups"]
    labels = trace.labels(inputs["input"])
    labels = torch.zeros((), dtype=torch.int64).expand(inputs["input"].shape) if labels is None else labels
    along = trace.units.by_channel(labels)
    made = 1 if inputs["transposed"] else 0
    if weight is None or weight.axes[made] is None or along is None or (inputs["transposed"] and groups > 1):
        return _unreadable(trace, call, labels)
    filters = trace.along(weight, made)
    _reads(trace, weight, 1 - made, along, filters, groups)
    _tie_vector(trace, inputs.get("bias"), filters)
    shape = (1, -1) + (1,) * (call.output.dim() - 2)
    trace.label(call.output, filters.view(shape).expand(call.output.shape))


def _reads(trace, weight, axis, along, filters, groups):
    """Depthwise filters go with the channel they read; of other grouped convolutions all blocks lose the same places."""
    if weight.axes[axis] is None:  # it reads nothing any more
        trace.units.tie(filters.view(groups, -1), filters.view(groups, -1)[:1])
    elif groups == 1 and weight.name not in trace.depthwise:
        trace.read(weight, axis, along)
    elif groups == len(along):
        if not along.all():
            trace.pin(filters, "reads the input channel by channel")
        trace.units.tie(filters.view(groups, -1), along.view(groups, 1))
    else:
        blocks, places = filters.view(groups, -1), along.view(groups, -1)
        trace.units.tie(blocks, blocks[:1])
        trace.tie(places, places[:1])
        trace.read(weight, axis, places[0])


def _unreadable(trace, call, labels):
    """A convolution over what are no plain channels, or whose weight is computed: all around it stays."""
    weight = trace.weight(call.inputs["weight"])
    if weight and weight.axes[0] is not None:
        why = "is read by a convolution for which it is no channel of its own"
    else:
        why = "is read by a convolution whose weight is computed anew in every forward pass,"
    trace.pin(labels, why)
    for tensor in (call.output, call.inputs.get("bias"), call.inputs["weight"]):
        if tensor is not None and trace.labels(tensor) is not None:
            trace.pin(trace.labels(tensor), why)
    if weight:
        trace.pin(trace.along(Weight(weight.name, (0,)), 0), why.replace("is read", "is made"))
    trace.label(call.output, trace.units.fresh(1).expand(call.output.shape))
    trace.pin(trace.labels(call.output), why)


@rule("mm", "addmm", "_addmm_activation")
def multiplied(trace: Trace, call: Call) -> None:
    """Linear layers: rows of objects (or cells) times a weight."""
    one: Any = call.inputs.get("mat1", call.inputs.get("self"))
    weight = trace.weight(call.inputs["mat2"])
    if weight is None or None in weight.axes or trace.known(one) and trace.labels(one) is None:
        return unknown(trace, call)
    labels, filters = trace.labels(one), trace.along(weight, 1)
    if labels is not None and one.shape[1] > 1 and not trace.units.varies(labels, 1) and trace.units.varies(labels, 0):
        trace.label(call.output, labels[:, :1].expand(call.output.shape))  # mixes cells: the rows are the channels
        return
    labels = torch.zeros((), dtype=torch.int64).expand(one.shape) if labels is None else labels
    if trace.units.varies(labels, 0) and trace.units.varies(labels, 1):
        return unknown(trace, call)
    trace.read(weight, 0, labels[0].clone())
    if "mat1" in call.inputs:
        _tie_vector(trace, call.inputs["self"], filters)
    trace.label(call.output, filters.view(1, -1).expand(call.output.shape))
