"""Figures of a GPU over a window, from NVML and torch: utilization, activity, throttling, memory."""

import subprocess
import threading
import time
from typing import Any

import numpy as np
import torch

from voxprune.measurement.reading import Reading

SMALLEST_WINDOW_S = (
    0.25  # in shorter ones a busy H100 was read as 0 to 96 % busy, because the counters renew every 0.1 to 0.2 s
)
DRAIN_PERIOD_S = 0.25  # the driver keeps some seconds of samples; without its buffer NVML renews every 1/6 to 1 s
TOO_SHORT = f"GPU counters need windows of {SMALLEST_WINDOW_S} s; measure with `detail: full`, or raise `window_seconds`"
NO_GPU = "no GPU: this was measured on the CPU"
LEGACY_COMMAND = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]


def open_nvml(device: torch.device) -> Any:
    """NVML's handle of a CUDA device, whatever CUDA_VISIBLE_DEVICES calls it. Raises RuntimeError saying why it can't."""
    if device.type != "cuda":
        raise RuntimeError(NO_GPU)
    try:
        import pynvml

        pynvml.nvmlInit()
        return pynvml.nvmlDeviceGetHandleByUUID(_uuid(device))
    except Exception as error:  # NVML absent, too old, or forbidden: each library version raises its own kind
        raise RuntimeError(f"NVML can't be used: {error}") from error


def _uuid(device):
    """The name that NVML and nvidia-smi know a CUDA device by, whatever number it has in CUDA."""
    return f"GPU-{torch.cuda.get_device_properties(device).uuid}"


class GpuWindow:
    """Context manager: counts what NVML says of a GPU while it is open, in a thread of its own.

    Utilization is NVML's: percent of time in which any kernel ran, however small, over the last 1/6 to 1 s. It comes from
    the driver's own buffer of samples, or where there is none from polling. SM activity (percent of the multiprocessors
    that were busy) comes from GPM, on Hopper GPUs and later.
    """

    def __init__(self, device):
        self._opened, self.samples, self._stop, self._throttle, self._thread = 0.0, [], threading.Event(), 0, None
        self._utilization_reason = self._activity = None
        try:
            self._handle, self._reason = open_nvml(device), None
        except RuntimeError as error:
            self._handle, self._reason = None, str(error)

    def __enter__(self):
        if self._handle:
            self._last_seen = self._newest(0)
            self._before = self._gpm_sample()
            self._thread = threading.Thread(target=self._watch, daemon=True)
            self._thread.start()
        self._opened = time.monotonic()
        return self

    def __exit__(self, *_):
        seconds = time.monotonic() - self._opened
        if self._thread:
            self._stop.set()
            self._thread.join()
            self._activity = self._sm_activity()
            if seconds < SMALLEST_WINDOW_S:
                self.samples, self._utilization_reason = [], self._utilization_reason or TOO_SHORT
                self._activity = self._activity if self._activity.value is None else Reading(None, TOO_SHORT)

    @property
    def reason(self):
        """Why there is no sample, None where nothing stands against one."""
        return self._reason or self._utilization_reason

    def utilization(self):
        """Reading of {mean, sd, n}, percent."""
        return merged_utilization([self])

    def sm_activity(self):
        """Reading in percent."""
        return self._activity or Reading(None, self._reason)

    def throttled(self):
        """Whether the GPU slowed down for heat or for want of power while the window was open."""
        return bool(self._throttle)

    def _watch(self):
        import pynvml as nvml

        heat = nvml.nvmlClocksEventReasonHwThermalSlowdown | nvml.nvmlClocksEventReasonSwThermalSlowdown
        slow = heat | nvml.nvmlClocksEventReasonHwSlowdown | nvml.nvmlClocksEventReasonHwPowerBrakeSlowdown
        while True:
            last = self._stop.wait(DRAIN_PERIOD_S)
            try:
                self._drain(nvml)
            except nvml.NVMLError as error:
                self._utilization_reason = f"NVML gives no utilization: {error}"
            try:
                self._throttle |= nvml.nvmlDeviceGetCurrentClocksEventReasons(self._handle) & slow
            except nvml.NVMLError:
                pass  # not every GPU tells
            if last:
                return

    def _newest(self, since):
        """The time stamp of the driver's newest sample, so that the window begins after it; None without a buffer."""
        import pynvml as nvml

        try:
            _, samples = nvml.nvmlDeviceGetSamples(self._handle, nvml.NVML_GPU_UTILIZATION_SAMPLES, since)
            return max((sample.timeStamp for sample in samples), default=since)
        except nvml.NVMLError as error:
            return since if error.value == nvml.NVML_ERROR_NOT_FOUND else None

    def _drain(self, nvml):
        if self._last_seen is None:
            self.samples.append(nvml.nvmlDeviceGetUtilizationRates(self._handle).gpu)
            return
        try:
            _, samples = nvml.nvmlDeviceGetSamples(self._handle, nvml.NVML_GPU_UTILIZATION_SAMPLES, self._last_seen)
        except nvml.NVMLError as error:
            if error.value == nvml.NVML_ERROR_NOT_FOUND:  # nothing new yet
                return
            raise
        new = [sample for sample in samples if sample.timeStamp > self._last_seen]
        self.samples += [sample.sampleValue.uiVal for sample in new]
        self._last_seen = max((sample.timeStamp for sample in new), default=self._last_seen)

    def _gpm_sample(self):
        import pynvml as nvml

        try:
            if not nvml.nvmlGpmQueryDeviceSupport(self._handle).isSupportedDevice:
                self._activity = Reading(None, "this GPU has no GPM counters (Hopper and later have)")
                return None
            return nvml.nvmlGpmSampleGet(self._handle, nvml.nvmlGpmSampleAlloc())
        except Exception as error:  # NVMLError, or a driver without the function
            self._activity = Reading(None, f"NVML gives no GPM counters: {error}")
            return None

    def _sm_activity(self):
        import pynvml as nvml

        if self._before is None:
            return self._activity
        after = self._gpm_sample()
        if after is None:
            return self._activity
        query = nvml.c_nvmlGpmMetricsGet_t()
        query.version, query.numMetrics = nvml.NVML_GPM_METRICS_GET_VERSION, 1
        query.sample1, query.sample2 = self._before, after
        query.metrics[0].metricId = nvml.NVML_GPM_METRIC_SM_UTIL
        try:
            metric = nvml.nvmlGpmMetricsGet(query).metrics[0]
            if metric.nvmlReturn != nvml.NVML_SUCCESS:  # each metric has a status of its own
                raise nvml.NVMLError(metric.nvmlReturn)
            if not np.isfinite(metric.value):
                return Reading(None, "GPM gave no number for this window")
            return Reading(float(metric.value))
        except nvml.NVMLError as error:
            return Reading(None, f"NVML gives no GPM counters: {error}")
        finally:
            for sample in (self._before, after):
                nvml.nvmlGpmSampleFree(sample)


def merged_utilization(windows: list[GpuWindow]) -> Reading:
    """Reading of {mean, sd, n}, percent, of the samples of several windows together."""
    samples = [sample for window in windows for sample in window.samples]
    if samples:
        return Reading({"mean": float(np.mean(samples)), "sd": float(np.std(samples)), "n": len(samples)})
    return Reading(None, windows[0].reason or "the window closed before NVML gave a sample")


def other_gpu_processes(device: torch.device) -> int:
    """How many processes besides this one compute on the GPU; 0 where NVML can't tell."""
    try:
        import pynvml

        return max(0, len(pynvml.nvmlDeviceGetComputeRunningProcesses(open_nvml(device))) - 1)
    except Exception:  # no GPU, no NVML, no permission
        return 0


def gpu_facts(device: torch.device) -> dict | None:
    """What a reader must know of the GPU: name, driver, clocks now and at most (MHz), power limit (W), persistence, ECC.

    None without a GPU; a fact that NVML doesn't tell is None.
    """
    try:
        handle = open_nvml(device)
    except RuntimeError:
        return None
    import pynvml as nvml

    def fact(read):
        try:
            return read()
        except Exception:  # not every GPU has every fact
            return None

    return {
        "name": fact(lambda: nvml.nvmlDeviceGetName(handle)),
        "uuid": fact(lambda: nvml.nvmlDeviceGetUUID(handle)),
        "driver": fact(nvml.nvmlSystemGetDriverVersion),
        "sm_clock_mhz": fact(lambda: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM)),
        "max_sm_clock_mhz": fact(lambda: nvml.nvmlDeviceGetMaxClockInfo(handle, nvml.NVML_CLOCK_SM)),
        "memory_clock_mhz": fact(lambda: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_MEM)),
        "power_limit_w": fact(lambda: nvml.nvmlDeviceGetPowerManagementLimit(handle) / 1000),
        "persistence_mode": fact(lambda: bool(nvml.nvmlDeviceGetPersistenceMode(handle))),
        "ecc": fact(lambda: bool(nvml.nvmlDeviceGetEccMode(handle)[0])),
        "temperature_c": fact(lambda: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU)),
    }


def legacy_gpu_utilization(device: torch.device) -> float:
    """One reading the original study's way: GPUtil starts nvidia-smi and reads its percentage. Raises OSError, ValueError."""
    command = [*LEGACY_COMMAND, f"--id={_uuid(device)}"]
    return float(subprocess.run(command, capture_output=True, text=True, check=False).stdout)


def gpu_memory(device: torch.device) -> dict[str, int] | None:
    """Bytes allocated and reserved by torch on a GPU, whose peaks count anew from here; None on a CPU.

    What earlier work left reserved and no tensor uses is given back first.
    """
    if device.type != "cuda":
        return None
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    return {"allocated": torch.cuda.memory_allocated(device), "reserved": torch.cuda.memory_reserved(device)}
