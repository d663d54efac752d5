"""The runtimes a network is measured in. Each engine turns a network into a `Runner`, or says why it can't here."""

import copy
import functools
import io
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch

from voxprune.networks import convolutions

INPUT, OUTPUT = "voxels", "logits"  # names in the ONNX file
TRIALS = 3  # calls in each memory format, of which the fastest counts
COMPILATIONS = 2**16  # that Dynamo may keep for one `forward`: networks of one class share it, and its own limit is 8


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


FORMATS = {"default": torch.contiguous_format, "channels_last_3d": torch.channels_last_3d}
_faster_formats = {}  # {(kind and shapes of a network, shape of the inputs, threads, device): name of the format}


def torch_eager(network, inputs, threads):
    """PyTorch as it is, in the memory format that is faster here for networks of these shapes.

    One trial serves all of them: masked networks must not differ from their parent by the luck of a trial of their own.
    """
    torch.set_num_threads(threads)
    shapes = tuple(tuple(weight.shape) for weight in network.parameters())
    key = type(network), shapes, tuple(inputs.shape), threads, str(inputs.device)
    if key not in _faster_formats:
        _faster_formats[key] = _faster_format(network, inputs)
    best = _faster_formats[key]
    chosen = _placed(network, best, inputs.device)
    size = sum(tensor.nbytes for tensor in (*chosen.parameters(), *chosen.buffers()))
    return Runner(lambda: chosen, inputs.device, best, size)


def _faster_format(network, inputs):
    placed = {name: _placed(network, name, inputs.device) for name in FORMATS}
    trials = [{name: _trial_seconds(one, inputs) for name, one in placed.items()} for _ in range(TRIALS)]
    return min(FORMATS, key=lambda name: min(trial[name] for trial in trials))


def _placed(network, memory_format, device):
    return copy.deepcopy(network).to(device, memory_format=FORMATS[memory_format])


def torch_compile(network, inputs, threads):
    """PyTorch's compiler (inductor), in the memory format that is faster uncompiled."""
    eager = torch_eager(network, inputs, threads)
    torch._dynamo.config.recompile_limit = torch._dynamo.config.accumulated_recompile_limit = COMPILATIONS
    torch._dynamo.config.fail_on_recompile_limit_hit = True  # by default it runs uncompiled from there on, and says nothing
    compiled = torch.compile(eager.start(), dynamic=False)
    try:
        with torch.inference_mode():  # as it is measured; else it would compile once more then
            compiled(inputs)
    except Exception as error:  # no compiler here, an operator it can't translate: each its own kind
        raise Unavailable(f"torch.compile fails: {_first_line(error)}") from error
    return Runner(lambda: compiled, inputs.device, eager.memory_format, eager.network_bytes)


def onnxruntime(network, inputs, threads):
    """ONNX Runtime on the CPU. Its sessions share one memory arena."""
    try:
        import onnxruntime as runtime
    except ImportError as error:
        raise Unavailable(f"onnxruntime can't be imported: {error}") from error
    _share_arena(runtime)
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.use_env_allocators", "1")
    session = runtime.InferenceSession(onnx_bytes(network), options, providers=["CPUExecutionProvider"])
    return Runner(lambda: lambda voxels: session.run(None, {INPUT: voxels.numpy()})[0], torch.device("cpu"))


def openvino(network, inputs, threads):
    """OpenVINO on the CPU, in single precision like the others (it would choose less by itself on some processors)."""
    try:
        import openvino as runtime
    except ImportError as error:
        raise Unavailable(f"openvino can't be imported: {error}") from error
    model = runtime.Core().read_model(io.BytesIO(onnx_bytes(network)))
    model.reshape(list(inputs.shape))
    settings = {
        "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1,
    }  # fmt: skip
    compiled = runtime.compile_model(model, "CPU", settings)

    def start():
        request = compiled.create_infer_request()
        return lambda voxels: request.infer([voxels.numpy()], share_inputs=True)[0]

    return Runner(start, torch.device("cpu"))


ENGINES = {"torch": torch_eager, "torch-compile": torch_compile, "onnxruntime": onnxruntime, "openvino": openvino}
ON_GPU = ("torch", "torch-compile")  # the others run on the CPU, also where there is a GPU


@functools.lru_cache(maxsize=1)  # one network is prepared for several engines, threads and batch sizes in turn
def onnx_bytes(network):
    """The network as an ONNX file in memory, for any batch size.

    Raises Unavailable for a network with a layer that keeps no filter, which ONNX's engines don't run.
    """
    if not all(layer.weight.numel() for layer in convolutions(network).values()):
        raise Unavailable("a layer keeps no filter, and this engine runs no empty layers")
    file, resolution = io.BytesIO(), network.description["resolution"]
    example = torch.zeros(1, 1, *(resolution,) * 3)
    with warnings.catch_warnings():
        # The exporter by tracing is the deprecated one, 20 times faster than its successor, and our networks trace exactly.
        warnings.simplefilter("ignore")
        try:
            torch.onnx.export(
                copy.deepcopy(network).cpu().eval(), (example,), file, dynamo=False, input_names=[INPUT],
                output_names=[OUTPUT], dynamic_axes={INPUT: {0: "objects"}, OUTPUT: {0: "objects"}},
            )  # fmt: skip
        except Exception as error:  # the exporter raises many kinds
            raise Unavailable(f"no ONNX file of this network: {_first_line(error)}") from error
    return file.getvalue()


@torch.inference_mode()
def _trial_seconds(network, inputs):
    network(inputs)
    synchronize(inputs.device)
    started = time.perf_counter()
    network(inputs)
    synchronize(inputs.device)
    return time.perf_counter() - started


def synchronize(device):
    """Waits until the device has done what it was given; nothing on a CPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


_arenas = []


def _share_arena(runtime):
    """One memory arena for all sessions of this process: one each would hold gigabytes for dozens of networks."""
    if not _arenas:
        cpu = runtime.OrtMemoryInfo("Cpu", runtime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, runtime.OrtMemType.DEFAULT)
        runtime.create_and_register_allocator(cpu, runtime.OrtArenaCfg(0, -1, -1, -1))
        _arenas.append(cpu)


def _first_line(error):
    return (str(error).strip() or type(error).__name__).splitlines()[0]
