"""Latency: single calls, timed one by one, the networks interleaved in random order."""

import time
from collections.abc import Callable
from dataclasses import asdict

import numpy as np
import torch

from voxprune.measurement.conditions import Cell
from voxprune.measurement.noise import paired_ratio, percent_apart, verdict
from voxprune.measurement.runner import synchronize
from voxprune.settings.measurement import Windows

PARENT, AGAIN = "parent", "parent again"  # the A/A control
CALLS_BEYOND = 5  # that a percentile needs
CALLS_IN_FLIGHT = 16  # that wait on a GPU in a saturated window: waiting for each would leave it idle in between


def time_calls(
    runners: dict, inputs: dict[str, torch.Tensor], windows: Windows, report: Callable[[str], object]
) -> tuple[dict, list]:
    """({(name, cell): [array of milliseconds a repetition]}, [(calls, seconds) of each warm-up])."""
    found: dict = {key: [] for key in runners}
    rng, warmups = np.random.default_rng(0), []
    keys, started = list(runners), time.monotonic()
    for repetition in range(1, windows.repetitions + 1):
        for number in rng.permutation(len(keys)):
            cell = keys[number][1]
            calls, warmup = _calls(runners[keys[number]], inputs[cell.device][: cell.batch_size], cell, windows)
            found[keys[number]].append(calls)
            warmups.append(warmup)
        left = (time.monotonic() - started) / repetition * (windows.repetitions - repetition)
        report(f"latency: round {repetition} of {windows.repetitions}, ETA {left:.0f} s")
    return found, warmups


@torch.inference_mode()
def _calls(runner, batch, cell, windows):
    """(milliseconds of each call: between device events on a GPU, by the host's clock on a CPU; see `warm_up`)."""
    torch.set_num_threads(cell.threads)
    run, timed = runner.start(), _timed_on_gpu if runner.device.type == "cuda" else _timed
    warmup = warm_up(run, batch, runner.device, windows)
    found, ends = [], time.perf_counter() + windows.seconds
    while len(found) < windows.calls or time.perf_counter() < ends:
        found.append(timed(run, batch))
    return np.array(found, dtype=np.float32), warmup


def warm_up(run: Callable, batch: torch.Tensor, device: torch.device, windows: Windows) -> tuple[int, float]:
    """(calls, seconds) before anything counts: as many as the windows say, and on a GPU as long, until its clocks are up."""
    calls, started = 0, time.perf_counter()
    ends = started + (windows.warmup_seconds if device.type == "cuda" else 0)
    while calls < windows.warmup_calls or time.perf_counter() < ends:
        run(batch)
        calls += 1
        if calls % CALLS_IN_FLIGHT == 0:
            synchronize(device)
    synchronize(device)
    return calls, time.perf_counter() - started


def _timed(run, batch):
    started = time.perf_counter_ns()
    run(batch)
    return (time.perf_counter_ns() - started) / 1e6


def _timed_on_gpu(run, batch):
    began, ended = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    began.record()
    run(batch)
    ended.record()
    ended.synchronize()
    return began.elapsed_time(ended)


def latency_figures(latencies: dict, name: str, cell: Cell, least_percent: float) -> dict:
    """Latency in ms, and the speedup over the parent with its verdict.

    A median has the interval that the rounds give it; a percentile that fewer than CALLS_BEYOND calls lie beyond is None.
    """
    every = np.concatenate(latencies[name, cell])
    quartiles = np.percentile(every, [25, 75])
    parent, again, own = (round_medians(latencies, one, cell) for one in (PARENT, AGAIN, name))
    middle = paired_ratio(own, np.ones(len(own)))
    return {
        "latency_ms": {
            "p50": float(np.median(every)), "p50_low": middle.low, "p50_high": middle.high,
            "p90": _percentile(every, 90), "p99": _percentile(every, 99),
            "iqr": float(quartiles[1] - quartiles[0]), "n": len(every),
        },
        "speedup": against_parent(parent, again, own, least_percent),
    }  # fmt: skip


def _percentile(calls, percent):
    return float(np.percentile(calls, percent)) if len(calls) * (100 - percent) >= 100 * CALLS_BEYOND else None


def against_parent(parent: np.ndarray, again: np.ndarray, own: np.ndarray, least_percent: float, **words: str) -> dict:
    """How many times the parent's figure is a network's own, paired by round: Ratio, verdict, and what the verdict rests on.

    `control_percent`: how far the parent lies from itself. Where that is more than least_percent, it is the least that counts.
    words: as for `verdict`.
    """
    ratio, control = paired_ratio(np.sqrt(parent * again), own), percent_apart(paired_ratio(parent, again))
    least = max(least_percent, control)
    return {**asdict(ratio), "control_percent": control, "least_percent": least, "verdict": verdict(ratio, least, **words)}


def round_medians(latencies: dict, name: str, cell: Cell) -> np.ndarray:
    return np.array([np.median(calls) for calls in latencies[name, cell]])
