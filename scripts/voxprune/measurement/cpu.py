"""Processor time and resident memory, of this process and of others."""

import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_all_start_methods, get_context
from typing import Any

import psutil

from voxprune.measurement.reading import Reading


class CpuWindow:
    """Context manager: processor time of this process and of all others while it is open."""

    def __enter__(self):
        self._cores = available_cores()
        self._began = self._now()
        return self

    def __exit__(self, *_):
        self.seconds, own, busy = (after - before for before, after in zip(self._began, self._now()))
        self.utilization_percent = 100 * own / self.seconds / self._cores
        self.other_percent = max(0.0, 100 * (busy - own) / self.seconds / psutil.cpu_count())

    @staticmethod
    def _now():
        own, all_processes = time.process_time(), psutil.cpu_times()  # psutil's time of a process has steps of 10 ms
        busy = sum(getattr(all_processes, kind, 0.0) for kind in ("user", "nice", "system", "irq", "softirq"))
        return time.perf_counter(), own, busy


def available_cores() -> int:
    """How many cores this process may use."""
    return len(affinity() or range(psutil.cpu_count()))


def affinity() -> list[int] | None:
    """The cores this process may use, by number; None where the system doesn't say."""
    process = psutil.Process()
    return process.cpu_affinity() if hasattr(process, "cpu_affinity") else None


def peak_resident_bytes(work: Callable, *arguments: Any) -> Reading:
    """Reading: most memory that a forked process held which did nothing but `work(*arguments)`, libraries included.

    What this process holds already counts too, and what it has freed but kept from the system hides as much of the work:
    call it before loading anything, and before starting threads or CUDA.
    `work` is a function of a module.
    """
    if "fork" not in get_all_start_methods():
        return Reading(None, "this system can't fork a process to measure")
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        return Reading(pool.submit(_peak_after, work, arguments).result())


def _peak_after(work, arguments):
    work(*arguments)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
