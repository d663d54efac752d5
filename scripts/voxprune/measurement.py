"""What a network demands while it runs: latency, throughput, utilization, memory.

A measurement is a window with a beginning and an end. What this machine can't measure is None with the reason beside
it under `<name>_reason`: never 0, never a guess.
"""

import threading
import time
from dataclasses import dataclass

import numpy as np
import psutil
import torch

from voxprune.dataset import batches

SAMPLING_PERIOD_S = 0.02  # NVML renews its figure every 1/6 to 1 s; reading more often costs little and misses nothing


TEST_PASS_BYTES = 2**30  # of unpacked voxels held ready on the device; a larger test split is cut to this


@dataclass(frozen=True)
class Windows:
    """How long the figures are measured; the keys of `measurement` in the config."""

    repetitions: int  # latency: rounds over all models, each in a new random order
    seconds: float  # latency: at least this long a round
    calls: int  # latency: and at least this many calls a round
    warmup_calls: int  # latency: before each round, not counted
    test_pass_seconds: float  # throughput and utilization: whole test passes for at least this long


class UtilizationSampler:
    """Samples NVML's GPU utilization (percent of time with any kernel running) in a thread while a window is open.

    Use as a context manager; afterwards `summary()` gives {mean, sd, n} or None, and `reason` says why None.
    """

    def __init__(self, device):
        self._samples, self._stop, self.reason = [], threading.Event(), None
        self._handle = self._open(device)

    def _open(self, device):
        if device.type != "cuda":
            self.reason = "no GPU: this was measured on the CPU"
            return None
        try:
            import pynvml

            pynvml.nvmlInit()
            return pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{torch.cuda.get_device_properties(device).uuid}")
        except Exception as error:  # NVML absent, too old, or forbidden: each library version raises its own kind
            self.reason = f"NVML can't be used: {error}"
            return None

    def _sample(self):
        import pynvml

        while not self._stop.is_set():
            try:
                self._samples.append(pynvml.nvmlDeviceGetUtilizationRates(self._handle).gpu)
            except pynvml.NVMLError as error:
                self.reason = f"NVML gives no utilization: {error}"
                return
            self._stop.wait(SAMPLING_PERIOD_S)

    def __enter__(self):
        self._thread = threading.Thread(target=self._sample, daemon=True) if self._handle else None
        if self._thread:
            self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        if self._thread:
            self._thread.join()

    def summary(self):
        if self.reason is None and not self._samples:
            self.reason = "the window closed before NVML gave a sample"
        if self.reason:
            return None
        return {"mean": float(np.mean(self._samples)), "sd": float(np.std(self._samples)), "n": len(self._samples)}


def measure(models, voxels, batch_sizes, windows, report=print):
    """Measures several models side by side, in one process and in an order drawn anew each round.

    models: {name: network}, on their device and in eval mode. voxels: the test split, on that device.
    Returns {name: figures}, see `_figures`.
    """
    rng, largest = np.random.default_rng(0), max(batch_sizes)
    inputs = {size: _full_batches(voxels, size, 1)[0] for size in batch_sizes}
    latencies = {name: {size: [] for size in batch_sizes} for name in models}
    for repetition in range(windows.repetitions):
        for name in rng.permutation(list(models)):
            for size in batch_sizes:
                latencies[name][size] += _latencies(models[name], inputs[size], windows)
        report(f"latency: round {repetition + 1} of {windows.repetitions}")
    limit = max(1, TEST_PASS_BYTES // inputs[largest].nbytes)
    loaded = _full_batches(voxels, largest, min(limit, max(1, len(voxels) // largest)))
    passes = {name: _test_pass(models[name], loaded, windows) for name in rng.permutation(list(models))}
    report(f"test pass: {len(loaded)} batches of {largest}")
    return {name: _figures(latencies[name], passes[name]) for name in models}


def _full_batches(voxels, size, count):
    """The first `count` batches of exactly `size` objects; a split with fewer objects starts over."""
    order = torch.arange(size * count) % len(voxels)
    return [inputs for inputs, _ in batches(voxels, size, order)]


def _synchronize(tensor):
    if tensor.is_cuda:
        torch.cuda.synchronize(tensor.device)


@torch.inference_mode()
def _latencies(network, inputs, windows):
    """Milliseconds of each call, host clock, device synchronized before and after."""
    for _ in range(windows.warmup_calls):
        network(inputs)
    _synchronize(inputs)
    found, ends = [], time.perf_counter() + windows.seconds
    while len(found) < windows.calls or time.perf_counter() < ends:
        started = time.perf_counter_ns()
        network(inputs)
        _synchronize(inputs)
        found.append((time.perf_counter_ns() - started) / 1e6)
    return found


@torch.inference_mode()
def _test_pass(network, loaded, windows):
    """One window of whole passes over batches that lie ready on the device: throughput, utilization, memory."""
    device, on_gpu = loaded[0].device, loaded[0].is_cuda
    network(loaded[0])  # warm-up
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(device)
    process, objects = psutil.Process(), 0
    with UtilizationSampler(device) as sampler:
        busy, started = _cpu_seconds(process), time.perf_counter()
        while objects == 0 or time.perf_counter() < started + windows.test_pass_seconds:
            for inputs in loaded:
                network(inputs)
            _synchronize(loaded[0])
            objects += len(loaded) * len(loaded[0])
        seconds, busy = time.perf_counter() - started, _cpu_seconds(process) - busy
    utilization, batch_size = sampler.summary(), len(loaded[0])
    return {
        "throughput_per_s": objects / seconds,
        "throughput_batch_size": batch_size,
        "cpu_utilization_percent": 100 * busy / seconds / len(process.cpu_affinity()),
        "gpu_utilization_percent": utilization,
        "gpu_utilization_percent_reason": sampler.reason,
        "gpu_utilization_per_inference_percent": utilization and utilization["mean"] / batch_size,
        "gpu_utilization_per_inference_percent_reason": sampler.reason,
        "peak_memory_bytes": torch.cuda.max_memory_allocated(device) if on_gpu else None,
        "peak_memory_bytes_reason": None if on_gpu else "on the CPU one process holds all models being compared",
    }


def _cpu_seconds(process):
    times = process.cpu_times()
    return times.user + times.system


def _figures(latencies, test_pass):
    """The figures of one model.

    latency_ms {batch size: p50, p90, p99, n}. Over the test pass: throughput_per_s; cpu_utilization_percent of all cores
    this process may use; gpu_utilization_percent {mean, sd, n} of the NVML samples; the original study's
    gpu_utilization_per_inference_percent = mean / batch size; peak_memory_bytes that torch allocated on the GPU.
    """
    return {
        "latency_ms": {
            str(size): {**{f"p{q}": float(np.percentile(found, q)) for q in (50, 90, 99)}, "n": len(found)}
            for size, found in latencies.items()
        },
        **test_pass,
        "energy_mj_per_inference": None,
        "energy_mj_per_inference_reason": "this version measures no energy",
    }
