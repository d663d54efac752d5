"""Demand: windows as long as asked, honest nulls, and NVML read in a thread of its own."""

import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from voxprune import measurement, networks
from voxprune.dataset import Voxels
from voxprune.voxels import pack

WINDOWS = measurement.Windows(repetitions=2, seconds=0.02, calls=3, warmup_calls=1, test_pass_seconds=0.05)
GPU, CPU = torch.device("cuda"), torch.device("cpu")


class StandIn:
    """NVML as far as it is used: readings in sequence (the last one repeats), or an error."""

    class NVMLError(Exception):
        pass

    def __init__(self, readings):
        self.readings, self.reads = readings, 0

    def nvmlInit(self):
        pass

    def nvmlDeviceGetHandleByUUID(self, uuid):
        assert uuid == "GPU-1234"
        return "handle"

    def nvmlDeviceGetUtilizationRates(self, handle):
        assert handle == "handle"
        reading = self.readings[min(self.reads, len(self.readings) - 1)]
        self.reads += 1
        if isinstance(reading, Exception):
            raise reading
        return SimpleNamespace(gpu=reading)


@pytest.fixture
def nvml(monkeypatch):
    def install(readings):
        stand_in = StandIn(readings)
        monkeypatch.setitem(sys.modules, "pynvml", stand_in)
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: SimpleNamespace(uuid="1234"))
        return stand_in

    return install


def sampled(device, seconds=0.15):
    with measurement.UtilizationSampler(device) as sampler:
        time.sleep(seconds)
    return sampler.summary(), sampler.reason


def test_utilization_is_sampled_over_the_whole_window(nvml):
    stand_in = nvml([10, 20, 30])
    summary, reason = sampled(GPU)
    assert reason is None and summary["n"] == stand_in.reads >= 3
    expected = [10, 20] + [30] * (summary["n"] - 2)
    assert summary["mean"] == pytest.approx(np.mean(expected)) and summary["sd"] == pytest.approx(np.std(expected))


def test_no_gpu_is_null_with_the_reason():
    assert sampled(CPU) == (None, "no GPU: this was measured on the CPU")


def test_a_forbidden_counter_is_null_with_the_reason(nvml):
    nvml([50, StandIn.NVMLError("Insufficient Permissions")])
    assert sampled(GPU) == (None, "NVML gives no utilization: Insufficient Permissions")


def test_no_nvml_is_null_with_the_reason(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    summary, reason = sampled(GPU)
    assert summary is None and reason.startswith("NVML can't be used")


@pytest.fixture
def voxels():
    grids = np.random.default_rng(0).random((10, 8, 8, 8)) < 0.3
    return Voxels(torch.from_numpy(pack(grids)), torch.zeros(10, dtype=torch.int64), np.array(["x"] * 10), 8)


def test_every_model_and_batch_size_gets_its_figures(voxels):
    models = {name: networks.build("original", 8, ["a", "b"]).eval() for name in ("parent", "again")}
    found = measurement.measure(models, voxels, [1, 4], WINDOWS, report=lambda line: None)
    assert set(found) == {"parent", "again"}
    for figures in found.values():
        for size in ("1", "4"):
            latency = figures["latency_ms"][size]
            assert 0 < latency["p50"] <= latency["p90"] <= latency["p99"] and latency["n"] >= 2 * 3
        assert figures["throughput_per_s"] > 0 and figures["throughput_batch_size"] == 4
        assert figures["gpu_utilization_percent"] is None and "no GPU" in figures["gpu_utilization_percent_reason"]
        assert 0 <= figures["cpu_utilization_percent"] <= 110


def test_batches_are_full_even_from_few_objects(voxels):
    found = measurement._full_batches(voxels, 16, 2)
    assert [len(inputs) for inputs in found] == [16, 16]
    assert torch.equal(found[0][:6], found[0][10:])


def test_a_slower_model_is_slower(voxels):
    class Slow(torch.nn.Module):
        def forward(self, inputs):
            time.sleep(0.01)
            return inputs

    found = measurement.measure({"slow": Slow(), "fast": torch.nn.Identity()}, voxels, [2], WINDOWS, lambda line: None)
    assert 10 <= found["slow"]["latency_ms"]["2"]["p50"] < 40
    assert found["fast"]["latency_ms"]["2"]["p50"] < 5
    assert found["slow"]["throughput_per_s"] <= 200
