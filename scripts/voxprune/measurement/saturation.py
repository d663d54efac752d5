"""Running batch after batch without a pause: throughput, utilization, energy and memory."""

import collections
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import torch

from voxprune.measurement.conditions import Cell
from voxprune.measurement.cpu import CpuWindow
from voxprune.measurement.gpu import NO_GPU, GpuWindow, gpu_memory, legacy_gpu_utilization, merged_utilization
from voxprune.measurement.latency import CALLS_IN_FLIGHT, warm_up
from voxprune.measurement.reading import Reading
from voxprune.measurement.runner import synchronize
from voxprune.settings.measurement import Windows

LEGACY_READINGS = 15  # the original study's number of batches


@dataclass(frozen=True)
class Window:
    """What one window of saturated running gave. The batches lie ready on the device."""

    objects: int
    seconds: float
    joules: float | None  # of the cell's device: the GPU, or the whole processor
    cpu_utilization_percent: float
    gpu: GpuWindow
    memory: dict  # {figure: Reading}
    warmup: tuple[int, float]


def serve(
    runners: dict,
    inputs: dict[str, torch.Tensor],
    windows: Windows,
    meters: dict,
    idle: dict,
    report: Callable[[str], object],
) -> dict:
    """Figures of saturated running, {(name, cell): see `_figures`}, networks and cells in random order in each round of windows.

    meters, idle: of each device.
    """
    found: dict = {key: [] for key in runners}
    rng, keys, started = np.random.default_rng(1), list(runners), time.monotonic()
    total = windows.windows * len(keys)
    order = (keys[place] for _ in range(windows.windows) for place in rng.permutation(len(keys)))
    for number, key in enumerate(order, 1):
        cell = key[1]
        found[key].append(_run_window(runners[key], _batches(inputs, cell), cell, windows, meters[cell.device]))
        if number % 25 == 0 or number == total:
            left = (time.monotonic() - started) / number * (total - number)
            report(f"throughput: window {number} of {total}, ETA {left:.0f} s")
    return {(name, cell): _figures(own, cell, meters[cell.device], idle[cell.device]) for (name, cell), own in found.items()}


def _batches(inputs, cell):
    """All full batches that wait on the cell's device."""
    pool = inputs[cell.device]
    return pool[: len(pool) // cell.batch_size * cell.batch_size].split(cell.batch_size)


@torch.inference_mode()
def _run_window(runner, batches, cell, windows, meter):
    """One Window."""
    torch.set_num_threads(cell.threads)
    memory_before = gpu_memory(runner.device)
    run = runner.start()
    warmup = warm_up(run, batches[0], runner.device, windows)
    with GpuWindow(runner.device) as gpu:
        meter.begin()
        with CpuWindow() as cpu:
            calls = saturate(run, batches, runner.device, windows.window_seconds)
        joules = meter.end()
    memory = _gpu_memory(runner, batches[0], memory_before)
    return Window(cell.batch_size * calls, cpu.seconds, joules, cpu.utilization_percent, gpu, memory, warmup)


def _figures(found, cell, meter, idle):
    """Throughput, utilization, energy and memory over all windows of one network; `energies`: millijoules an inference of each."""
    objects, seconds = sum(one.objects for one in found), sum(one.seconds for one in found)
    each = [None if one.joules is None else 1000 * one.joules / one.objects for one in found]
    joules = None if None in each else sum(one.joules for one in found)
    net = None if joules is None or idle.value is None else joules - idle.value * seconds
    utilization = merged_utilization([one.gpu for one in found])
    mean = utilization.value and utilization.value["mean"]
    readings = {
        "gpu_utilization_percent": utilization,
        "gpu_utilization_per_inference_percent": _scaled(utilization, mean, 1 / cell.batch_size),
        "gpu_busy_ms_per_inference": _scaled(utilization, mean, 10 * seconds / objects),
        "sm_activity_percent": _together([one.gpu.sm_activity() for one in found], fmean),
        "energy_mj_per_inference": Reading(joules and 1000 * joules / objects, meter.reason),
        "net_energy_mj_per_inference": Reading(net and 1000 * net / objects, meter.reason or idle.reason),
        "idle_power_w": idle,
        **{name: _together([one.memory[name] for one in found], max) for name in found[0].memory},
    }
    return {
        "throughput_per_s": objects / seconds,
        "cpu_utilization_percent": sum(one.cpu_utilization_percent * one.seconds for one in found) / seconds,
        **{name: reading.value for name, reading in readings.items()},
        "reasons": {name: reading.reason for name, reading in readings.items() if reading.value is None},
        "energy_method": meter.method,
        "energies": [] if joules is None else each,
        "throttled": any(one.gpu.throttled() for one in found),
        "warmups": [one.warmup for one in found],
    }


def _together(readings, combine):
    """One Reading of several, or the first that has no value. combine: takes the list of values."""
    absent = next((one for one in readings if one.value is None), None)
    return absent or Reading(combine([one.value for one in readings]))


def saturate(run: Callable, batches: Sequence[torch.Tensor], device: torch.device, seconds: float) -> int:
    """How many calls run in so many seconds, at least one. A GPU always has the next ones waiting."""
    in_flight: collections.deque = collections.deque()
    calls, ends = 0, time.perf_counter() + seconds
    while not calls or time.perf_counter() < ends:
        run(batches[calls % len(batches)])
        calls += 1
        if device.type == "cuda":
            in_flight.append(torch.cuda.Event(blocking=True))
            in_flight[-1].record()
            if len(in_flight) > CALLS_IN_FLIGHT:
                in_flight.popleft().synchronize()
    synchronize(device)
    return calls


def _scaled(reading, value, factor):
    return reading if reading.value is None else Reading(value * factor)


def _gpu_memory(runner, batch, before):
    """Readings of the memory this network alone would take: what was added since `before`, its weights, and one batch.

    The weights of all other networks and a pool of batches wait on the GPU too.
    """
    if before is None:
        unknown = Reading(None, "GPU memory; see peak_resident_bytes for the CPU's")
        return {"peak_memory_bytes": unknown, "peak_reserved_bytes": unknown}
    own = runner.network_bytes + batch.nbytes
    allocated = torch.cuda.max_memory_allocated(runner.device) - before["allocated"] + own
    reserved = torch.cuda.max_memory_reserved(runner.device) - before["reserved"] + own
    # What fits between the others' memory reserves nothing, so the true figure lies above: at least what was allocated.
    return {
        "peak_memory_bytes": Reading(allocated),
        "peak_reserved_bytes": Reading(max(allocated, reserved)),
    }


def add_legacy_utilization(served: dict, runners: dict, inputs: dict[str, torch.Tensor], conditions: list[Cell]) -> None:
    """Adds the original study's reading to the figures: of each network once, in the first GPU cell of the largest batch.

    It starts nvidia-smi many times, so it comes after all windows.
    """
    largest = max(cell.batch_size for cell in conditions)
    chosen = next((cell for cell in conditions if (cell.device, cell.batch_size) == ("cuda", largest)), None)
    for (name, cell), figures in served.items():
        if cell == chosen:
            reading = _legacy_utilization(runners[name, cell], _batches(inputs, cell))
        else:
            reading = Reading(None, f"legacy: read in {chosen} alone" if chosen else NO_GPU)
        key = "legacy_gpu_utilization_per_inference_percent"
        figures[key] = _scaled(reading, reading.value, 1 / cell.batch_size).value
        if reading.value is None:
            figures["reasons"][key] = reading.reason


@torch.inference_mode()
def _legacy_utilization(runner, batches):
    """Reading in percent, the original study's way: nvidia-smi asked once after each synchronized batch."""
    run, found = runner.start(), []
    for number in range(LEGACY_READINGS):
        run(batches[number % len(batches)])
        synchronize(runner.device)
        try:
            found.append(legacy_gpu_utilization(runner.device))
        except (OSError, ValueError) as error:
            return Reading(None, f"nvidia-smi gives no utilization: {error}")
    return Reading(float(np.mean(found)))
