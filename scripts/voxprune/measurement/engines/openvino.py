"""OpenVINO on the CPU, in single precision like the others (it would choose less by itself on some processors)."""

import io
from typing import Any

import torch
from torch import nn

from voxprune.core.openvino import in_own_memory
from voxprune.measurement.onnx_file import onnx_bytes
from voxprune.measurement.runner import Runner, Unavailable

ON_GPU = False


def prepare(network: nn.Module, inputs: torch.Tensor, threads: Any) -> Runner:
    try:
        import openvino as runtime
    except ImportError as error:
        raise Unavailable(f"openvino can't be imported: {error}") from error
    model = runtime.Core().read_model(io.BytesIO(onnx_bytes(network)))
    try:
        model.reshape(list(inputs.shape))
    except RuntimeError:  # the number of objects is a constant in its code: a file for this number alone
        model = runtime.Core().read_model(io.BytesIO(onnx_bytes(network, len(inputs))))
        model.reshape(list(inputs.shape))
    settings = {
        "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1,
    }  # fmt: skip
    compiled = runtime.compile_model(model, "CPU", settings)

    def start():
        run = in_own_memory(compiled.create_infer_request())
        return lambda voxels: run(voxels.numpy())

    return Runner(start, torch.device("cpu"))
