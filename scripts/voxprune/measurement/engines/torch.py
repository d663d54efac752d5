"""PyTorch as it is, in the memory format that is faster here for networks of these shapes."""

from typing import Any

import torch
from torch import nn

from voxprune.measurement.memory_format import faster_format, in_format
from voxprune.measurement.runner import Runner

ON_GPU = True


def prepare(network: nn.Module, inputs: torch.Tensor, threads: Any) -> Runner:
    torch.set_num_threads(threads)
    best = faster_format(network, inputs, threads)
    chosen = in_format(network, best, inputs.device)
    size = sum(tensor.nbytes for tensor in (*chosen.parameters(), *chosen.buffers()))
    return Runner(lambda: chosen, inputs.device, best, size)
