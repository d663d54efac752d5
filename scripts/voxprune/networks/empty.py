"""Networks in which pruning has left a layer with nothing."""

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

CONVOLUTIONS = {
    getattr(torch, f"conv{transposed}{axes}d"): bool(transposed) for transposed in ("", "_transpose") for axes in (1, 2, 3)
}
_running = []  # the modes of the forward passes that are under way
_standing_in = []  # the functions for whose tensors of nothing zeros stand in just now


class WithoutChannels(TorchFunctionMode):
    """Lets torch's operations take tensors without channels, which many refuse.

    A convolution without inputs gives its biases, any other operation an output without channels. What it would give is
    computed with one channel of zeros in place of none, and that channel is cut off again.
    """

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function in CONVOLUTIONS and (args[0].shape[1] == 0 or args[1].numel() == 0):
            return _stand_in(_convolve, function, *_arguments(*args, **kwargs))
        if _not_exportable(function) and args[0].numel() == 0:
            return _stand_in(_with_one_channel, function, args, kwargs)
        try:
            return function(*args, **kwargs)
        except (RuntimeError, ValueError, IndexError):
            if not args or not isinstance(args[0], torch.Tensor) or args[0].numel():
                raise
            return _stand_in(_with_one_channel, function, args, kwargs)


def is_standing_in() -> bool:
    """Whether what is computed now is of zeros that stand in for nothing, so that it costs nothing on paper."""
    return bool(_standing_in)


def _stand_in(work, function, *args):
    _standing_in.append(function)
    try:
        return work(function, *args)
    finally:
        _standing_in.pop()


def _not_exportable(function):
    """Whether torch.export fails with a function of nothing, where torch itself may run it."""
    name = getattr(function, "__name__", "")
    return "pool" in name or name == "batch_norm"


def _arguments(input, weight, bias=None, *args, **kwargs):
    return input, weight, bias, args, kwargs


def _convolve(function, inputs, weight, bias, args, kwargs):
    """A convolution that reads or makes nothing: its weight gets one input or one filter of zeros."""
    transposed = CONVOLUTIONS[function]
    names = (
        ("stride", "padding", "output_padding", "groups", "dilation")
        if transposed
        else ("stride", "padding", "dilation", "groups")
    )
    options = dict(zip(names, args)) | kwargs
    if weight.shape[1 if transposed else 0] == 0:
        one = inputs.new_zeros(len(inputs), 1, *inputs.shape[2:]), weight.new_zeros(1, 1, *weight.shape[2:])
        return function(*one, **{**options, "groups": 1})[:, :0]
    space = [0, 0] * (weight.dim() - 2)
    weight = functional.pad(weight, [*space, 0, 0, 0, 1] if transposed else [*space, 0, 1])
    zeros = inputs.new_zeros(len(inputs), options.get("groups", 1), *inputs.shape[2:])
    return function(zeros, weight, bias, **options)


def _with_one_channel(function, args, kwargs):
    inputs = args[0]
    empty = inputs.shape.index(0)
    shape = [max(1, size) for size in inputs.shape]
    filled = [one.new_zeros([max(1, size) for size in one.shape]) if _is_empty(one) else one for one in args[1:]]
    named = {
        key: one.new_zeros([max(1, size) for size in one.shape]) if _is_empty(one) else one for key, one in kwargs.items()
    }
    output = function(inputs.new_zeros(shape), *filled, **named)
    if isinstance(output, tuple):
        return tuple(one.narrow(empty, 0, 0) for one in output)
    return output.narrow(empty, 0, 0)


def _is_empty(one):
    return isinstance(one, torch.Tensor) and one.numel() == 0


def _enter(network, inputs):
    _running.append(WithoutChannels())
    _running[-1].__enter__()


def _leave(network, inputs, output):
    _running.pop().__exit__(None, None, None)


def has_empty(network):
    """Whether pruning has left a layer of the network with nothing."""
    return any(parameter.numel() == 0 for parameter in network.parameters())


def _accept(inputs):
    """Stands for the check of SyncBatchNorm, which refuses inputs without channels."""


def tolerate_empty(network):
    """Lets a network work in which a layer has nothing left; changes no other network."""
    for layer in network.modules():
        if isinstance(layer, torch.nn.SyncBatchNorm) and layer.num_features == 0:
            layer._check_non_zero_input_channels = _accept
    if has_empty(network) and _enter not in network._forward_pre_hooks.values():
        network.register_forward_pre_hook(_enter)
        network.register_forward_hook(_leave, always_call=True)
    return network
