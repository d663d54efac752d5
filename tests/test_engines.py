"""Engines: each answers as torch does, for every network and pruned shape, or says why it can't."""

import functools
import sys

import pytest
import torch
from msgspec.structs import replace

import nets
from voxprune.core.registry import choices
from voxprune.measurement import memory_format
from voxprune.measurement.engines import torch_compile
from voxprune.measurement.runner import Unavailable, prepare
from voxprune.pruning.prune import prune
from voxprune.pruning.scoring import Sample
from voxprune.settings.method import Method
from voxprune.settings.network import NETWORKS

FILTER = Method("filter", "l1", "layer", "remove")
INPUTS = (torch.rand(3, 1, 16, 16, 16, generator=torch.Generator().manual_seed(0)) < 0.3).float()


def answer(engine, network, inputs=INPUTS, threads=1):
    with torch.inference_mode():
        return torch.as_tensor(prepare(engine, network, inputs, threads).start()(inputs))


def pruned(name, level, **changes):
    return prune(nets.build(name), replace(FILTER, **changes), level, Sample(INPUTS, torch.tensor([0, 1, 2]), 0))[0].eval()


@pytest.mark.parametrize("engine", ["torch", "onnxruntime", "openvino"])
@pytest.mark.parametrize("name", choices(NETWORKS))
@pytest.mark.parametrize("level", [0, 50])
def test_engines_agree(engine, name, level):
    network = pruned(name, level)
    with torch.inference_mode():
        expected = network(INPUTS)
    assert torch.allclose(answer(engine, network), expected, atol=1e-4 * float(expected.abs().max()))


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_an_empty_layer_is_refused_with_the_reason(engine):
    with pytest.raises(Unavailable, match="a layer keeps no filter"):
        answer(engine, pruned("original", 100))


def test_torch_runs_empty_layers():
    assert answer("torch", pruned("original", 100)).shape == (3, 3)


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_an_engine_that_is_not_installed_says_so(engine, monkeypatch):
    monkeypatch.setitem(sys.modules, engine, None)
    with pytest.raises(Unavailable, match=f"{engine} can't be imported"):
        answer(engine, nets.build("original").eval())


def test_a_compiler_that_fails_is_a_reason_not_a_crash(monkeypatch):
    def compiled(network, **options):
        def fail(inputs):
            raise RuntimeError("InvalidCxxCompiler: No working C++ compiler found\nlong trace")

        return fail

    monkeypatch.setattr(torch, "compile", compiled)
    with pytest.raises(Unavailable, match="torch.compile fails: InvalidCxxCompiler: No working C.. compiler found$"):
        answer("torch-compile", nets.build("original").eval())


@pytest.fixture
def compiler(monkeypatch):
    """torch.compile with a backend that does nothing; gives a record of its compilations and of compiled calls."""
    record = {"compilations": 0, "calls": 0}

    def backend(graph, inputs):
        def call(*arguments):
            record["calls"] += 1
            return graph(*arguments)

        record["compilations"] += 1
        return call

    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend=backend))
    torch._dynamo.reset()
    defaults = {"recompile_limit": 8, "accumulated_recompile_limit": 256, "fail_on_recompile_limit_hit": False}
    with torch._dynamo.config.patch(defaults):  # puts back what the engine sets
        yield record
    torch._dynamo.reset()


@pytest.mark.slow
def test_every_network_of_many_runs_compiled_and_is_compiled_once(compiler):
    """Dynamo keeps 8 compilations of one `forward` by itself, and runs all others uncompiled."""
    runs = [torch_compile.prepare(pruned("original", level), INPUTS, 1).start() for level in range(0, 60, 5)]
    assert compiler == {"compilations": len(runs), "calls": len(runs)}
    with torch.inference_mode():
        for run in runs:
            run(INPUTS)
    assert compiler == {"compilations": len(runs), "calls": 2 * len(runs)}


def test_a_compiler_that_would_give_up_is_a_reason(compiler, monkeypatch):
    monkeypatch.setattr(torch_compile, "COMPILATIONS", 1)
    torch_compile.prepare(pruned("original", 0), INPUTS, 1)
    with pytest.raises(Unavailable, match="torch.compile fails: .*limit"):
        torch_compile.prepare(pruned("original", 50), INPUTS, 1)


def test_the_faster_memory_format_is_named(monkeypatch):
    formats = []

    def seconds(network, inputs):
        kernel = next(one for one in network.parameters() if one.ndim == 5 and one.shape[1] > 1)
        formats.append(kernel.is_contiguous())
        return 1.0 if formats[-1] else 2.0

    monkeypatch.setattr(memory_format, "_trial_seconds", seconds)
    monkeypatch.setattr(memory_format, "_faster_formats", {})
    runner = prepare("torch", nets.build("resnet3d").eval(), INPUTS, 1)
    assert len(formats) == 2 * memory_format.TRIALS and runner.memory_format == "default" and runner.device.type == "cpu"
    assert runner.network_bytes == sum(tensor.nbytes for tensor in nets.build("resnet3d").state_dict().values())


def test_networks_of_equal_shapes_run_in_one_memory_format(monkeypatch):
    """However the trial ends: else a masked network could seem faster than its parent by luck."""
    lucky = iter([3.0, 2.0] * memory_format.TRIALS + [2.0, 3.0] * 3 * memory_format.TRIALS)
    monkeypatch.setattr(memory_format, "_trial_seconds", lambda network, inputs: next(lucky))
    monkeypatch.setattr(memory_format, "_faster_formats", {})
    parent, masked, removed = pruned("original", 0), pruned("original", 50, apply="mask"), pruned("original", 50)
    chosen = [prepare("torch", network, INPUTS, 1).memory_format for network in (parent, masked, removed)]
    assert chosen == ["channels_last_3d", "channels_last_3d", "default"]


def test_the_network_itself_is_left_alone():
    network = nets.build("resnet3d").eval()
    before = [parameter.stride() for parameter in network.parameters()]
    for engine in ("torch", "onnxruntime", "openvino"):
        answer(engine, network)
    assert [parameter.stride() for parameter in network.parameters()] == before and not network.training
