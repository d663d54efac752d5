"""A network as ONNX: in float32, with its weights halved, and in eight bits. The same network gives the same bytes.

Labels and the settings of the voxels stand in the file's metadata (`labels`, `voxels`: JSON), so that a file that was copied
alone still says what goes in and what comes out.
"""

import json
import logging
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

from voxprune.core.errors import InputError, first_line
from voxprune.measurement.onnx_file import INPUT, onnx_bytes
from voxprune.measurement.runner import Unavailable

LARGEST_DIFFERENCE = 1e-4  # of the largest logit, between torch and ONNX Runtime
LARGEST_HALF = 65504.0
SMALLEST_HALVED = 64  # numbers: smaller arrays save nothing


def float32_model(network, grid, classes, inputs):
    """The network in float32, for any batch size: bytes. inputs: float32 (n, 1, R, R, R), on which ONNX Runtime must agree with
    torch.

    Raises InputError where the network can't be written as ONNX, or answers differently there.
    """
    try:
        model = onnx.load_from_string(onnx_bytes(network))
    except Unavailable as error:
        raise InputError(f"model.onnx: {error}; use model.c") from error
    content = _finished(model, grid, classes)
    with torch.inference_mode():
        expected = network(inputs).numpy()
    try:
        found = answer(content, inputs.numpy())
    except Exception as error:  # ONNX Runtime raises kinds of its own
        raise InputError(f"model.onnx: ONNX Runtime can't run it ({first_line(error)}); use model.c") from error
    difference = np.abs(found - expected).max() / (np.abs(expected).max() or 1.0)
    if not difference <= LARGEST_DIFFERENCE:
        raise InputError(
            f"model.onnx: ONNX Runtime answers differently from torch, by {difference:.2g} of the largest logit; use model.c"
        )
    return content


def answer(content, inputs):
    """Logits float32 (n, classes) of an ONNX file, bytes, in ONNX Runtime on the CPU. inputs: float32 (n, 1, R, R, R)."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 3, 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return session.run(None, {INPUT: inputs})[0]


def halved_model(content):
    """The same network with its weights stored in float16 and widened when it is loaded: half the bytes, float32 arithmetic."""
    model = onnx.load_from_string(content)
    graph, kept, casts = model.graph, [], []
    for array in graph.initializer:
        numbers = numpy_helper.to_array(array)
        if numbers.dtype != np.float32 or numbers.size < SMALLEST_HALVED or np.abs(numbers).max() > LARGEST_HALF:
            kept.append(array)
            continue
        kept.append(numpy_helper.from_array(numbers.astype(np.float16), f"{array.name}_half"))
        casts.append(
            helper.make_node("Cast", [f"{array.name}_half"], [array.name], f"{array.name}_widen", to=TensorProto.FLOAT)
        )
    nodes = [*casts, *graph.node]
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(nodes)
    return _bytes(model)


class _Calibration:
    """Training voxels, one object a time, as onnxruntime.quantization asks for them. float32 (n, 1, R, R, R)."""

    def __init__(self, inputs):
        self.rest = iter(inputs)

    def get_next(self):
        one = next(self.rest, None)
        return None if one is None else {INPUT: one[None]}


def integer_model(content, inputs):
    """The network in eight bits: quantize and dequantize nodes, weights per channel in reduced range (seven bits, which sums of
    processors without VNNI can't overflow), ranges of the activations calibrated.

    inputs: training voxels, float32 (n, 1, R, R, R), NumPy.
    """
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static  # takes a second

    logging.disable(logging.WARNING)  # it advises a step that changes nothing here
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        quantize_static(
            onnx.load_from_string(content), path, _Calibration(inputs), QuantFormat.QDQ, per_channel=True, reduce_range=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        )  # fmt: skip
        model = onnx.load(path)
    logging.disable(logging.NOTSET)
    del model.metadata_props[:]
    model.metadata_props.extend(onnx.load_from_string(content).metadata_props)
    return _bytes(model)


def _finished(model, grid, classes):
    """Bytes of a model with the metadata, without what says where and by which version it was written."""
    model.producer_name, model.producer_version, model.doc_string = "voxprune", "", ""
    for node in model.graph.node:
        node.doc_string = ""
    del model.metadata_props[:]
    helper.set_model_props(model, {"labels": json.dumps(list(classes)), "voxels": json.dumps(voxel_settings(grid))})
    return _bytes(model)


def voxel_settings(grid):
    """What a mesh's voxels were made with, {name: value}; a deployed network sees the first view alone."""
    names = ("resolution", "convention", "occupancy", "padding", "scale", "up")
    return {name: getattr(grid, name) for name in names}


def _bytes(model):
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)
