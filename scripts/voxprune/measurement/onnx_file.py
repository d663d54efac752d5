"""A network as an ONNX file in memory."""

import copy
import functools
import io
import warnings
from typing import Any

import torch
from torch import nn

from voxprune.measurement.runner import Unavailable, first_line
from voxprune.networks.build import resolution_of
from voxprune.networks.empty import has_empty

INPUT, OUTPUT = "voxels", "logits"  # names in the ONNX file


@functools.lru_cache(maxsize=1)  # one network is prepared for several engines, threads and batch sizes in turn
def onnx_bytes(network: nn.Module, objects: int = 1) -> bytes:
    """The network as an ONNX file in memory, for any batch size; traced with `objects`, if its code makes that a constant.

    Raises Unavailable for a network with a layer that keeps no filter, which ONNX's engines don't run.
    """
    if has_empty(network):
        raise Unavailable("a layer keeps no filter, and this engine runs no empty layers")
    file: Any = io.BytesIO()  # PyTorch takes it, whatever its annotations say
    resolution = resolution_of(network)
    example = torch.zeros(objects, 1, *(resolution,) * 3)
    with warnings.catch_warnings():
        # The exporter by tracing is the deprecated one, 20 times faster than its successor, and our networks trace exactly.
        warnings.simplefilter("ignore")
        try:
            torch.onnx.export(
                copy.deepcopy(network).cpu().eval(), (example,), file, dynamo=False, input_names=[INPUT],
                output_names=[OUTPUT], dynamic_axes={INPUT: {0: "objects"}, OUTPUT: {0: "objects"}},
            )  # fmt: skip
        except Exception as error:  # the exporter raises many kinds
            raise Unavailable(f"no ONNX file of this network: {first_line(error)}") from error
    return file.getvalue()
