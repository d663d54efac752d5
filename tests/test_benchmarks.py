"""Benchmarks of the code's inner parts, on the smallest input: they still call those parts as they are."""

import subprocess
import sys

import pytest

import nets
from conftest import ROOT
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


def test_criteria(checkpoint, voxels):
    told = benchmark("criteria", checkpoint, voxels, "--objects", 8)
    assert "one epoch of 40 objects" in told and "filter bn_scale" in told and "weight lamp" in told
    assert "left out" not in told


def test_training_epoch():
    told = benchmark("training_epoch", "--resolution", 8, "--objects", 8, "--rounds", 1)
    assert "ours / bare" in told and "loading: study / ours" in told


def test_answer_simulation():
    told = benchmark("answer_simulation", "--experiments", 2)
    assert told.count("(93-97)") == 9 and told.count("trimmed, 1 %") == 3


def test_aggregation():
    assert "2 methods x 2 levels x 2 seeds x 100 objects:" in benchmark(
        "aggregation", "--methods", 2, "--levels", 2, "--seeds", 2, "--objects", 100
    )
