"""What networks demand while they run: latency, throughput, utilization, energy and memory, side by side.

All networks of one comparison are measured in one process, interleaved in random order over several repetitions, and the
parent twice: what two measurements of the same network differ by is the noise floor.
"""

import collections
import time
from dataclasses import asdict, dataclass, fields

import numpy as np
import torch

from voxprune import counters, engines
from voxprune.dataset import unpack
from voxprune.files import InputError
from voxprune.statistics import noise_percent, paired_ratio, verdict

PARENT, AGAIN = "parent", "parent again"  # the A/A control
LARGEST_LOGIT_DIFFERENCE = 1e-3  # between engines, relative to the largest logit; more is an error of the engine
LARGEST_DRIFT_PERCENT = 20  # of the parent's latency between the two of the control, or from the first round to the last
LARGEST_OTHER_LOAD_PERCENT = 10  # of all cores, by other processes
CALLS_IN_FLIGHT = 16  # that wait on a GPU in a saturated window: waiting for each would leave it idle in between
LEGACY_READINGS = 15  # the original study's number of batches
INPUT_BYTES = 2**28  # of unpacked test voxels that wait on the device, or one batch where that is more


@dataclass(frozen=True)
class Windows:
    """How long is measured; the keys of `measurement: brief` and `full` in the config."""

    repetitions: int  # latency: rounds over all networks and cells, each in a new random order
    seconds: float  # latency: at least this long a cell and round
    calls: int  # latency: and at least this many calls
    warmup_calls: int  # before each round and window, not counted
    windows: int  # of throughput, utilization and energy, each cell; 0 measures latency alone
    window_seconds: float  # at least
    warmup_seconds: float = 0.0  # on a GPU: warm-up lasts at least this long


@dataclass(frozen=True)
class Cell:
    """The conditions of one figure."""

    engine: str
    device: str
    threads: int  # of the CPU
    batch_size: int

    def __str__(self):
        return f"{self.engine}/{self.device}/threads{self.threads}/batch{self.batch_size}"


@dataclass(frozen=True)
class Measured:
    """The outcome of one comparison."""

    figures: dict  # {network: [figures of each cell, see `_figures`]}
    latencies: dict  # {(network, cell): [milliseconds of every call, an array a repetition]}
    invalid_reasons: list  # why the run should not be believed; empty for a good run
    idle_power_w: counters.Reading  # of the first cell's device
    warmup: dict  # how many times, and the least calls and seconds of one


def add_options(parser):
    """The options that say what is measured and for how long; the keys of `measurement` in the config."""
    parser.add_argument("--engines", nargs="+", choices=engines.ENGINES, default=["torch"], help="default torch")
    parser.add_argument("--threads", nargs="+", default=["1"], help="numbers of CPU threads, or all (default 1)")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[1, 64])
    parser.add_argument("--detail", default="full", help="name of the windows below, written into the outputs")
    parser.add_argument("--repetitions", type=int, default=5, help="latency rounds over everything (default 5)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of latency a network, cell and round (default 2)")
    parser.add_argument("--calls", type=int, default=200, help="at least, a network, cell and round (default 200)")
    parser.add_argument("--warmup-calls", type=int, default=50, help="before each round and window, not counted")
    parser.add_argument("--warmup-seconds", type=float, default=0.0, help="on a GPU at least this long (default 0)")
    parser.add_argument("--windows", type=int, default=5, help="of throughput and energy a network and cell (default 5)")
    parser.add_argument("--window-seconds", type=float, default=10.0, help="each, at least (default 10)")


def windows_of(options):
    """The windows that the options of `add_options` say."""
    return Windows(**{field.name: getattr(options, field.name) for field in fields(Windows)})


def cells(engine_names, threads, batch_sizes, device):
    """Every combination of conditions. threads: numbers, or 'all' for the cores this process may use."""
    counts = dict.fromkeys(counters.available_cores() if count == "all" else int(count) for count in threads)
    return [
        Cell(name, device.type if name in engines.ON_GPU else "cpu", count, size)
        for name in engine_names
        for count in counts
        for size in batch_sizes
    ]


def measure(models, voxels, conditions, windows, device, report=print):
    """Measures networks under every condition; returns `Measured`.

    models: {name: network in eval mode, on the CPU}, among them PARENT and AGAIN. voxels: the test split.
    From here on this process computes in float32 throughout: TF32, which GPUs since Ampere take for convolutions, is off.
    Raises InputError where an engine's logits differ from torch's by more than LARGEST_LOGIT_DIFFERENCE.
    """
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    inputs = {place: _objects(voxels, max(cell.batch_size for cell in conditions), place) for place in {"cpu", device.type}}
    prepared, differences = _prepare(models, inputs, conditions, report)
    runners = {key: runner for key, runner in prepared.items() if isinstance(runner, engines.Runner)}
    others_before = counters.other_gpu_processes(device)
    with counters.CpuWindow() as load:
        latencies, warmups = _latencies(runners, inputs, windows, report)
    places = dict.fromkeys(cell.device for cell in conditions)
    meters = {place: counters.EnergyMeter(torch.device(place), windows.window_seconds) for place in places}
    idle = {place: _idle_power(meter, windows) for place, meter in meters.items()}
    served, loads = {key: {} for key in runners}, [load]
    if windows.windows:
        with counters.CpuWindow() as load:
            served = _serve(runners, inputs, windows, meters, idle, report)
        loads.append(load)
        _add_legacy_utilization(served, runners, inputs, conditions)
    warmups += [one.pop("warmup") for one in served.values() if one]
    others = max(others_before, counters.other_gpu_processes(device))
    figures = {
        name: [
            {**asdict(cell), "unavailable": str(prepared[name, cell])}
            if (name, cell) not in runners
            else {
                **asdict(cell), "unavailable": None, "memory_format": runners[name, cell].memory_format,
                "logit_difference": differences[name, cell], **_latency_figures(latencies, name, cell), **served[name, cell],
            }
            for cell in conditions
        ]
        for name in models
    }  # fmt: skip
    load = max(load.other_percent for load in loads)
    invalid = _invalid_reasons(latencies, conditions, load, others, [one.get("throttled") for one in served.values()])
    calls, seconds = (min((one[number] for one in warmups), default=0) for number in (0, 1))
    warmup = {"times": len(warmups), "least_calls": calls, "least_seconds": seconds}
    return Measured(figures, latencies, invalid, idle[conditions[0].device], warmup)


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
                runner = engines.ENGINES[cell.engine](network, batch, cell.threads)
            except engines.Unavailable as error:
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


def _latencies(runners, inputs, windows, report):
    """({(name, cell): [array of milliseconds a repetition]}, [(calls, seconds) of each warm-up])."""
    rng, found, warmups = np.random.default_rng(0), {key: [] for key in runners}, []
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
    """(milliseconds of each call: between device events on a GPU, by the host's clock on a CPU; see `_warm_up`)."""
    torch.set_num_threads(cell.threads)
    run, timed = runner.start(), _timed_on_gpu if runner.device.type == "cuda" else _timed
    warmup = _warm_up(run, batch, runner.device, windows)
    found, ends = [], time.perf_counter() + windows.seconds
    while len(found) < windows.calls or time.perf_counter() < ends:
        found.append(timed(run, batch))
    return np.array(found, dtype=np.float32), warmup


def _warm_up(run, batch, device, windows):
    """(calls, seconds) before anything counts: as many as the windows say, and on a GPU as long, until its clocks are up."""
    calls, started = 0, time.perf_counter()
    ends = started + (windows.warmup_seconds if device.type == "cuda" else 0)
    while calls < windows.warmup_calls or time.perf_counter() < ends:
        run(batch)
        calls += 1
        if calls % CALLS_IN_FLIGHT == 0:
            engines.synchronize(device)
    engines.synchronize(device)
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


def _idle_power(meter, windows):
    """Reading in watts, of a window in which nothing runs."""
    if meter.reason:
        return counters.Reading(None, meter.reason)
    meter.begin()
    started = time.perf_counter()
    time.sleep(windows.window_seconds)
    joules, seconds = meter.end(), time.perf_counter() - started
    return counters.Reading(None, meter.reason) if joules is None else counters.Reading(joules / seconds)


def _serve(runners, inputs, windows, meters, idle, report):
    """Figures of saturated running, {(name, cell): see `_window_figures`}, the cells in random order."""
    served, keys, started = {}, list(runners), time.monotonic()
    for number, place in enumerate(np.random.default_rng(1).permutation(len(keys)), 1):
        cell = keys[place][1]
        batches = _batches(inputs, cell)
        served[keys[place]] = _window_figures(
            runners[keys[place]], batches, cell, windows, meters[cell.device], idle[cell.device]
        )
        if number % 25 == 0 or number == len(keys):
            left = (time.monotonic() - started) / number * (len(keys) - number)
            report(f"throughput: {number} of {len(keys)}, ETA {left:.0f} s")
    return served


def _batches(inputs, cell):
    """All full batches that wait on the cell's device."""
    pool = inputs[cell.device]
    return pool[: len(pool) // cell.batch_size * cell.batch_size].split(cell.batch_size)


@torch.inference_mode()
def _window_figures(runner, batches, cell, windows, meter, idle):
    """Saturated running: throughput, utilization, energy and memory over `windows.windows` windows.

    The batches lie ready on the device. meter, idle: of the cell's device: the GPU, or the whole processor.
    """
    torch.set_num_threads(cell.threads)
    memory_before = counters.gpu_memory(runner.device)
    run = runner.start()
    warmup = _warm_up(run, batches[0], runner.device, windows)
    objects, seconds, joules, cpu_busy = 0, 0.0, [], 0.0
    with counters.GpuWindow(runner.device) as gpu:
        for _ in range(windows.windows):
            meter.begin()
            with counters.CpuWindow() as cpu:
                objects += cell.batch_size * saturate(run, batches, runner.device, windows.window_seconds)
            joules.append(meter.end())
            seconds += cpu.seconds
            cpu_busy += cpu.utilization_percent * cpu.seconds
    energy = None if None in joules else sum(joules)
    net = None if energy is None or idle.value is None else energy - idle.value * seconds
    utilization, activity = gpu.utilization(), gpu.sm_activity()
    mean = utilization.value and utilization.value["mean"]
    readings = {
        "gpu_utilization_percent": utilization,
        "gpu_utilization_per_inference_percent": _scaled(utilization, mean, 1 / cell.batch_size),
        "gpu_busy_ms_per_inference": _scaled(utilization, mean, 10 * seconds / objects),
        "sm_activity_percent": activity,
        "energy_mj_per_inference": counters.Reading(energy and 1000 * energy / objects, meter.reason),
        "net_energy_mj_per_inference": counters.Reading(net and 1000 * net / objects, meter.reason or idle.reason),
        "idle_power_w": idle,
        **_gpu_memory(runner, batches[0], memory_before),
    }
    return {
        "throughput_per_s": objects / seconds,
        "cpu_utilization_percent": cpu_busy / seconds,
        **{name: reading.value for name, reading in readings.items()},
        "reasons": {name: reading.reason for name, reading in readings.items() if reading.value is None},
        "energy_method": meter.method,
        "throttled": gpu.throttled(),
        "warmup": warmup,
    }


def saturate(run, batches, device, seconds):
    """How many calls run in so many seconds, at least one. A GPU always has the next ones waiting."""
    calls, in_flight, ends = 0, collections.deque(), time.perf_counter() + seconds
    while not calls or time.perf_counter() < ends:
        run(batches[calls % len(batches)])
        calls += 1
        if device.type == "cuda":
            in_flight.append(torch.cuda.Event(blocking=True))
            in_flight[-1].record()
            if len(in_flight) > CALLS_IN_FLIGHT:
                in_flight.popleft().synchronize()
    engines.synchronize(device)
    return calls


def _scaled(reading, value, factor):
    return reading if reading.value is None else counters.Reading(value * factor)


def _gpu_memory(runner, batch, before):
    """Readings of the memory this network alone would take: what was added since `before`, its weights, and one batch.

    The weights of all other networks and a pool of batches wait on the GPU too.
    """
    if before is None:
        unknown = counters.Reading(None, "GPU memory; see peak_resident_bytes for the CPU's")
        return {"peak_memory_bytes": unknown, "peak_reserved_bytes": unknown}
    own = runner.network_bytes + batch.nbytes
    allocated = torch.cuda.max_memory_allocated(runner.device) - before["allocated"] + own
    reserved = torch.cuda.max_memory_reserved(runner.device) - before["reserved"] + own
    # What fits between the others' memory reserves nothing, so the true figure lies above: at least what was allocated.
    return {
        "peak_memory_bytes": counters.Reading(allocated),
        "peak_reserved_bytes": counters.Reading(max(allocated, reserved)),
    }


def _add_legacy_utilization(served, runners, inputs, conditions):
    """Adds the original study's reading to the figures: of each network once, in the first GPU cell of the largest batch.

    It starts nvidia-smi many times, so it comes after all windows.
    """
    largest = max(cell.batch_size for cell in conditions)
    chosen = next((cell for cell in conditions if (cell.device, cell.batch_size) == ("cuda", largest)), None)
    for (name, cell), figures in served.items():
        if cell == chosen:
            reading = _legacy_utilization(runners[name, cell], _batches(inputs, cell))
        else:
            reading = counters.Reading(None, f"legacy: read in {chosen} alone" if chosen else counters.NO_GPU)
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
        engines.synchronize(runner.device)
        try:
            found.append(counters.legacy_gpu_utilization(runner.device))
        except (OSError, ValueError) as error:
            return counters.Reading(None, f"nvidia-smi gives no utilization: {error}")
    return counters.Reading(float(np.mean(found)))


def _latency_figures(latencies, name, cell):
    """Latency in ms, and the speedup over the parent with what the control allows to say of it."""
    every = np.concatenate(latencies[name, cell])
    quartiles = np.percentile(every, [25, 75])
    parent, again, own = (_round_medians(latencies, one, cell) for one in (PARENT, AGAIN, name))
    speedup, noise = paired_ratio(np.sqrt(parent * again), own), noise_percent(parent, again)
    return {
        "latency_ms": {
            **{f"p{q}": float(np.percentile(every, q)) for q in (50, 90, 99)},
            "iqr": float(quartiles[1] - quartiles[0]), "n": len(every),
        },
        "speedup": {**asdict(speedup), "noise_percent": noise, "verdict": verdict(speedup, noise)},
    }  # fmt: skip


def _round_medians(latencies, name, cell):
    return np.array([np.median(calls) for calls in latencies[name, cell]])


def _invalid_reasons(latencies, conditions, load, other_processes, throttled):
    """Why the run should not be believed, as sentences. load: percent of all cores that others kept busy.

    The control is judged in each cell, by the median of the rounds: one disturbed round of five says nothing of an engine.
    Drift is the machine's, so it is judged by the median of the cells.
    """
    found, drift = [], []
    for cell in conditions:
        if (PARENT, cell) in latencies:
            parent, again = (_round_medians(latencies, name, cell) for name in (PARENT, AGAIN))
            control = _percent(np.median(np.log(parent / again)))
            if control > LARGEST_DRIFT_PERCENT:
                found.append(f"the parent differs from itself by {control:.0f} % in {cell}")
            drift.append(np.log(parent * again)[[0, -1]] @ [-0.5, 0.5])
    drift = _percent(np.median(drift))
    if drift > LARGEST_DRIFT_PERCENT:
        found.append(f"the parent's latency drifted by {drift:.0f} % from the first round to the last")
    if load > LARGEST_OTHER_LOAD_PERCENT:
        found.append(f"other processes kept {load:.0f} % of the cores busy")
    if other_processes:
        found.append(f"{other_processes} other process(es) computed on the GPU")
    if any(throttled):
        found.append("the GPU throttled itself")
    return found


def _percent(logarithm):
    return 100 * np.expm1(abs(logarithm))
