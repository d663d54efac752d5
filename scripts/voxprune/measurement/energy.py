"""Joules of a device, by zeus's counters."""

import os
from unittest import mock

from voxprune.measurement.gpu import open_nvml

SMALLEST_ENERGY_WINDOW_S = 10  # energy counters renew every 20 to 100 ms, and some are fed from samples (arXiv 2312.02741)


class EnergyMeter:
    """Joules of a device by zeus's counters: of a GPU (NVML); of the CPU and its memory (RAPL); of a Jetson's rails.

    method: `counter`, or `polled` where zeus integrates power that it polls (GPUs before Volta); None without a counter.
    reason: why there is none.
    """

    def __init__(self, device, window_seconds):
        self._device, self._monitor, self.method, self.reason = device, None, None, None
        if window_seconds < SMALLEST_ENERGY_WINDOW_S:
            self._give_up(f"energy needs windows of {SMALLEST_ENERGY_WINDOW_S} s; measure with `detail: full`")
            return
        try:
            self._monitor = _zeus_monitor(device)
            self.method = "polled" if getattr(self._monitor, "power_monitor", None) else "counter"
        except Exception as error:  # zeus absent, counters forbidden: each its own kind
            self._give_up(f"no energy counter: {error}")

    def begin(self):
        if self._monitor:
            try:
                self._monitor.begin_window("voxprune", sync_execution=False)
            except Exception as error:  # some counters are forbidden only when they are read
                self._give_up(f"no energy counter: {error}")

    def end(self):
        """Joules since `begin`, None (and `reason`) where nothing here counts those of the device."""
        if not self._monitor:
            return None
        try:
            found = self._monitor.end_window("voxprune", sync_execution=False)
        except Exception as error:
            return self._give_up(f"no energy counter: {error}")
        board = getattr(found.soc_energy, "total_energy_mj", None)
        if found.gpu_energy:
            return sum(found.gpu_energy.values())
        if board:
            return board / 1000
        if found.cpu_energy and self._device.type == "cpu":
            return sum(found.cpu_energy.values()) + sum((found.dram_energy or {}).values())
        counter = "RAPL" if self._device.type == "cpu" else "NVML"
        return self._give_up(f"no energy counter: neither {counter} nor a board's rails can be read here")

    def _give_up(self, reason):
        self._monitor, self.method, self.reason = None, None, reason


def _zeus_monitor(device):
    """zeus's monitor of one device.

    zeus counts the GPUs of CUDA_VISIBLE_DEVICES, by NVML's numbers, where CUDA may number them otherwise or by UUID. So that
    it surely counts this GPU, or none, the variable holds NVML's number of it while zeus looks.
    """
    from zeus.monitor import ZeusMonitor

    try:
        import pynvml

        number = str(pynvml.nvmlDeviceGetIndex(open_nvml(device)))
    except Exception:  # a CPU; a Jetson, which has a GPU, and rails, but no NVML
        number = ""
    with mock.patch.dict(os.environ, CUDA_VISIBLE_DEVICES=number):
        return ZeusMonitor(gpu_indices=[0] if number else [], cpu_indices=None if device.type == "cpu" else [])
