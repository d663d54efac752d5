"""What an engine is: it turns a network into a `Runner`, or says why it can't here.

An engine is a file in engines/ with a function `prepare(network, inputs, threads)`, which returns a Runner or raises
Unavailable, and a constant ON_GPU: whether it computes on the GPU where there is one, or always on the CPU.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from voxprune.core import registry
from voxprune.settings.measurement import ENGINES


class Unavailable(Exception):
    """An engine can't run a network on this machine; the message says why."""


@dataclass(frozen=True)
class Runner:
    """A network ready to run in one engine, for one number of threads and one batch size.

    start() gives a function from float32 voxels (n, 1, R, R, R), on `device`, to logits (n, classes), a tensor or an
    array. What start() reserves is freed with that function, so that many runners can wait beside each other.
    """

    start: Callable[[], Callable]
    device: torch.device
    memory_format: str | None = None  # of the torch engines: default | channels_last_3d, whichever was faster
    network_bytes: int | None = None  # of the torch engines: parameters and buffers, on `device` as long as the runner lives


def prepare(engine: str, network: nn.Module, inputs: torch.Tensor, threads: int) -> Runner:
    """A Runner of a network in the engine of this name. Raises Unavailable."""
    return registry.load(ENGINES, engine).prepare(network, inputs, threads)


def synchronize(device: torch.device) -> None:
    """Waits until the device has done what it was given; nothing on a CPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
