"""What networks demand while they run: latency, throughput, utilization, energy and memory, side by side.

All networks of one comparison are measured in one process, interleaved in random order over several repetitions, and the
parent twice: by how much it differs from itself says what the run can be trusted with.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from voxprune.core.errors import InputError
from voxprune.measurement import cpu, energy, gpu, reading
from voxprune.measurement.conditions import Cell
from voxprune.measurement.latency import AGAIN, PARENT, against_parent, latency_figures, round_medians, time_calls
from voxprune.measurement.runner import Runner, Unavailable, prepare
from voxprune.measurement.saturation import add_legacy_utilization, serve
from voxprune.settings.measurement import Windows
from voxprune.voxels.dataset import Voxels, unpack

LARGEST_LOGIT_DIFFERENCE = 1e-3  # between engines, relative to the largest logit; more is an error of the engine
LARGEST_CONTROL_PERCENT = 20  # between the parent's latency and its own
LARGEST_OTHER_LOAD_PERCENT = 10  # of all cores, by other processes
INPUT_BYTES = 2**28  # of unpacked test voxels that wait on the device, or one batch where that is more


@dataclass(frozen=True)
class Measured:
    """The outcome of one comparison."""

    figures: dict  # {network: [figures of each cell, see `_figures`]}
    latencies: dict  # {(network, cell): [milliseconds of every call, an array a repetition]}
    invalid_reasons: list  # why the run should not be believed; empty for a good run
    drift_percent: float  # by how much the parent's latency changed from the first round to the last, median of the cells
    idle_power_w: reading.Reading  # of the first cell's device
    warmup: dict  # how many times, and the least calls and seconds of one


def measure(
    models: dict[Any, nn.Module],
    voxels: Voxels,
    conditions: list[Cell],
    windows: Windows,
    device: torch.device,
    least_percent: float = 1.0,
    report: Callable[[str], object] = print,
) -> Measured:
    """Measures networks under every condition; returns `Measured`.

    models: {name: network in eval mode, on the CPU}, among them PARENT and AGAIN. voxels: the test split.
    least_percent: the least difference that counts.
    From here on this process computes in float32 throughout: TF32, which GPUs since Ampere take for convolutions, is off.
    Raises InputError where an engine's logits differ from torch's by more than LARGEST_LOGIT_DIFFERENCE.
    """
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    inputs = {place: _objects(voxels, max(cell.batch_size for cell in conditions), place) for place in {"cpu", device.type}}
    prepared, differences = _prepare(models, inputs, conditions, report)
    runners = {key: runner for key, runner in prepared.items() if isinstance(runner, Runner)}
    others_before = gpu.other_gpu_processes(device)
    with cpu.CpuWindow() as load:
        latencies, warmups = time_calls(runners, inputs, windows, report)
    places = dict.fromkeys(cell.device for cell in conditions)
    meters = {place: energy.EnergyMeter(torch.device(place), windows.window_seconds) for place in places}
    idle = {place: _idle_power(meter, windows) for place, meter in meters.items()}
    served: dict = {key: {} for key in runners}
    loads = [load]
    if windows.windows:
        with cpu.CpuWindow() as load:
            served = serve(runners, inputs, windows, meters, idle, report)
        loads.append(load)
        add_legacy_utilization(served, runners, inputs, conditions)
    warmups += [warmup for one in served.values() if one for warmup in one.pop("warmups")]
    others = max(others_before, gpu.other_gpu_processes(device))
    figures = _figures(models, conditions, prepared, differences, latencies, served, least_percent)
    load = max(load.other_percent for load in loads)
    invalid = _invalid_reasons(latencies, conditions, load, others, [one.get("throttled") for one in served.values()])
    calls, seconds = (min((one[number] for one in warmups), default=0) for number in (0, 1))
    warmup = {"times": len(warmups), "least_calls": calls, "least_seconds": seconds}
    return Measured(figures, latencies, invalid, _drift_percent(latencies, conditions), idle[conditions[0].device], warmup)


def _figures(models, conditions, prepared, differences, latencies, served, least_percent):
    """{network: [figures of each cell]}; of a cell that can't run the network, why."""
    energies = {key: one.pop("energies") for key, one in served.items() if one}

    def figures(name, cell):
        if (name, cell) not in served:
            return {**asdict(cell), "unavailable": str(prepared[name, cell])}
        return {
            **asdict(cell), "unavailable": None, "memory_format": prepared[name, cell].memory_format,
            "logit_difference": differences[name, cell], **latency_figures(latencies, name, cell, least_percent),
            **served[name, cell], **_energy_ratio(energies, served, name, cell, least_percent),
        }  # fmt: skip

    return {name: [figures(name, cell) for cell in conditions] for name in models}


def _objects(voxels, batch_size, place):
    """Test objects as float32 voxels on a device: whole batches, up to INPUT_BYTES; few objects are used repeatedly."""
    count = max(1, min(len(voxels), INPUT_BYTES // (4 * voxels.resolution**3)) // batch_size) * batch_size
    return unpack(voxels.packed[torch.arange(count) % len(voxels)], voxels.resolution).to(place)


def _prepare(models, inputs, conditions, report):
    """({(name, cell): Runner or Unavailable}, {(name, cell): largest logit difference to torch, relative})."""
    prepared, differences = {}, {}
    for name, network in models.items():
        expected = {}
        for cell in conditions:
            batch = inputs[cell.device][: cell.batch_size]
            try:
                runner = prepare(cell.engine, network, batch, cell.threads)
            except Unavailable as error:
                prepared[name, cell] = error
                continue
            with torch.inference_mode():
                found = torch.as_tensor(runner.start()(batch)).cpu()
                if cell.batch_size not in expected:
                    expected[cell.batch_size] = network(inputs["cpu"][: cell.batch_size])
            difference = _relative_difference(found, expected[cell.batch_size])
            if not difference <= LARGEST_LOGIT_DIFFERENCE:
                raise InputError(
                    f"{name}: {cell} answers differently from torch on the CPU, by {difference:.2g} of the largest logit "
                    f"(allowed: {LARGEST_LOGIT_DIFFERENCE:g}); leave {cell.engine} out of `measurement: engines` or update it"
                )
            prepared[name, cell], differences[name, cell] = runner, difference
    report(f"prepared {len(models)} networks in {len(conditions)} cells")
    return prepared, differences


def _relative_difference(found, expected):
    largest = float(expected.abs().max())
    return float((found - expected).abs().max()) / (largest or 1.0)


def _energy_ratio(energies, served, name, cell, least_percent):
    """The network's energy an inference as a share of its parent's, paired by window; with the reason where it wasn't measured."""
    parent, again, own = (np.array(energies.get((one, cell), []), float) for one in (PARENT, AGAIN, name))
    if len(own) == len(parent) == len(again) > 1:
        return {"energy_ratio": against_parent(1 / parent, 1 / again, 1 / own, least_percent, above="more", below="less")}
    reasons = served[name, cell].get("reasons", {})
    reason = reasons.get("energy_mj_per_inference", "a single window has no interval; measure with `detail: full`")
    return {"energy_ratio": None, "reasons": reasons | {"energy_ratio": reason}}


def _idle_power(meter, windows):
    """Reading in watts, of a window in which nothing runs."""
    if meter.reason:
        return reading.Reading(None, meter.reason)
    meter.begin()
    started = time.perf_counter()
    time.sleep(windows.window_seconds)
    joules, seconds = meter.end(), time.perf_counter() - started
    return reading.Reading(None, meter.reason) if joules is None else reading.Reading(joules / seconds)


def _invalid_reasons(latencies, conditions, load, other_processes, throttled):
    """Why the run should not be believed, as sentences. load: percent of all cores that others kept busy.

    The control is judged in each cell, by the median of the rounds: one disturbed round of five says nothing of an engine.
    """
    found = []
    for cell in conditions:
        if (PARENT, cell) in latencies:
            parent, again = (round_medians(latencies, name, cell) for name in (PARENT, AGAIN))
            control = _percent(np.median(np.log(parent / again)))
            if control > LARGEST_CONTROL_PERCENT:
                found.append(f"the parent differs from itself by {control:.0f} % in {cell}")
    if load > LARGEST_OTHER_LOAD_PERCENT:
        found.append(f"other processes kept {load:.0f} % of the cores busy")
    if other_processes:
        found.append(f"{other_processes} other process(es) computed on the GPU")
    if any(throttled):
        found.append("the GPU throttled itself")
    return found


def _drift_percent(latencies, conditions):
    """By how much the machine's speed changed from the first round to the last: the parent's latency, median of the cells."""
    drifts = [0.0]
    for cell in conditions:
        if (PARENT, cell) in latencies:
            both = np.prod([round_medians(latencies, name, cell) for name in (PARENT, AGAIN)], axis=0)
            drifts.append(0.5 * float(np.log(both[-1] / both[0])))
    return _percent(np.median(drifts[1:] or drifts))


def _percent(logarithm):
    return 100 * np.expm1(abs(logarithm))
