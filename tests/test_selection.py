"""No figure of the test set chooses anything: training, pruning, levels and layers never see a test object."""

import importlib
import shutil

import numpy as np
import pandas as pd
import pytest

from voxprune.answer import refinement
from voxprune.networks.checkpoint import load_checkpoint
from voxprune.voxels import shards
from voxprune.voxels.voxelize import COLUMNS, pack

CLASSES = ["a", "b"]


@pytest.fixture
def voxels(tmp_path):
    """Shards of two classes."""
    rng = np.random.default_rng(0)
    for split in ("train", "test"):
        for number, name in enumerate(CLASSES):
            folder = tmp_path / "voxels" / split
            folder.mkdir(parents=True, exist_ok=True)
            np.save(folder / f"{name}.npy", pack(rng.random((12, 8, 8, 8)) < 0.2 + 0.3 * number))
            rows = [(f"{item}.off", 8, 12, 100, "ok", "") for item in range(12)]
            pd.DataFrame(rows, columns=COLUMNS).to_csv(folder / f"{name}.csv", index=False)
    return tmp_path / "voxels"


def run(script, *arguments):
    module = importlib.import_module(script)
    module.main(module.parse().parse_args([str(argument) for argument in arguments]))


def test_training_pruning_and_layers_never_see_a_test_object(voxels, tmp_path, monkeypatch):
    hashes = shards.data_hash(voxels, CLASSES)
    monkeypatch.setattr(shards, "data_hash", lambda *_: hashes)  # for the record alone, it reads bytes of both splits
    shutil.rmtree(voxels / "test")
    parent, child = tmp_path / "parent.safetensors", tmp_path / "child.safetensors"
    run("train", "--voxels", voxels, "--classes", *CLASSES, "--epochs", 2, "--learning-rate", 0.01, "--validation-share", 0.25,
        "--checkpoint", parent, "--curve", tmp_path / "training.csv")  # fmt: skip
    for criterion in ("l1", "taylor", "activation", "fisher"):
        run("prune", "--parent", parent, "--method", "mine", "--unit", "filter", "--criterion", criterion, "--scope", "layer", "--apply", "remove",
            "--retrain", "finetune", "--epochs", 1, "--learning-rate", 0.01, "--levels", 50, "--voxels", voxels,
            "--criterion-objects", 8, "--checkpoints", child, "--curves", tmp_path / "retraining.csv")  # fmt: skip
    run(
        "measure_sensitivity",
        "--parent",
        parent,
        "--voxels",
        voxels,
        "--levels",
        50,
        "--table",
        tmp_path / "sensitivity.csv",
    )
    run(
        "leave_one_out",
        "--parent",
        parent,
        "--voxels",
        voxels,
        "--criterion-objects",
        8,
        "--folder",
        tmp_path / "leave_one_out",
    )
    assert load_checkpoint(child)[0].description["widths"] == {"conv1": 8, "conv2": 16}


def test_finer_levels_are_chosen_by_validation_accuracy():
    """Test accuracies say the opposite, and change nothing."""
    rows = [("parent", 0, 90, 90), ("filter", 10, 50, 90), ("filter", 20, 90, 80)]
    table = pd.DataFrame(
        rows, columns=["method", "level_percent", "accuracy_percent", "validation_accuracy_percent"]
    ).assign(seed=0)
    assert refinement.gaps(table, 1.0) == {"filter": refinement.Gap(10, 20, 10.0)}
    assert refinement.gaps(table.drop(columns="accuracy_percent"), 1.0) == {"filter": refinement.Gap(10, 20, 10.0)}
