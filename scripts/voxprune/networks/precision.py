"""Running a network in double precision, whatever its code converts to."""

import torch
from torch.overrides import TorchFunctionMode


class _Double(TorchFunctionMode):
    """Turns every conversion to single precision (`x.float()`, `x.to(torch.float32)`) into one to double."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if function is torch.Tensor.float:
            function = torch.Tensor.double
        double = [torch.float64 if one is torch.float32 else one for one in args]
        named = {name: torch.float64 if one is torch.float32 else one for name, one in (kwargs or {}).items()}
        return function(*double, **named)


@torch.no_grad()
def in_double(network, voxels):
    """Logits float64 (n, classes) of a network in evaluation; turns the network itself to double precision."""
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with _Double():
            return network.double().eval()(voxels.double())
    finally:
        torch.set_default_dtype(default)
