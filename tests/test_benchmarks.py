"""Benchmarks of the code's inner parts, on the smallest input: they still call those parts as they are."""

import subprocess
import sys

import pytest

from conftest import ROOT
from voxprune import networks


def benchmark(name, *arguments):
    command = [sys.executable, f"benchmarks/{name}.py", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture
def checkpoint(tmp_path):
    made = {"training": {"epochs": 3, "batch_size": 8, "optimiser": "sgd", "learning_rate": 0.01, "momentum": 0.9,
                         "weight_decay": 0.0, "schedule": "constant", "label_smoothing": 0.0, "validation_share": 0.0,
                         "augmentation": {"rotation_degrees": 0, "flip_probability": 0.5, "scale_percent": 0, "shift_cells": 1}}}  # fmt: skip
    networks.save(networks.build("resnet3d", 8, ["chair", "table"]), tmp_path / "checkpoint.safetensors", made)
    return tmp_path / "checkpoint.safetensors"


def test_criteria(checkpoint, voxels):
    told = benchmark("criteria", checkpoint, voxels, "--objects", 8)
    assert "one epoch of 40 objects" in told and "filter bn_scale" in told and "weight lamp" in told
    assert "left out" not in told


def test_training_epoch():
    told = benchmark("training_epoch", "--resolution", 8, "--objects", 8, "--rounds", 1)
    assert "ours / bare" in told and "loading: study / ours" in told
