"""Benchmarks of the code's inner parts, on the smallest input: they still call those parts as they are."""

import importlib.util
import re
import subprocess
import sys

import pytest

import nets
from conftest import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))
import gpu_experiment
import overhead
import promises

from voxprune.measurement.reading import Reading
from voxprune.networks.build import build_network
from voxprune.networks.checkpoint import save_checkpoint


def benchmark(name, *arguments):
    command = [sys.executable, f"benchmarks/{name}.py", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture
def checkpoint(tmp_path):
    save_checkpoint(build_network("resnet3d", 8, ["chair", "table"]), tmp_path / "checkpoint.safetensors", nets.ORIGIN)
    return tmp_path / "checkpoint.safetensors"


@pytest.mark.slow
def test_criteria(checkpoint, voxels):
    told = benchmark("criteria", checkpoint, voxels, "--objects", 8)
    assert "one epoch of 40 objects" in told and "filter bn_scale" in told and "weight lamp" in told
    assert "left out" not in told


@pytest.mark.slow
def test_training_epoch():
    told = benchmark("training_epoch", "--resolution", 8, "--objects", 8, "--rounds", 1)
    assert "ours / bare" in told and "loading: study / ours" in told


@pytest.mark.slow
def test_answer_simulation():
    told = benchmark("answer_simulation", "--experiments", 2)
    assert told.count("(93-97)") == 9 and told.count("trimmed, 1 %") == 5


@pytest.mark.slow
def test_aggregation():
    assert "2 methods x 2 levels x 2 seeds x 100 objects:" in benchmark(
        "aggregation", "--methods", 2, "--levels", 2, "--seeds", 2, "--objects", 100
    )


@pytest.mark.slow
def test_scale():
    told = benchmark("scale", "--meshes", 20, "--classes", 2, "--dry")
    assert re.search(r"^ +20 +[\d.]+ +[\d.]+ +5$", told, re.MULTILINE)  # 2 voxelize, list_skipped, check_network, train


def test_promises_are_read_from_what_benchmarks_print():
    """Each reader against a line as its benchmark prints it, and a figure on either side of its goal."""
    printed = (
        "all                                   100.0      9.0       5.0   11.1x\nours / bare                        1.05\n"
        "loading: study / ours              17.0\nwith / without: 1.0004 (95 % interval 0.9995 to 1.0013)\n"
        "resnet3d       8 to 32 3.90x onnxruntime    4.00  2.00 (1.90 to 2.10)  0.51  1.0 %\n"
        "resnet3d       8 to 32 3.90x     openvino    2.00  3.50 (3.40 to 3.60)  0.91  1.0 %  best\n"
        "original:0 (60.5 M MACs) | C 1.700 ms | torch 5.400 ms, 3.2x\n"
        "resnet3d:75 (6.0 M MACs) | C 0.160 ms | torch 1.200 ms, 7.5x | openvino INT8 0.300 ms, 1.9x\n"
        "7.6 s, 205 MB\n  100000        12.0      50.0    206\n3 steps of   8                         2246 MB\n"
        "no work: 16 % of the processor time (goal: at most 25 %)\n67 jobs in 290 s on 2 cores\n"
    )
    found = {one.name: one.read(printed) for one in promises.PROMISES}
    expected = [11.1, 1.05, 17, 1.0004, 0.91, 5.4 / 0.16, 5.4 / 0.3, 7.6, 12, 2246, 16, 290, 290]
    assert list(found.values()) == pytest.approx(expected)
    for one in promises.PROMISES:
        kept, broken = (0.9, 1.1) if one.most else (1.1, 0.9)
        assert one.met(kept * one.goal) and not one.met(broken * one.goal)
    assert promises.row(promises.PROMISES[1], [1.2, 1.3, 1.25]).endswith(
        "| 1.25 | 1.2 to 1.3 | at most 1.15 | **no** | `training_epoch.py` |"
    )


def test_overhead_adds_up_what_commands_say():
    jobs = [{"command": "prune", "start_s": 2.0, "work_s": 6.0}, {"command": "train", "start_s": 1.0, "work_s": 9.0}]
    assert overhead.table(jobs, 20.0).endswith("no work: 25 % of the processor time (goal: at most 25 %)")


def test_the_cost_of_an_experiment_on_a_gpu_is_told_or_why_it_is_not_known():
    busy = Reading({"mean": 62.6, "sd": 1.0, "n": 9})
    assert gpu_experiment.report(90, busy, 7200, None) == "wall time: 1.5 min\nGPU busy: 63 % of it\nGPU energy: 2.0 Wh"
    told = gpu_experiment.report(90, Reading(None, "no counter"), None, "none here")
    assert told.endswith("GPU busy: not known: no counter\nGPU energy: not known: none here")


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks").glob("*.py")), ids=lambda path: path.stem)
def test_every_benchmark_still_loads(path):
    """What a benchmark takes from the code is there; most take minutes, so no test runs them."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
