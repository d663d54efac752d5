"""ONNX Runtime on the CPU. Its sessions share one memory arena."""

from typing import Any

import torch
from torch import nn

from voxprune.measurement.onnx_file import INPUT, onnx_bytes
from voxprune.measurement.runner import Runner, Unavailable

ON_GPU = False
_arenas: list = []


def prepare(network: nn.Module, inputs: torch.Tensor, threads: Any) -> Runner:
    try:
        import onnxruntime as runtime
    except ImportError as error:
        raise Unavailable(f"onnxruntime can't be imported: {error}") from error
    _share_arena(runtime)
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 4  # an error is raised too
    options.add_session_config_entry("session.use_env_allocators", "1")
    session = runtime.InferenceSession(onnx_bytes(network), options, providers=["CPUExecutionProvider"])
    try:
        session.run(None, {INPUT: inputs.cpu().numpy()})
    except Exception:  # the number of objects is a constant in its code: a file for this number alone
        session = runtime.InferenceSession(onnx_bytes(network, len(inputs)), options, providers=["CPUExecutionProvider"])
    return Runner(lambda: lambda voxels: session.run(None, {INPUT: voxels.numpy()})[0], torch.device("cpu"))


def _share_arena(runtime):
    """One memory arena for all sessions of this process: one each would hold gigabytes for dozens of networks."""
    if not _arenas:
        cpu = runtime.OrtMemoryInfo("Cpu", runtime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, runtime.OrtMemType.DEFAULT)
        runtime.create_and_register_allocator(cpu, runtime.OrtArenaCfg(0, -1, -1, -1))
        _arenas.append(cpu)
