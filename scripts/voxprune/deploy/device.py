"""Deployed networks measured on the device that they are to run on. Needs NumPy and one engine, or a C compiler.

The protocol: batch 1, one thread, all networks in all engines in one process. A round runs each once, in random order; a run is one
call to warm up and `calls` that count, of which the median is the round's figure. Ratios are paired by round: how many times as fast
as the first network, in the same engine and precision. The first network runs twice in each round; how the second run compares with the
first is the noise that a ratio must exceed.
"""

import ctypes
import json
import math
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from voxprune.core.errors import InputError
from voxprune.deploy import classifier

COMPILE = "-std=c99 -O3 -march=native -ffp-contract=fast -fPIC -shared"  # as the Makefile does
CELLS = [("c", "float32"), ("onnxruntime", "float32"), ("openvino", "float32"), ("openvino", "int8")]  # that are measured
FILES = {"float32": "model.onnx", "float16": "model-fp16.onnx", "int8": "model-int8.onnx"}  # int8 is slow in ONNX Runtime
OCCUPIED = 0.1  # share of the cells of the object that is measured; no engine is faster for empty ones


@dataclass(frozen=True)
class Network:
    """A deployed folder. about: what its labels.json says."""

    folder: Path
    about: dict

    @property
    def resolution(self):
        return self.about["voxels"]["resolution"]


def network(folder):
    """Raises InputError where a folder isn't one that export made."""
    return Network(Path(folder), classifier.read_labels(Path(folder)))


def at_hand(networks):
    """The (engine, precision) of CELLS that can run here, and for which every network has its file. Raises InputError where none can."""
    found = [cell for cell in CELLS if all(file(one, *cell).is_file() for one in networks) and _runs_here(cell[0])]
    if not found:
        raise InputError("no engine is at hand; type pip install onnxruntime, or install a C compiler")
    return found


def left_out(networks):
    """A sentence for each engine and precision that can run here, and for which some network lacks its file."""
    for cell in CELLS:
        lack = [one for one in networks if not file(one, *cell).is_file()]
        if lack and len(lack) < len(networks) and _runs_here(cell[0]):
            yield f"left out {' '.join(cell)}: {', '.join(str(one.folder) for one in lack)} has no {file(lack[0], *cell).name}"


def file(one, engine, precision):
    """The path of what an engine runs."""
    return one.folder / ("model.c" if engine == "c" else FILES[precision])


def _runs_here(engine):
    return compiler() is not None if engine == "c" else classifier.is_installed(engine)


def compiler():
    """The C compiler's path, None where there is none."""
    return shutil.which(os.environ.get("CC", "cc")) or shutil.which("gcc") or shutil.which("clang")


def runner(one, engine, precision):
    """A function of voxels float32 (1, 1, R, R, R) that runs a network once."""
    path = file(one, engine, precision)
    return _compiled(one) if engine == "c" else classifier.LOADERS[engine](str(path))[0]


def _compiled(one):
    with tempfile.TemporaryDirectory() as folder:
        library = f"{folder}/model.so"
        command = [compiler(), *COMPILE.split(), "-o", library, one.folder / "model.c", "-lm"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise InputError(f"{one.folder / 'model.c'}: it doesn't compile here ({done.stderr.strip()[:200]})")
        model_run = ctypes.CDLL(library).model_run
    size = re.search(r"MODEL_SCRATCH (\d+)", (one.folder / "model.h").read_text())[1]
    scratch, logits = np.empty(int(size), dtype=np.float32), np.empty((1, len(one.about["labels"])), dtype=np.float32)
    places = [ctypes.c_void_p(array.ctypes.data) for array in (logits, scratch)]

    def run(voxels):
        model_run(ctypes.c_void_p(voxels.ctypes.data), *places)
        return logits if scratch.size else None  # scratch lives as long as this function

    return run


def voxels(resolution):
    """One made-up object, float32 (1, 1, R, R, R)."""
    rng = np.random.default_rng(0)
    return (rng.random((1, 1, *[resolution] * 3)) < OCCUPIED).astype(np.float32)


def measure(networks, rounds, calls, tell=lambda _: None):
    """What `bench_device.py` writes, see there. networks: list of Network, the first is the one that others are compared with.

    tell: is called with each sentence of progress.
    """
    cells = at_hand(networks)
    keys = [(number, *cell) for number in range(len(networks)) for cell in cells]
    runs = {key: runner(networks[key[0]], *key[1:]) for key in keys}
    objects = {key: voxels(networks[key[0]].resolution) for key in keys}
    for cell in cells:
        runs["again", *cell], objects["again", *cell] = runs[0, *cell], objects[0, *cell]
    times, order, rng = {key: [] for key in runs}, list(runs), np.random.default_rng(0)
    for number in range(rounds):
        tell(f"round {number + 1} of {rounds}")
        for place in rng.permutation(len(order)):
            key = order[place]
            times[key].append(_timed(runs[key], objects[key], calls))
    times = {key: np.array(one) for key, one in times.items()}
    rows = [_row(networks[key[0]], key, times) for key in keys]
    control = [
        {
            "engine": engine,
            "precision": precision,
            "ratio": ratio(times[0, engine, precision], times["again", engine, precision]),
        }
        for engine, precision in cells
    ]
    return {"hardware": hardware(), "protocol": {"rounds": rounds, "calls": calls}, "rows": rows, "control": control}


def _timed(run, inputs, calls):
    """Milliseconds of each call but the first, which warms up."""
    found = []
    for _ in range(calls + 1):
        started = time.perf_counter_ns()
        run(inputs)
        found.append((time.perf_counter_ns() - started) / 1e6)
    return found[1:]


def _row(one, key, times):
    number, engine, precision = key
    low, middle, high = np.percentile(times[key], [25, 50, 75]).tolist()
    change = one.about.get("accuracy_change_points", {}).get(file(one, engine, precision).name)
    return {
        "origin": one.about.get("origin"), "engine": engine, "precision": precision, "threads": 1, "batch_size": 1,
        "calls": times[key].size, "latency_ms": {"min": times[key].min(), "p25": low, "p50": middle, "p75": high},
        "ratio": ratio(times[0, engine, precision], times[key]) if number else None,
        "peak_memory_bytes": peak_memory(one.folder, engine, precision), "accuracy_change_points": change,
    }  # fmt: skip


def ratio(first, other):
    """{p50, low, high} of how many times as fast as `first` the `other` is, paired by round: medians of rows (rounds, calls).

    low, high: the interval of the median that covers 95 % or just more, whatever the noise is like (order statistics); None below
    six rounds, which can't give one.
    """
    found = np.sort(np.median(first, axis=1) / np.median(other, axis=1))
    rank = _rank(len(found))
    low, high = (None, None) if rank < 0 else (float(found[rank]), float(found[-1 - rank]))
    return {"p50": float(np.median(found)), "low": low, "high": high}


def _rank(count):
    """The largest number of values that may be left out at each end so that 95 % of intervals hold the median; -1 where none may."""
    tail, rank = 0.5**count, -1
    while tail <= 0.025:
        rank += 1
        tail += math.comb(count, rank + 1) * 0.5**count
    return rank


def peak_memory(folder, engine, precision):
    """Bytes resident at most in a process that loads and runs this network alone, Python included; None where the system doesn't say.

    In C the program itself is the better measure: `./classify --bench --json`.
    """
    command = [sys.executable, "-c", PROBE, str(Path(__file__).resolve().parents[2]), str(folder), engine, precision]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise InputError(f"{folder}: it doesn't run alone ({done.stderr.strip()[-200:]})")
    return json.loads(done.stdout)


PROBE = """import sys; sys.path.insert(0, sys.argv[1])
from voxprune.deploy import device
one = device.network(sys.argv[2])
device.runner(one, *sys.argv[3:5])(device.voxels(one.resolution))
print(device.resident() or "null")
"""


def resident():
    """Bytes of this process resident at most, None where the system doesn't say (Linux does)."""
    try:
        return 1024 * int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])
    except (OSError, TypeError):
        return None


def hardware():
    """What this device is, as far as it says."""
    try:
        about = re.search(r"^(?:model name|Model|Hardware)\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        about = None
    name = about[1] if about else platform.processor() or platform.machine()
    return {"cpu": name, "machine": platform.machine(), "system": platform.system(), "cores": os.cpu_count()}
