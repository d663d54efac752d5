"""A network as an ONNX file in memory."""

import copy
import functools
import io
import warnings
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize

from voxprune.core.errors import first_line
from voxprune.measurement.runner import Unavailable
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
    content = _traced(network, objects)
    return content if objects > 1 else _for_any_batch(content, network)


def _traced(network, objects):
    file: Any = io.BytesIO()  # PyTorch takes it, whatever its annotations say
    resolution = resolution_of(network)
    example = torch.zeros(objects, 1, *(resolution,) * 3)
    with warnings.catch_warnings():
        # The exporter by tracing is the deprecated one, 20 times faster than its successor, and our networks trace exactly.
        warnings.simplefilter("ignore")
        torch._C._jit_set_onnx_log_enabled(False)  # on an error it prints the whole graph
        try:
            torch.onnx.export(
                _plain(network), (example,), file, dynamo=False, input_names=[INPUT],
                output_names=[OUTPUT], dynamic_axes={INPUT: {0: "objects"}, OUTPUT: {0: "objects"}},
            )  # fmt: skip
        except Exception as error:  # the exporter raises many kinds
            reason = first_line(error).partition("[Caused by")[0].strip()  # what follows is of the exporter's own graph
            raise Unavailable(f"no ONNX file of this network: {reason}") from error
    return file.getvalue()


def _plain(network):
    """A copy on the CPU whose computed weights (weight or spectral normalisation) are plain ones."""
    copied = copy.deepcopy(network).cpu().eval()
    for layer in list(copied.modules()):
        if parametrize.is_parametrized(layer):  # remove_parametrizations would change the class, which the network shares
            weights = {name: nn.Parameter(getattr(layer, name).detach()) for name in layer.parametrizations}
            layer.__class__ = parametrize.type_before_parametrizations(layer)
            del layer.parametrizations
            for name, weight in weights.items():
                layer.register_parameter(name, weight)
    return copied


def _for_any_batch(content, network):
    """Code such as `x.view(len(x), -1)` writes the traced number of objects into the shape; a second trace tells where."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load_from_string(content)
    shapes = _shapes(model)
    if not any(numpy_helper.to_array(shape).reshape(-1)[:1] > 0 for shape in shapes.values()):
        return content
    others = _shapes(onnx.load_from_string(_traced(network, 2)))
    for name, shape in shapes.items():
        numbers = numpy_helper.to_array(shape).copy()
        grown = numpy_helper.to_array(others[name]) == 2 * numbers if name in others else numbers < 0
        if grown.sum() == 1 and (-1 not in numbers or grown[0]):
            numbers[grown] = 0 if -1 in numbers else -1  # 0: as in the input of the view
            shape.CopyFrom(numpy_helper.from_array(numbers, shape.name))
    return model.SerializeToString()


def _shapes(model):
    """{name: the constant} of those that a Reshape takes."""
    constants = {node.output[0]: node.attribute[0].t for node in model.graph.node if node.op_type == "Constant"}
    constants |= {array.name: array for array in model.graph.initializer}
    wanted = {node.input[1] for node in model.graph.node if node.op_type == "Reshape"}
    return {name: constants[name] for name in sorted(wanted & set(constants))}
