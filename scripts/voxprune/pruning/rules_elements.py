"""Rules of operations that work element by element, and of tensors that `forward` makes."""

import torch

from voxprune.pruning.rules import rule
from voxprune.pruning.tracing import Call, Trace, Weight
from voxprune.pruning.units import compact


@rule(
    "_prelu_kernel", "hardswish", "native_dropout", "rrelu_with_noise", "rrelu_with_noise_functional", "log_sigmoid_forward",
)  # fmt: skip
def elementwise(trace: Trace, call: Call) -> None:
    """Channels that meet in one element hang together: sums, products, activations, a parameter for each channel."""
    tensors, outputs = call.tensors(), call.outputs()
    shape = outputs[0].shape
    met = [labels for labels in map(trace.labels, tensors) if labels is not None]
    merged = _met(trace, met, shape)
    for weight, tensor in ((trace.weight(tensor), tensor) for tensor in tensors):
        if weight and trace.labels(tensor) is None:
            _meets_weight(trace, weight, tensor, merged, outputs[0])
    for output in outputs if merged is not None else ():
        if any(output is tensor for tensor in tensors):
            trace.write(output, merged)
        elif output.shape == shape:
            trace.label(output, merged)


def _met(trace, met, shape):
    """The labels of what several labelled tensors give together, element by element; None for none."""
    merged = None
    for labels in met:
        wide = compact(labels)
        wide = wide.view((1,) * (len(shape) - wide.dim()) + tuple(wide.shape))
        if _spread(trace, labels, [one for one in met if one is not labels], shape):
            trace.pin(labels, "is one channel that is spread over several")
        elif merged is None:
            merged = wide
        else:
            trace.tie(merged, wide)
            merged = torch.where(merged == 0, wide, merged)
    return None if merged is None else merged.expand(shape)


def _spread(trace, labels, others, shape):
    """Whether the tensor is repeated along an axis along which another one's channels lie."""
    for axis in range(-len(shape), 0):
        if (-axis > labels.dim() or labels.shape[axis] == 1) and shape[axis] > 1:
            if any(-axis <= other.dim() and trace.units.varies(other, axis) for other in others):
                return True
    return False


def _meets_weight(trace, weight, tensor, labels, output):
    """A parameter of several axes meets channels: it is cut along the one axis along which they lie."""
    if labels is None:
        trace.set_weight(output, Weight(weight.name, (None,) * output.dim()) if output.dim() else weight)
        return
    axes = [axis for axis in range(-tensor.dim(), 0) if tensor.shape[axis] > 1 and trace.units.varies(labels, axis)]
    if not axes:
        return
    along = trace.units.by_channel(labels, axes[0]) if len(axes) == 1 and weight.axes[axes[0]] is not None else None
    if along is None:
        trace.pin(labels, f"meets {weight.name}, which can't be cut channel by channel,")
    else:
        trace.units.tie(trace.along(weight, axes[0]), along)


@rule("copy")
def copied(trace: Trace, call: Call) -> None:
    """`target.copy_(source)`, which is also `whole[:, :4] = part`."""
    labels = trace.labels(call.inputs["src"])
    if labels is not None:
        trace.write(call.inputs["self"], labels)


@rule("clone", "_to_copy", "detach", "alias", "lift_fresh")
def same(trace: Trace, call: Call) -> None:
    tensor = call.tensors()[0]
    trace.label(call.output, trace.labels(tensor))
    if trace.weight(tensor):
        trace.set_weight(call.output, trace.weight(tensor))


@rule("empty_like", "new_empty", "new_empty_strided", "zeros_like", "new_zeros", "new_full", "new_ones", "ones_like",
      "full_like", "rand_like", "randn_like", "bernoulli", "uniform", "normal", "fill", "zero", "random", "_local_scalar_dense")  # fmt: skip
def made(trace: Trace, call: Call) -> None:
    """Tensors that `forward` makes itself belong to no channel until one is written into them; noise leaves labels as they are."""
