"""The order of a tensor's axes in memory that is faster here, for the torch engines."""

import copy
import time
from typing import Any

import torch
from torch import nn

from voxprune.measurement.runner import synchronize
from voxprune.networks.device import in_channels_last

TRIALS = 3  # calls in each memory format, of which the fastest counts
FORMATS = ("default", "channels_last_3d")
_faster_formats: dict[
    tuple, str
] = {}  # {(kind and shapes of a network, shape of the inputs, threads, device): name of the format}


def faster_format(network: nn.Module, inputs: torch.Tensor, threads: Any) -> str:
    """The name of the memory format that is faster for networks of these shapes.

    One trial serves all of them: masked networks must not differ from their parent by the luck of a trial of their own.
    """
    shapes = tuple(tuple(weight.shape) for weight in network.parameters())
    key = type(network), shapes, tuple(inputs.shape), threads, str(inputs.device)
    if key not in _faster_formats:
        copies = {name: in_format(network, name, inputs.device) for name in FORMATS}
        if not _runs(copies["channels_last_3d"], inputs):
            copies = {"default": copies["default"]}
        trials = [{name: _trial_seconds(one, inputs) for name, one in copies.items()} for _ in range(TRIALS)]
        _faster_formats[key] = min(copies, key=lambda name: min(trial[name] for trial in trials))
    return _faster_formats[key]


def in_format(network: nn.Module, memory_format: str, device: torch.device) -> nn.Module:
    """A copy of a network on a device, in a memory format of FORMATS."""
    moved = copy.deepcopy(network).to(device)
    return in_channels_last(moved) if memory_format == "channels_last_3d" else moved


@torch.inference_mode()
def _runs(network, inputs):
    try:
        network(inputs)
    except RuntimeError:  # as `x.view(len(x), -1)` in a format of other strides
        return False
    return True


@torch.inference_mode()
def _trial_seconds(network, inputs):
    network(inputs)
    synchronize(inputs.device)
    started = time.perf_counter()
    network(inputs)
    synchronize(inputs.device)
    return time.perf_counter() - started
