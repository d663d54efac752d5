"""A torch network as a list of plain operations on tensors of one object, for the C code to be written from.

torch.export traces the network, so functional calls and methods of tensors count as layers do. Whatever doesn't depend on
the input is computed here once: a layer that pruning has emptied leaves a constant and no operation.
"""

import copy
import operator
import warnings
from dataclasses import dataclass, field

import numpy as np
import torch

from voxprune.core.errors import InputError

INPUT = "voxels"


@dataclass
class Operation:
    """One operation. kind: convolution | affine | pool | activation | binary | concatenation | flatten | constant.

    inputs: names of the operations (or INPUT) it reads. shape: of its result, (channels, depth, height, width).
    settings: what the kind needs, see the functions below. activation: (name, parameter) applied to the result, or None.
    """

    kind: str
    name: str
    inputs: list
    shape: tuple
    settings: dict = field(default_factory=dict)
    activation: tuple | None = None


def trace(network):
    """(operations in the order they run, name of the one whose result is the logits). network: on (1, 1, R, R, R).

    Raises InputError where the network holds an operator or a shape that the C code doesn't know, naming it.
    """
    exported = _exported(network)
    known, operations = _stored(exported), []
    for node in exported.graph.nodes:
        if node.op == "call_function":
            _add(node, known, operations)
        elif node.op == "output":
            return operations, _logits(node, known, operations)
    raise AssertionError("a traced graph ends with its output")


def _exported(network):
    example = torch.zeros(1, 1, *(network.description["resolution"],) * 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.export warns of its own deprecated parts
        try:
            return torch.export.export(copy.deepcopy(network).cpu().eval(), (example,)).run_decompositions({})
        except Exception as error:  # torch.export raises many kinds
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise InputError(f"model.c: torch.export can't trace this network ({reason}); use model.onnx") from error


def _stored(exported):
    """{name: constant tensor, or the name of an operation}, to begin with: what the network stores, and its input."""
    known = {}
    for spec in exported.graph_signature.input_specs:
        stored = exported.state_dict.get(spec.target, exported.constants.get(spec.target))
        known[spec.arg.name] = INPUT if stored is None else stored.detach()
    return known


def _logits(node, known, operations):
    results = node.args[0]
    if len(results) != 1:
        raise InputError(f"model.c: the network has {len(results)} outputs, and the C code gives one; use model.onnx")
    return _named(known[results[0].name], "logits", operations)


def _named(value, name, operations):
    """The name of a value; a constant tensor becomes an operation first."""
    if isinstance(value, str):
        return value
    shape = _shape(value.shape, "a constant")
    operations.append(Operation("constant", f"{name}_constant", [], shape, {"values": _array(value).reshape(shape)}))
    return operations[-1].name


def _add(node, known, operations):
    """Computes a node that depends on no input, and makes an operation of any other."""
    arguments = torch.fx.map_arg(node.args, lambda one: known[one.name])
    keywords = torch.fx.map_arg(node.kwargs, lambda one: known[one.name])
    name = str(node.target)
    if node.target is operator.getitem and isinstance(arguments[0], str):
        if arguments[1] and node.users:
            raise InputError(f"model.c: {node.name} is the second result of an operator; use model.onnx")
        known[node.name] = arguments[0]
        return
    if not any(isinstance(one, str) for one in torch.utils._pytree.tree_leaves([arguments, keywords])):
        known[node.name] = node.target(*arguments, **keywords)
    elif _result(node).numel() == 0 or name in ("aten.new_zeros.default", "aten.zeros_like.default"):
        known[node.name] = torch.zeros(_result(node).shape)
    elif name in UNCHANGED:
        known[node.name] = arguments[0]
    elif name in WITH_WEIGHTS and any(isinstance(one, str) for one in arguments[1:5]):
        raise InputError(f"model.c: the weights of {node.name} are computed from the input; use model.onnx")
    elif name in OPERATORS:
        made = OPERATORS[name](node, arguments, keywords, lambda value: _named(value, node.name, operations))
        if isinstance(made, Operation):
            operations.append(made)
        known[node.name] = made.name if isinstance(made, Operation) else made
    else:
        raise InputError(f"model.c: the C code has no operator {name.split('.')[1]} ({node.name}); use model.onnx")


def _result(node):
    """The shape-carrying stand-in of a node's result, of the first where there are several."""
    result = node.meta.get("val")
    return result[0] if isinstance(result, (tuple, list)) else result


UNCHANGED = {f"aten.{name}" for name in (
    "clone.default", "alias.default", "detach.default", "contiguous.default", "dropout.default", "feature_dropout.default",
    "lift_fresh_copy.default")}  # fmt: skip

# ---- one function an operator: (node, arguments, keywords, name of a value) to an Operation, or the name of a value ----


def _convolution(node, arguments, keywords, named):
    x, weight, bias, stride, padding, dilation, groups = _filled(arguments, (None, None, None, 1, 0, 1, 1))
    kernel = weight.shape[2:]
    settings = {
        "weight": _array(weight), "bias": _array(torch.zeros(len(weight)) if bias is None else bias), "groups": groups,
        "stride": _triple(stride), "dilation": _triple(dilation),
    }  # fmt: skip
    reach = [d * (k - 1) for d, k in zip(settings["dilation"], kernel)]
    same = {"valid": [0, 0, 0], "same": [one // 2 for one in reach]}
    settings["padding"] = _triple(same[padding] if isinstance(padding, str) else padding)
    if padding == "same" and any(one % 2 for one in reach):
        raise InputError(f"model.c: {node.name} pads one side more than the other; choose an odd kernel, or use model.onnx")
    return _operation("convolution", node, [named(x)], settings)


def _linear(node, arguments, keywords, named):
    x, weight, bias = _filled(arguments, (None, None, None))
    settings = {
        "weight": _array(weight)[:, :, None, None, None], "groups": 1,
        "bias": _array(torch.zeros(len(weight)) if bias is None else bias),
        "stride": (1, 1, 1), "padding": (0, 0, 0), "dilation": (1, 1, 1),
    }  # fmt: skip
    return _operation("convolution", node, [named(x)], settings)


def _batch_norm(node, arguments, keywords, named):
    x, weight, bias, mean, variance, _, epsilon = arguments
    scale = 1 / torch.sqrt(variance.double() + epsilon) * (1 if weight is None else weight.double())
    shift = (0 if bias is None else bias.double()) - mean.double() * scale
    return _operation("affine", node, [named(x)], {"scale": scale.numpy(), "shift": shift.numpy()})


def _pool(node, arguments, keywords, named, mode, defaults):
    x, kernel, stride, padding, *more = _filled(arguments, defaults)
    kernel, padding = _triple(kernel), _triple(padding)
    stride = _triple(stride) if stride else kernel
    x_shape, shape = _result(node.args[0]).shape[2:], _result(node).shape[2:]
    if mode == "max":
        if set(_triple(more[0])) != {1}:
            raise InputError(f"model.c: {node.name} is a dilated max pool, which the C code has not; use model.onnx")
        with_padding, divisor = False, None
    else:
        _, with_padding, divisor = more
    axes = [
        _windows([(i * s - p, min(i * s - p + k, n + p)) for i in range(count)], n, with_padding)
        for n, count, k, s, p in zip(x_shape, shape, kernel, stride, padding)
    ]
    return _operation("pool", node, [named(x)], {"mode": mode, "axes": axes, "divisor": divisor})


def _max_pool(node, arguments, keywords, named):
    return _pool(node, arguments, keywords, named, "max", (None, None, [], 0, 1, False))


def _average_pool(node, arguments, keywords, named):
    return _pool(node, arguments, keywords, named, "average", (None, None, [], 0, False, True, None))


def _adaptive_pool(mode):
    def make(node, arguments, keywords, named):
        sizes = _result(node.args[0]).shape[2:]
        counts = _result(node).shape[2:]
        axes = [
            _windows([(i * n // count, -(-(i + 1) * n // count)) for i in range(count)], n, False)
            for n, count in zip(sizes, counts)
        ]
        return _operation("pool", node, [named(arguments[0])], {"mode": mode, "axes": axes, "divisor": None})

    return make


def _over_space(mode):
    def make(node, arguments, keywords, named):
        shape = _result(node.args[0]).shape
        dims = sorted(one % len(shape) for one in arguments[1])
        if len(shape) != 5 or dims != [2, 3, 4]:
            raise InputError(f"model.c: {node.name} reduces other axes than all three of space; use model.onnx")
        axes = [_windows([(0, n)], n, False) for n in shape[2:]]
        return _operation("pool", node, [named(arguments[0])], {"mode": mode, "axes": axes, "divisor": None})

    return make


def _expand(node, arguments, keywords, named):
    """Copies along axes that had one cell: an adaptive pool, whose every window there is that cell."""
    before, after = _result(node.args[0]).shape, _result(node).shape
    if before == after:
        return arguments[0]
    if len(before) != 5 or before[1] != after[1]:
        raise InputError(f"model.c: {node.name} copies other axes than those of space; use model.onnx")
    return _adaptive_pool("max")(node, arguments, keywords, named)


def _windows(spans, size, with_padding):
    """One axis of a pool: {begin, end, count}, a number for each output; count is what an average divides by."""
    begin, end = [max(0, first) for first, _ in spans], [min(size, last) for _, last in spans]
    count = [last - first for first, last in (spans if with_padding else zip(begin, end))]
    return {"begin": begin, "end": end, "count": count}


def _activation(name, *defaults):
    def make(node, arguments, keywords, named):
        parameters = [*arguments[1:], *keywords.values(), *defaults[len(arguments) - 1 + len(keywords) :]]
        return _operation("activation", node, [named(arguments[0])], {"activation": (name, *parameters)})

    return make


def _binary(symbol):
    def make(node, arguments, keywords, named):
        if keywords.get("alpha", 1) != 1:
            raise InputError(f"model.c: {node.name} adds with a factor alpha, which the C code has not; use model.onnx")
        shape = _result(node).shape
        constants = [None if isinstance(one, str) else _by_channel(one, shape) for one in arguments]
        if constants[0] is not None or constants[1] is not None:
            return _affine(node, arguments, constants, symbol, named)
        equal = all(_result(one).shape == shape for one in node.args if isinstance(one, torch.fx.Node))
        return _operation("binary", node, [named(one) for one in arguments], {"symbol": symbol, "equal": equal})

    return make


def _affine(node, arguments, constants, symbol, named):
    """A sum, difference or product with a number a channel."""
    first = constants[0] is not None
    number = constants[0] if first else constants[1]
    ones = np.ones(len(number))
    scale, shift = {
        "+": (ones, number), "-": (-ones, number) if first else (ones, -number), "*": (number, 0 * ones),
    }[symbol]  # fmt: skip
    return _operation("affine", node, [named(arguments[1 if first else 0])], {"scale": scale, "shift": shift})


def _by_channel(value, shape):
    """A constant as one number a channel, float64 (channels,); None where it varies over space."""
    full = torch.broadcast_to(torch.as_tensor(value, dtype=torch.float64), shape)[0].reshape(shape[1], -1)
    return full[:, 0].numpy().copy() if bool((full == full[:, :1]).all()) else None


def _concatenation(node, arguments, keywords, named):
    parts, axis = _filled(arguments, (None, 0))
    rank = len(_result(node).shape)
    if axis % rank != 1:
        raise InputError(f"model.c: {node.name} joins another axis than channels; use model.onnx")
    parts = [part for part in parts if isinstance(part, str) or part.numel()]
    return _operation("concatenation", node, [named(part) for part in parts], {})


def _view(node, arguments, keywords, named):
    """A reshape: to one vector an object, or one that changes nothing."""
    before, after = _shape(_result(node.args[0]).shape, node.name), _shape(_result(node).shape, node.name)
    if before == after:
        return arguments[0]
    if after[1:] != (1, 1, 1):
        raise InputError(f"model.c: {node.name} reshapes to {list(_result(node).shape)}; use model.onnx")
    return _operation("flatten", node, [named(arguments[0])], {"shape": before})


OPERATORS = {
    "aten.conv3d.default": _convolution,
    "aten.conv3d.padding": _convolution,
    "aten.linear.default": _linear,
    "aten._native_batch_norm_legit_no_training.default": _batch_norm,
    "aten.max_pool3d.default": _max_pool,
    "aten.max_pool3d_with_indices.default": _max_pool,
    "aten.avg_pool3d.default": _average_pool,
    "aten.adaptive_avg_pool3d.default": _adaptive_pool("average"),
    "aten._adaptive_avg_pool3d.default": _adaptive_pool("average"),
    "aten.adaptive_max_pool3d.default": _adaptive_pool("max"),
    "aten.mean.dim": _over_space("average"),
    "aten.amax.default": _over_space("max"),
    "aten.relu.default": _activation("relu"),
    "aten.leaky_relu.default": _activation("leaky_relu", 0.01),
    "aten.elu.default": _activation("elu", 1.0, 1.0, 1.0),
    "aten.sigmoid.default": _activation("sigmoid"),
    "aten.silu.default": _activation("silu"),
    "aten.hardswish.default": _activation("hardswish"),
    "aten.hardsigmoid.default": _activation("hardsigmoid"),
    "aten.tanh.default": _activation("tanh"),
    "aten.gelu.default": _activation("gelu", "none"),
    "aten.hardtanh.default": _activation("clip", -1.0, 1.0),
    "aten.add.Tensor": _binary("+"),
    "aten.sub.Tensor": _binary("-"),
    "aten.mul.Tensor": _binary("*"),
    "aten.cat.default": _concatenation,
    "aten.expand.default": _expand,
    "aten.view.default": _view,
    "aten._unsafe_view.default": _view,
    "aten.reshape.default": _view,
    "aten.flatten.using_ints": _view,
    "aten.squeeze.dims": _view,
    "aten.unsqueeze.default": _view,
}

WITH_WEIGHTS = ("aten.conv3d.default", "aten.linear.default", "aten._native_batch_norm_legit_no_training.default")

# ---- small help ------------------------------------------------------------------------------------------------------


def _operation(kind, node, inputs, settings):
    return Operation(kind, node.name, inputs, _shape(_result(node).shape, node.name), settings)


def _shape(shape, name):
    """(channels, depth, height, width) of a tensor of one object: (1, C, D, H, W), or a vector (1, C)."""
    if len(shape) not in (2, 5) or shape[0] != 1:
        raise InputError(f"model.c: {name} has the shape {list(shape)}, neither a grid nor a vector; use model.onnx")
    return (*shape[1:], 1, 1, 1)[:4] if len(shape) == 2 else tuple(shape[1:])


def _filled(arguments, defaults):
    return [*arguments, *defaults[len(arguments) :]]


def _triple(value):
    values = [value] if isinstance(value, int) else list(value)
    return tuple(values * 3 if len(values) == 1 else values)


def _array(tensor):
    return tensor.detach().double().numpy()
