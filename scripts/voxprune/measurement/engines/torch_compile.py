"""PyTorch's compiler (inductor), in the memory format that is faster uncompiled."""

from typing import Any

import torch
from torch import nn

from voxprune.core.errors import first_line
from voxprune.measurement.engines import torch as eager_torch
from voxprune.measurement.runner import Runner, Unavailable

NAME = "torch-compile"
ON_GPU = True
COMPILATIONS = 2**16  # that Dynamo may keep for one `forward`: networks of one class share it, and its own limit is 8


def prepare(network: nn.Module, inputs: torch.Tensor, threads: Any) -> Runner:
    eager = eager_torch.prepare(network, inputs, threads)
    torch._dynamo.config.recompile_limit = torch._dynamo.config.accumulated_recompile_limit = COMPILATIONS
    torch._dynamo.config.fail_on_recompile_limit_hit = True  # by default it runs uncompiled from there on, and says nothing
    compiled = torch.compile(eager.start(), dynamic=False)
    try:
        with torch.inference_mode():  # as it is measured; else it would compile once more then
            compiled(inputs)
    except Exception as error:  # no compiler here, an operator it can't translate: each its own kind
        raise Unavailable(f"torch.compile fails: {first_line(error)}") from error
    return Runner(lambda: compiled, inputs.device, eager.memory_format, eager.network_bytes)
