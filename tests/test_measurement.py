"""Demand: every network under every condition, beside a parent measured twice, believed only where the run was steady."""

import dataclasses
import sys
import time

import measure
import numpy as np
import pytest
import torch
from msgspec.structs import replace

import nets
from voxprune.core import provenance
from voxprune.core.errors import InputError
from voxprune.measurement import compare, cpu, energy, latency, saturation
from voxprune.measurement.conditions import Cell, cells
from voxprune.measurement.latency import AGAIN, PARENT
from voxprune.measurement.reading import Reading
from voxprune.measurement.runner import Runner
from voxprune.pruning.prune import prune
from voxprune.pruning.scoring import Sample
from voxprune.settings.config import Config
from voxprune.settings.measurement import Windows
from voxprune.settings.method import Method
from voxprune.voxels import dataset
from voxprune.voxels.dataset import Voxels
from voxprune.voxels.voxelize import pack

CPU = torch.device("cpu")
WINDOWS = Windows(repetitions=3, seconds=0.01, calls=2, warmup_calls=1, windows=2, window_seconds=0.02)


@pytest.fixture
def voxels():
    grids = np.random.default_rng(0).random((10, 16, 16, 16)) < 0.3
    return Voxels(torch.from_numpy(pack(grids)), torch.zeros(10, dtype=torch.int64), np.array(["x"] * 10), 16)


class Sleeper(torch.nn.Module):
    """Answers 1 after so many milliseconds."""

    def __init__(self, milliseconds):
        super().__init__()
        self.milliseconds = milliseconds

    def forward(self, inputs):
        time.sleep(self.milliseconds / 1000)
        return torch.ones(len(inputs), 2)


@pytest.fixture
def sleeping(monkeypatch, voxels):
    """measure() of networks that only sleep: {name: milliseconds, or a function of the number of the call}."""

    def engine(network, inputs, threads):
        return Runner(lambda: network, inputs.device)

    def sleeping(times, windows=WINDOWS):
        monkeypatch.setattr("voxprune.measurement.engines.torch.prepare", engine)
        models = {name: Sleeper(milliseconds) for name, milliseconds in times.items()}
        conditions = cells(["torch"], [1], [2], CPU)
        return compare.measure(models, voxels, conditions, windows, CPU, report=lambda line: None), conditions[0]

    return sleeping


def test_cells_are_all_combinations(monkeypatch):
    monkeypatch.setattr(cpu, "available_cores", lambda: 4)
    assert cells(["torch", "openvino"], ["1", "all"], [1, 64], torch.device("cuda")) == [
        Cell("torch", "cuda", 1, 1), Cell("torch", "cuda", 1, 64), Cell("torch", "cuda", 4, 1), Cell("torch", "cuda", 4, 64),
        Cell("openvino", "cpu", 1, 1), Cell("openvino", "cpu", 1, 64), Cell("openvino", "cpu", 4, 1), Cell("openvino", "cpu", 4, 64),
    ]  # fmt: skip


def test_all_threads_of_a_single_core_are_one(monkeypatch):
    monkeypatch.setattr(cpu, "available_cores", lambda: 1)
    assert [cell.threads for cell in cells(["torch"], ["1", "all"], [1], CPU)] == [1]


def test_every_network_and_cell_gets_its_figures(voxels):
    parent = nets.build("original").eval()
    sample = Sample(torch.ones(2, 1, 16, 16, 16), torch.tensor([0, 1]), 0)
    empty, _ = prune(parent, Method("filter", "l1", "layer", "remove"), 100, sample)
    conditions = cells(["torch", "onnxruntime", "openvino"], [1], [1, 4], CPU)
    models = {PARENT: parent, AGAIN: parent, "empty": empty.eval()}
    found = compare.measure(models, voxels, conditions, WINDOWS, CPU, report=lambda line: None)
    assert list(found.figures) == [PARENT, AGAIN, "empty"]
    for name, figures in found.figures.items():
        assert [Cell(*(cell[field.name] for field in dataclasses.fields(Cell))) for cell in figures] == conditions
        for cell, condition in zip(figures, conditions):
            if name == "empty" and condition.engine != "torch":
                assert "keeps no filter" in cell["unavailable"] and (name, condition) not in found.latencies
                continue
            latency = cell["latency_ms"]
            assert 0 < latency["p50_low"] < latency["p50_high"] and 0 < latency["p50"] and latency["iqr"] >= 0
            assert latency["n"] == sum(map(len, found.latencies[name, condition])) >= 3 * 2
            assert cell["unavailable"] is None and cell["throughput_per_s"] > 0 and cell["logit_difference"] < 1e-3
            nulls = {key for key, value in cell.items() if value is None} - {"unavailable", "memory_format", "energy_method"}
            assert nulls == set(cell["reasons"]) and all(cell["reasons"].values())


def test_speed_is_told_from_noise(sleeping):
    found, _ = sleeping({PARENT: 8, AGAIN: 8, "fast": 2, "slow": 32, "same": 8})
    fast, slow, same = (found.figures[name][0]["speedup"] for name in ("fast", "slow", "same"))
    assert fast["verdict"] == "faster" and fast["low"] <= fast["mean"] <= fast["high"] and 2.5 < fast["mean"] < 5
    assert slow["verdict"] == "slower" and 0.2 < slow["mean"] < 0.4
    assert same["verdict"] == "no difference" and same["least_percent"] == max(1, same["control_percent"]) < 50
    assert found.figures["fast"][0]["throughput_per_s"] == pytest.approx(2 / 0.002, rel=0.5)


def test_calls_last_as_long_and_are_as_many_as_asked(sleeping):
    found, cell = sleeping({PARENT: 1, AGAIN: 1, "long": 30})
    assert [len(calls) for calls in found.latencies["long", cell]] == [2, 2, 2]  # the calls asked for
    assert (
        found.warmup["times"] == 3 * 3 + 3 * 2
        and found.warmup["least_calls"] == 1
        and found.warmup["least_seconds"] >= 0.001
    )
    assert all(calls.sum() >= 9 for calls in found.latencies[PARENT, cell])  # the 10 ms asked for


def test_a_quiet_run_is_valid_and_so_is_one_on_a_machine_that_changes_its_speed(sleeping):
    """Speedups compare calls of the same round; what a change of speed does to latencies is told beside them."""
    sleeping_longer = replace(WINDOWS, seconds=0.05)
    found, cell = sleeping({PARENT: 5, AGAIN: 5}, sleeping_longer)
    reasons = [reason for reason in found.invalid_reasons if "other processes" not in reason]  # this machine may be busy
    assert reasons == []
    drifting = {(name, cell): [np.array([milliseconds]) for milliseconds in (5.0, 5.5, 6.5)] for name in (PARENT, AGAIN)}
    assert compare._invalid_reasons(drifting, [cell], 3.0, 0, []) == []
    assert compare._drift_percent(drifting, [cell]) == pytest.approx(30)
    assert found.drift_percent >= 0 and compare._drift_percent({}, [cell]) == 0


def test_one_engine_that_differs_from_itself_makes_a_run_invalid():
    """Where all others are steady; one disturbed round doesn't."""
    cells = [Cell(engine, "cpu", 1, 1) for engine in ("torch", "onnxruntime", "openvino")]
    steady = {(name, cell): [np.array([5.0])] * 5 for name in (PARENT, AGAIN) for cell in cells}
    assert compare._invalid_reasons(steady, cells, 0.0, 0, []) == []
    disturbed = steady | {(AGAIN, cells[1]): [np.array([each]) for each in (5.0, 50.0, 5.0, 5.0, 5.0)]}
    assert compare._invalid_reasons(disturbed, cells, 0.0, 0, []) == []
    unequal = steady | {(AGAIN, cells[1]): [np.array([8.0])] * 5}
    sentence = "the parent differs from itself by 60 % in onnxruntime/cpu/threads1/batch1"
    assert compare._invalid_reasons(unequal, cells, 0.0, 0, []) == [sentence]


@pytest.mark.parametrize("busy", [0, 1], ids=["latency", "throughput"])
def test_other_processes_count_in_every_phase(monkeypatch, sleeping, busy):
    loads = iter([40.0, 3.0] if busy == 0 else [3.0, 40.0])

    class Window(cpu.CpuWindow):
        """Of a phase; the windows within one don't judge."""

        def __enter__(self):
            self.phase = sys._getframe(1).f_code.co_name == "measure"
            return super().__enter__()

        def __exit__(self, *error):
            super().__exit__(*error)
            if self.phase:
                self.other_percent = next(loads)

    monkeypatch.setattr(cpu, "CpuWindow", Window)
    found, _ = sleeping({PARENT: 5, AGAIN: 5})
    assert "other processes kept 40 % of the cores busy" in found.invalid_reasons


def test_whatever_else_computed_makes_a_run_invalid():
    cell = Cell("torch", "cuda", 1, 1)
    steady = {(name, cell): [np.array([5.0])] * 3 for name in (PARENT, AGAIN)}
    assert compare._invalid_reasons(steady, [cell], 40.0, 2, [False, True]) == [
        "other processes kept 40 % of the cores busy",
        "2 other process(es) computed on the GPU",
        "the GPU throttled itself",
    ]


def test_an_engine_that_answers_differently_fails_the_job(monkeypatch, voxels):
    def wrong(network, inputs, threads):
        return Runner(lambda: lambda voxels: network(voxels) * 1.01, CPU)

    monkeypatch.setattr("voxprune.measurement.engines.torch.prepare", wrong)
    network = nets.build("original").eval()
    sentence = "^parent: torch/cpu/threads1/batch2 answers differently from torch.* by 0.01 .*; leave torch out of .*engines"
    with pytest.raises(InputError, match=sentence):
        conditions = cells(["torch"], [1], [2], CPU)
        compare.measure({PARENT: network, AGAIN: network}, voxels, conditions, WINDOWS, CPU, report=lambda line: None)


def test_float32_is_float32_on_every_gpu(sleeping):
    """cuDNN takes TF32 for convolutions by default, with logits up to 1e-3 off."""
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = True
    sleeping({PARENT: 1, AGAIN: 1})
    assert not torch.backends.cudnn.allow_tf32 and not torch.backends.cuda.matmul.allow_tf32


class Gpu:
    """torch.cuda as far as windows use it, on a machine without a GPU: its events, and memory in blocks of 100 bytes."""

    def __init__(self, monkeypatch, allocated=0, cached=0):
        self.allocated = self.peak = allocated
        self.reserved = self.peak_reserved = allocated + cached
        self.waiting, self.longest, self.drained = 0, 0, 0
        monkeypatch.setattr(torch.cuda, "Event", lambda blocking: self)
        for name in ("empty_cache", "synchronize", "reset_peak_memory_stats", "memory_allocated", "memory_reserved",
                     "max_memory_allocated", "max_memory_reserved"):  # fmt: skip
            monkeypatch.setattr(torch.cuda, name, getattr(self, name))

    def empty_cache(self):
        self.reserved = self.allocated

    def record(self):
        """An event: one more call waits."""
        self.waiting += 1
        self.longest = max(self.longest, self.waiting)

    def synchronize(self, device=None):
        """Of an event: one call is done. Of a device: all are."""
        self.drained += device is not None
        self.waiting = 0 if device else self.waiting - 1

    def reset_peak_memory_stats(self, device):
        self.peak, self.peak_reserved = self.allocated, self.reserved

    def memory_allocated(self, device):
        return self.allocated

    def memory_reserved(self, device):
        return self.reserved

    def max_memory_allocated(self, device):
        return self.peak

    def max_memory_reserved(self, device):
        return self.peak_reserved

    def use(self, size):
        """Takes memory and gives it back to the cache."""
        self.peak = max(self.peak, self.allocated + size)
        self.reserved = max(self.reserved, self.allocated + -(-size // 100) * 100)
        self.peak_reserved = max(self.peak_reserved, self.reserved)


def test_gpu_memory_is_the_networks_own(monkeypatch):
    """Beside 5,000 bytes of other networks and 900 that an earlier cell left reserved."""
    gpu, batch = torch.device("cuda"), torch.zeros(10, 1)
    allocator = Gpu(monkeypatch, 5000, 900)

    def run(inputs):
        allocator.use(250)
        time.sleep(0.001)

    runner = Runner(lambda: run, gpu, network_bytes=60)
    meter = energy.EnergyMeter(gpu, WINDOWS.window_seconds)
    cell = Cell("torch", "cuda", 1, 10)
    windows = [saturation._run_window(runner, (batch,), cell, WINDOWS, meter) for _ in range(WINDOWS.windows)]
    found = saturation._figures(windows, cell, meter, Reading(None, "none"))
    assert found["peak_memory_bytes"] == 250 + 60 + 40 and found["peak_reserved_bytes"] == 300 + 60 + 40


def test_a_gpu_is_never_idle_in_a_saturated_window(monkeypatch):
    """The host waits for a call of some time ago, whatever the batch size, and for the last ones at the end alone."""
    gpu, batches = Gpu(monkeypatch), (torch.zeros(64, 1), torch.ones(64, 1))
    seen = []
    calls = saturation.saturate(seen.append, batches, torch.device("cuda"), 0.01)
    assert calls == len(seen) > 100 and seen[0] is batches[0] and seen[1] is batches[1]
    assert gpu.longest == latency.CALLS_IN_FLIGHT + 1 and gpu.drained == 1


def test_a_gpu_is_warmed_up_for_a_time(monkeypatch):
    """A CPU for a number of calls alone."""
    gpu, windows = Gpu(monkeypatch), replace(WINDOWS, warmup_seconds=0.05)
    calls, seconds = latency.warm_up(lambda batch: time.sleep(0.001), None, torch.device("cuda"), windows)
    assert 10 < calls <= 50 and 0.05 <= seconds and gpu.drained > 1
    assert latency.warm_up(lambda batch: None, None, CPU, windows)[0] == 1


def test_the_studys_reading_is_taken_once_a_network(monkeypatch):
    """In the first cell on the GPU with the largest batch, which tables and plots show."""
    Gpu(monkeypatch)
    monkeypatch.setattr(saturation, "legacy_gpu_utilization", lambda device: readings.append(device) or 50.0)
    conditions = cells(["torch", "torch-compile", "onnxruntime"], [1, 2], [1, 4], torch.device("cuda"))
    runner, readings = Runner(lambda: lambda batch: None, torch.device("cuda")), []
    served = {(name, cell): {"reasons": {}} for name in (PARENT, "child") for cell in conditions}
    pool = {"cuda": torch.zeros(8, 1)}
    saturation.add_legacy_utilization(served, dict.fromkeys(served, runner), pool, conditions)
    key, chosen = "legacy_gpu_utilization_per_inference_percent", Cell("torch", "cuda", 1, 4)
    assert len(readings) == 2 * saturation.LEGACY_READINGS
    for (_, cell), figures in served.items():
        assert figures[key] == (50 / 4 if cell == chosen else None)
        assert figures["reasons"] == ({} if cell == chosen else {key: f"legacy: read in {chosen} alone"})


def test_energy_is_joules_over_inferences_less_what_idling_takes(monkeypatch, sleeping):
    """A meter that counts 3 W all the time: idle power is 3 W and nothing is left net."""

    class Meter:
        reason, method = None, "counter"

        def __init__(self, device, window_seconds):
            pass

        def begin(self):
            self.began = time.perf_counter()

        def end(self):
            return 3 * (time.perf_counter() - self.began)

    monkeypatch.setattr(energy, "EnergyMeter", Meter)
    found, _ = sleeping({PARENT: 5, AGAIN: 5})
    cell = found.figures[PARENT][0]
    assert found.idle_power_w.value == pytest.approx(3, rel=0.05)
    assert cell["energy_mj_per_inference"] == pytest.approx(3000 / cell["throughput_per_s"], rel=0.05)
    assert abs(cell["net_energy_mj_per_inference"]) < 0.1 * cell["energy_mj_per_inference"]
    assert cell["idle_power_w"] == found.idle_power_w.value and cell["energy_method"] == "counter"


def test_each_cells_energy_is_of_its_own_device(monkeypatch, voxels):
    """An engine on the CPU beside one on the GPU: the GPU's joules are not its own."""

    class Meter:
        method = "counter"

        def __init__(self, device, window_seconds):
            self.joules, self.reason = {"cuda": 100.0, "cpu": None}[device.type], {"cpu": "no RAPL"}.get(device.type)

        def begin(self):
            pass

        def end(self):
            return self.joules

    Gpu(monkeypatch)
    monkeypatch.setattr(energy, "EnergyMeter", Meter)
    monkeypatch.setattr(latency, "_timed_on_gpu", latency._timed)
    monkeypatch.setattr(saturation, "saturate", lambda *_: 5)
    monkeypatch.setattr(saturation, "legacy_gpu_utilization", lambda device: 50.0)
    monkeypatch.setattr(compare, "_objects", lambda voxels, batch_size, place: torch.zeros(batch_size, 1, 16, 16, 16))
    network, runner = Sleeper(1), lambda device: lambda net, *_: Runner(lambda: net, device, network_bytes=0)
    monkeypatch.setattr("voxprune.measurement.engines.torch.prepare", runner(torch.device("cuda")))
    monkeypatch.setattr("voxprune.measurement.engines.onnxruntime.prepare", runner(CPU))
    conditions = cells(["torch", "onnxruntime"], [1], [2], torch.device("cuda"))
    models = {PARENT: network, AGAIN: network}
    found = compare.measure(models, voxels, conditions, WINDOWS, torch.device("cuda"), report=lambda line: None)
    on_gpu, on_cpu = found.figures[PARENT]
    assert on_gpu["energy_mj_per_inference"] == 1000 * 200 / (2 * 2 * 5) and on_cpu["energy_mj_per_inference"] is None
    energies = ("energy_mj_per_inference", "net_energy_mj_per_inference", "idle_power_w")
    assert {on_cpu["reasons"][key] for key in energies} == {"no RAPL"} and not set(energies) & set(on_gpu["reasons"])
    assert found.idle_power_w.value == on_gpu["idle_power_w"] > 0


def test_gpu_figures_follow_from_utilization(monkeypatch, sleeping):
    """Busy a quarter of the time: milliseconds busy an inference, and the study's mean utilization over batch size."""
    reading = Reading({"mean": 25.0, "sd": 0.0, "n": 9})
    monkeypatch.setattr(saturation, "merged_utilization", lambda windows: reading)
    found, _ = sleeping({PARENT: 5, AGAIN: 5})
    cell = found.figures[PARENT][0]
    assert cell["gpu_utilization_percent"] == reading.value
    assert cell["gpu_utilization_per_inference_percent"] == 25 / 2
    assert cell["gpu_busy_ms_per_inference"] == pytest.approx(0.25 * 1000 / cell["throughput_per_s"])


def test_resident_memory_is_taken_before_anything_is_loaded(monkeypatch, tmp_path):
    """Else the other networks of a job and the voxels would count, and jobs of few and of many differ."""
    held = []
    monkeypatch.setattr(measure, "load_checkpoint", lambda path: held.append(path))
    monkeypatch.setattr(dataset, "load_split", lambda *_: held.append("voxels"))

    def peak(work, path, batch_size):
        assert not held and batch_size == max(Config().measurement.batch_sizes) and work is measure.answer_once
        taken.append(path)
        if len(taken) == 3:
            raise InputError("enough")

    taken, files = [], [str(tmp_path / name) for name in ("a", "b")]
    monkeypatch.setattr(cpu, "peak_resident_bytes", peak)
    with pytest.raises(InputError, match="^enough$"):
        measure.main(measure.parse().parse_args(
            ["--parent", "parent", "--checkpoints", *files, "--outputs", *files, "--samples", *files, "--voxels", "none"]
        ))  # fmt: skip
    assert taken == ["parent", *files]


def test_batches_are_full_even_from_few_objects(voxels):
    found = compare._objects(voxels, 16, "cpu")
    assert found.shape == (16, 1, 16, 16, 16) and torch.equal(found[:6], found[10:])
    assert len(compare._objects(voxels, 4, "cpu")) == 8  # whole batches alone


@pytest.mark.parametrize("stage", ["measure", "measure_staircase", "leave_one_out"])
def test_a_change_of_a_plot_measures_nothing_anew(stage):
    """code_hash reruns a stage for every module it imports, and a staircase reruns pruning to a budget of latency."""
    found = provenance.imported_files(provenance.SCRIPTS / f"{stage}.py")
    assert stage in {path.stem for path in found} and not {path.parent.name for path in found} & {"report", "answer"}
