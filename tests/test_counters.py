"""Counters: what NVML, RAPL and the system say while a window is open, and honest nulls where they say nothing."""

import os
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pynvml
import pytest
import torch

from voxprune.measurement import gpu
from voxprune.measurement.cpu import CpuWindow, available_cores
from voxprune.measurement.energy import EnergyMeter
from voxprune.measurement.reading import Reading

GPU, CPU = torch.device("cuda"), torch.device("cpu")


class StandIn:
    """NVML as far as it is used: the real module's constants and structures, and functions that answer from a record.

    samples: [(time stamp, percent)] as the driver's buffer holds them, or None for a GPU without one. rates: readings in
    sequence, the last one repeats. An exception anywhere is raised where it would be read.
    """

    def __init__(self, samples=None, rates=(0,), reasons=0, activity=None, processes=1, status=0):
        self.status = status
        self.samples, self.rates, self.reasons, self.processes = samples, list(rates), reasons, processes
        self.activity, self.freed, self.asked = activity, 0, []

    def __getattr__(self, name):
        return getattr(pynvml, name)  # constants, structures, NVMLError

    def nvmlInit(self):
        pass

    def nvmlDeviceGetHandleByUUID(self, uuid):
        assert uuid == "GPU-1234"
        return "handle"

    def nvmlDeviceGetSamples(self, handle, kind, since):
        assert handle == "handle" and kind == pynvml.NVML_GPU_UTILIZATION_SAMPLES
        if self.samples is None:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
        self.asked.append(since)
        found = [(stamp, value) for stamp, value in self.samples if stamp > since]
        if not found:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)
        return 1, [SimpleNamespace(timeStamp=stamp, sampleValue=SimpleNamespace(uiVal=value)) for stamp, value in found]

    def nvmlDeviceGetUtilizationRates(self, handle):
        rate = self.rates.pop(0) if len(self.rates) > 1 else self.rates[0]
        if isinstance(rate, Exception):
            raise rate
        return SimpleNamespace(gpu=rate)

    def nvmlDeviceGetCurrentClocksEventReasons(self, handle):
        if isinstance(self.reasons, Exception):
            raise self.reasons
        return self.reasons

    def nvmlDeviceGetIndex(self, handle):
        assert handle == "handle"
        return 3

    def nvmlGpmQueryDeviceSupport(self, handle):
        return SimpleNamespace(isSupportedDevice=self.activity is not None)

    def nvmlGpmSampleAlloc(self):
        return pynvml.c_nvmlGpmSample_t()

    def nvmlGpmSampleGet(self, handle, sample):
        return sample

    def nvmlGpmMetricsGet(self, query):
        assert query.version == pynvml.NVML_GPM_METRICS_GET_VERSION and query.numMetrics == 1
        assert query.metrics[0].metricId == pynvml.NVML_GPM_METRIC_SM_UTIL
        query.metrics[0].value, query.metrics[0].nvmlReturn = self.activity, self.status
        return query

    def nvmlGpmSampleFree(self, sample):
        self.freed += 1

    def nvmlDeviceGetComputeRunningProcesses(self, handle):
        return [SimpleNamespace(pid=pid) for pid in range(self.processes)]

    def nvmlDeviceGetName(self, handle):
        return "Stand-in"

    def nvmlDeviceGetPowerManagementLimit(self, handle):
        return 70_000

    def nvmlDeviceGetEccMode(self, handle):
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)

    def __call__(self, *_):
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)


@pytest.fixture
def nvml(monkeypatch):
    def install(*arguments, **named):
        stand_in = StandIn(*arguments, **named)
        monkeypatch.setitem(sys.modules, "pynvml", stand_in)
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: SimpleNamespace(uuid="1234"))
        monkeypatch.setattr(gpu, "DRAIN_PERIOD_S", 0.02)
        monkeypatch.setattr(gpu, "SMALLEST_WINDOW_S", 0.05)
        return stand_in

    return install


def watched(device=GPU, seconds=0.1, during=lambda: None):
    with gpu.GpuWindow(device) as window:
        during()
        time.sleep(seconds)
    return window


def test_the_drivers_buffer_is_read_from_the_windows_beginning(nvml):
    """What lay in the buffer before counts nothing, what comes while the window is open counts once."""
    stand_in = nvml(samples=[(100, 99), (200, 99)])
    window = watched(during=lambda: stand_in.samples.extend([(300, 10), (400, 20), (500, 30)]))
    expected = {"mean": 20, "sd": pytest.approx(np.std([10, 20, 30])), "n": 3}
    assert window.utilization() == Reading(expected)
    assert stand_in.asked[0] == 0 and min(stand_in.asked[1:]) == 200


def test_without_a_buffer_nvml_is_polled(nvml):
    nvml(samples=None, rates=[10, 20, 30])
    found = watched().utilization().value
    assert found["n"] >= 3 and found["mean"] == pytest.approx(np.mean([10, 20] + [30] * (found["n"] - 2)))


def test_an_empty_buffer_is_a_reason(nvml):
    nvml(samples=[])
    assert watched().utilization() == Reading(None, "the window closed before NVML gave a sample")


def test_what_counters_say_of_too_short_a_window_is_no_figure(nvml):
    """On a busy H100 windows of 0.02 to 0.1 s read 0 to 90 %, of 0.25 s and longer 93 to 98 %."""
    nvml(samples=[(100, 99)], activity=0.0)
    window = watched(seconds=0.01)
    for reading in (window.utilization(), window.sm_activity()):
        assert reading.value is None and reading.reason.startswith("GPU counters need windows of 0.25 s")


def test_a_forbidden_counter_is_null_with_the_reason(nvml):
    nvml(samples=None, rates=[pynvml.NVMLError(pynvml.NVML_ERROR_NO_PERMISSION)])
    reading = watched().utilization()
    assert reading.value is None and reading.reason == "NVML gives no utilization: Insufficient Permissions"


def test_no_gpu_is_null_with_the_reason():
    window = watched(CPU, 0)
    for reading in (window.utilization(), window.sm_activity()):
        assert reading == Reading(None, "no GPU: this was measured on the CPU")
    assert not window.throttled()


def test_no_nvml_is_null_with_the_reason(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    reading = watched(GPU, 0).utilization()
    assert reading.value is None and reading.reason.startswith("NVML can't be used")
    assert gpu.gpu_facts(GPU) is None and gpu.other_gpu_processes(GPU) == 0


def test_sm_activity_comes_from_gpm_where_there_is_one(nvml):
    stand_in = nvml(activity=12.5)
    assert watched().sm_activity() == Reading(12.5) and stand_in.freed == 2
    nvml(activity=None)
    assert watched().sm_activity() == Reading(None, "this GPU has no GPM counters (Hopper and later have)")


def test_sm_activity_that_gpm_could_not_take_is_null_with_the_reason(nvml):
    """A call that succeeds, and a metric in it that did not."""
    nvml(activity=0.0, status=pynvml.NVML_ERROR_NOT_SUPPORTED)
    assert watched().sm_activity() == Reading(None, "NVML gives no GPM counters: Not Supported")
    nvml(activity=float("nan"))
    assert watched().sm_activity() == Reading(None, "GPM gave no number for this window")


@pytest.mark.parametrize("reasons, throttled", [
    (pynvml.nvmlClocksEventReasonNone, False), (pynvml.nvmlClocksEventReasonGpuIdle, False),
    (pynvml.nvmlClocksEventReasonHwThermalSlowdown, True), (pynvml.nvmlClocksEventReasonSwThermalSlowdown, True),
    (pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED), False),
])  # fmt: skip
def test_slowing_down_for_heat_is_noticed(nvml, reasons, throttled):
    nvml(reasons=reasons)
    assert watched().throttled() is throttled


def test_other_processes_on_the_gpu_are_counted(nvml):
    nvml(processes=3)
    assert gpu.other_gpu_processes(GPU) == 2
    nvml(processes=0)  # in a container that sees no processes, not even this one
    assert gpu.other_gpu_processes(GPU) == 0


def test_what_the_gpu_does_not_tell_is_none(nvml):
    nvml()
    facts = gpu.gpu_facts(GPU)
    assert facts["name"] == "Stand-in" and facts["power_limit_w"] == 70 and facts["ecc"] is None


class Zeus:
    """zeus.monitor.ZeusMonitor, answering from a record of Measurements; an error in it is raised."""

    def __init__(self, records, power_monitor=None):
        self.records, self.power_monitor = list(records), power_monitor

    def __call__(self, gpu_indices, cpu_indices):
        self.gpu_indices, self.cpu_indices = gpu_indices, cpu_indices
        self.visible = os.environ["CUDA_VISIBLE_DEVICES"]
        return self

    def begin_window(self, name, sync_execution):
        if self.records[0] == "forbidden at the beginning":
            raise PermissionError(13, "Permission denied")

    def end_window(self, name, sync_execution):
        found = self.records.pop(0)
        if isinstance(found, Exception):
            raise found
        return found


@pytest.fixture
def zeus(monkeypatch):
    def install(*records, **named):
        monitor = Zeus(records, **named)
        monkeypatch.setitem(sys.modules, "zeus.monitor", SimpleNamespace(ZeusMonitor=monitor))
        return monitor

    return install


def record(gpu=None, cpu=None, dram=None, soc=None):
    return SimpleNamespace(gpu_energy=gpu or {}, cpu_energy=cpu, dram_energy=dram, soc_energy=soc)


def counted(device):
    meter = EnergyMeter(device, 10)
    meter.begin()
    return meter.end(), meter


@pytest.mark.parametrize("device, found, joules", [
    (GPU, record(gpu={0: 7.0}, cpu={0: 100.0}), 7.0),
    (CPU, record(cpu={0: 5.0, 1: 6.0}, dram={0: 1.0}), 12.0),
    (CPU, record(cpu={0: 5.0}), 5.0),
    (CPU, record(soc=SimpleNamespace(total_energy_mj=2500.0, gpu_energy_mj=900.0)), 2.5),
    (GPU, record(soc=SimpleNamespace(total_energy_mj=2500.0, gpu_energy_mj=900.0)), 2.5),
])  # fmt: skip
def test_energy_is_the_gpus_or_the_processors_or_the_boards(nvml, zeus, device, found, joules):
    nvml()
    zeus(found)
    energy, meter = counted(device)
    assert energy == joules and meter.reason is None and meter.method == "counter"


@pytest.mark.parametrize("device, counter", [(GPU, "NVML"), (CPU, "RAPL")])
def test_energy_that_nothing_counts_is_null_with_the_reason(nvml, zeus, device, counter):
    """The processor's joules are not the GPU's."""
    nvml()
    zeus(record(cpu={0: 5.0}) if device is GPU else record())
    energy, meter = counted(device)
    assert energy is None and meter.method is None
    assert meter.reason == f"no energy counter: neither {counter} nor a board's rails can be read here"


@pytest.mark.parametrize("forbidden", ["forbidden at the beginning", RuntimeError("No permission")])
def test_a_counter_forbidden_while_the_window_is_open_is_null_with_the_reason(zeus, forbidden):
    zeus(forbidden, record(cpu={0: 5.0}))
    energy, meter = counted(CPU)
    assert energy is None and "ermission" in meter.reason
    meter.begin()  # and later windows stay without energy
    assert meter.end() is None


def test_energy_of_old_gpus_is_polled(nvml, zeus):
    nvml()
    zeus(record(gpu={0: 7.0}), power_monitor="a process")
    assert counted(GPU)[1].method == "polled"


@pytest.mark.parametrize("visible", ["GPU-1234,GPU-5678", "1,0"])
def test_energy_is_of_the_gpu_that_torch_uses(nvml, zeus, monkeypatch, visible):
    """zeus takes numbers alone, in NVML's order; CUDA numbers GPUs from the fastest on."""
    nvml()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    monitor = zeus(record(gpu={0: 7.0}))
    counted(GPU)
    assert (monitor.visible, monitor.gpu_indices, monitor.cpu_indices) == ("3", [0], [])
    counted_on_cpu = zeus(record(cpu={0: 5.0}))
    counted(CPU)
    assert (counted_on_cpu.visible, counted_on_cpu.gpu_indices, counted_on_cpu.cpu_indices) == ("", [], None)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == visible


def test_short_windows_have_no_energy():
    assert "windows of 10 s" in EnergyMeter(CPU, 9.9).reason


def test_without_zeus_energy_is_null_with_the_reason(monkeypatch):
    monkeypatch.setitem(sys.modules, "zeus.monitor", None)
    assert EnergyMeter(CPU, 10).reason.startswith("no energy counter:")


def test_processor_time_is_split_between_this_process_and_others():
    with CpuWindow() as window:
        began = time.process_time()
        while time.process_time() < began + 0.3:
            pass
    busy = 100 * 0.3 / window.seconds / available_cores()
    assert busy - 10 <= window.utilization_percent <= busy + 20  # the clock of CPU time ticks in hundredths of a second
    assert 0 <= window.other_percent <= 100


def test_peak_memory_is_that_of_the_work_alone():
    """In a process of its own: memory that this one has freed and kept would be taken again without being seen."""
    program = """
import numpy
from voxprune.measurement.cpu import peak_resident_bytes

def allocate(megabytes):
    numpy.ones(megabytes * 2**20, dtype=numpy.uint8)

allocate(401)  # what this process held before is no part of it
print(*(peak_resident_bytes(allocate, megabytes).value for megabytes in (1, 201, 1)))
"""
    answer = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    small, large, again = map(int, answer.split())
    assert 190 * 2**20 < large - small < 230 * 2**20
    assert abs(again - small) < 20 * 2**20


def test_the_studys_reading_is_nvidia_smis(nvml, monkeypatch, tmp_path):
    """Of the GPU that is measured, not of the first in this machine."""
    nvml()
    command = tmp_path / "nvidia-smi"
    command.write_text('#!/bin/sh\n[ "$1" = --query-gpu=utilization.gpu ] && [ "$3" = --id=GPU-1234 ] && echo 53\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert gpu.legacy_gpu_utilization(GPU) == 53
