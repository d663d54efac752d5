"""A deployed folder: every file answers as the network does, the same input gives the same bytes, the card says what is known."""

import hashlib
import json
import os
import re
import subprocess
import sys

import numpy as np
import onnx
import pytest
import torch
from msgspec.structs import replace

import nets
from conftest import ROOT
from voxprune.core.errors import InputError
from voxprune.deploy import device
from voxprune.deploy.card import model_card
from voxprune.deploy.facts import card_facts, compared
from voxprune.deploy.folder import export
from voxprune.deploy.onnx_files import answer
from voxprune.networks.checkpoint import save_checkpoint
from voxprune.pruning.prune import prune
from voxprune.pruning.scoring import Sample
from voxprune.settings.method import Method
from voxprune.settings.voxels import Grid
from voxprune.voxels import dataset

INPUTS = (torch.rand(20, 1, 16, 16, 16, generator=torch.Generator().manual_seed(0)) < 0.2).float()
GRID = Grid(16, "corner", padding=0, up="y")
CLASSES = ["bath tub", "Stühle", "table"]


def logits(network):
    with torch.inference_mode():
        return network(INPUTS).numpy()


def network(level=0):
    parent = nets.build("resnet3d")
    method = Method("filter", "l1", "layer", "remove")
    return prune(parent, method, level, Sample(INPUTS, torch.arange(20) % 3, 0))[0].eval() if level else parent


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("deploy")
    assert export(network(50), GRID, CLASSES, folder, INPUTS, {"licence": "MIT"}) == {}
    return folder


def test_float32_answers_as_torch_at_any_batch_size(folder):
    content, expected = (folder / "model.onnx").read_bytes(), logits(network(50))
    for inputs, wanted in ((INPUTS, expected), (INPUTS[:1], expected[:1]), (INPUTS[:7], expected[:7])):
        assert np.abs(answer(content, inputs.numpy()) - wanted).max() <= 1e-5 * np.abs(expected).max()


def test_halved_weights_and_eight_bits_stay_near(folder):
    expected = logits(network(50))
    for name, tolerance in (("model-fp16.onnx", 0.01), ("model-int8.onnx", 0.15)):
        found = answer((folder / name).read_bytes(), INPUTS.numpy())
        assert 0 < np.abs(found - expected).max() < tolerance * np.abs(expected).max()


def test_halved_weights_are_half_the_bytes(folder):
    weights = [2 * array.numel() for array in network(50).state_dict().values()]
    assert (folder / "model-fp16.onnx").stat().st_size < sum(weights) + 12_000


def test_eight_bits_are_quantized_by_channel_in_reduced_range(folder):
    model = onnx.load(folder / "model-int8.onnx")
    arrays = {array.name: onnx.numpy_helper.to_array(array) for array in model.graph.initializer}
    kernels = [array for array in arrays.values() if array.ndim == 5]
    assert len(kernels) == 9 and all(kernel.dtype == np.int8 and np.abs(kernel).max() <= 64 for kernel in kernels)
    assert {len(kernel) for kernel in kernels} <= {array.size for name, array in arrays.items() if name.endswith("_scale")}
    assert {"QuantizeLinear", "DequantizeLinear"} <= {node.op_type for node in model.graph.node}


def test_files_say_what_goes_in_and_what_comes_out(folder):
    voxels = {"resolution": 16, "convention": "corner", "occupancy": "surface", "padding": 0, "scale": "fit", "up": "y"}
    assert json.loads((folder / "labels.json").read_text()) == {"labels": CLASSES, "voxels": voxels}
    for name in ("model.onnx", "model-fp16.onnx", "model-int8.onnx"):
        about = {one.key: json.loads(one.value) for one in onnx.load(folder / name).metadata_props}
        assert about == {"labels": CLASSES, "voxels": voxels}


PROGRAM = """import sys; sys.path[:0] = [{scripts!r}, {tests!r}]
import test_deploy_folder as made
made.export(made.network(50), made.GRID, made.CLASSES, sys.argv[1], made.INPUTS, {{"licence": "MIT"}})
"""


@pytest.mark.slow
def test_the_same_network_gives_the_same_bytes(folder, tmp_path):
    """In another process, with another seed of Python's hashes, from another folder; and no file holds a path, date or host."""
    program = PROGRAM.format(scripts=str(ROOT / "scripts"), tests=str(ROOT / "tests"))
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-c", program, tmp_path / "again"], check=True, env=environment, cwd=tmp_path)
    files = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert len(files) > 20
    for name, content in files.items():
        assert (tmp_path / "again" / name).read_bytes() == content, name
        assert str(ROOT).encode() not in content and os.uname().nodename.encode() not in content, name


def test_a_network_of_nothing_is_written_as_c_alone(tmp_path):
    missing = export(network(100), GRID, CLASSES, tmp_path, INPUTS)
    assert missing == {"model.onnx": "a layer keeps no filter, and this engine runs no empty layers; use model.c"}
    assert (tmp_path / "model.c").is_file() and not list(tmp_path.glob("*.onnx"))
    card = (tmp_path / "README.md").read_text()
    assert "`model.onnx` was not written: a layer keeps no filter" in card
    assert "./classify chair.off" in card and "classify.py" not in card.partition("## Files")[0]


def test_a_network_that_c_can_not_have_keeps_its_other_files(tmp_path):
    missing = export(nets.build("nets:Tokens"), GRID, CLASSES, tmp_path)
    assert set(missing) == {"model.c", "model-int8.onnx"} and "use model.onnx" in missing["model.c"]
    assert (tmp_path / "model.onnx").is_file() and not list(tmp_path.glob("*.c"))
    use = (tmp_path / "README.md").read_text().partition("## Files")[0]
    assert "python classify.py chair.off" in use and "make" not in use.partition("## Input")[0]


def test_exporting_again_leaves_nothing_of_the_last_time(tmp_path):
    export(network(50), GRID, CLASSES, tmp_path, INPUTS)
    export(network(50), GRID, CLASSES, tmp_path)
    assert not (tmp_path / "model-int8.onnx").exists()


def test_a_network_of_another_resolution_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"the network takes 16\^3 voxels, not 32\^3"):
        export(network(50), Grid(32), CLASSES, tmp_path)


# ---- the card --------------------------------------------------------------------------------------------------------


def test_the_card_has_the_sums_of_all_files(folder):
    card = (folder / "README.md").read_text()
    rows = dict(re.findall(r"^\| `([^`]+)` \| [\d,]+ \| `(\w{64})` \|$", card, re.MULTILINE))
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {"README.md"}
    assert set(rows) == names
    assert all(hashlib.sha256((folder / name).read_bytes()).hexdigest() == found for name, found in rows.items())


def test_the_card_tells_what_is_known():
    metrics = {"n_samples": 200, "accuracy_percent": 90.0, "per_class_accuracy_percent": {"a": 80.0, "b": 100.0}}
    cell = {
        "engine": "openvino",
        "device": "cpu",
        "threads": 1,
        "batch_size": 1,
        "latency_ms": {"p50": 1.25},
        "unavailable": None,
    }
    demand = {"manifest": {"hardware": {"cpu": "Some CPU"}}, "cells": [cell, {**cell, "unavailable": "not here"}]}
    method = Method("filter", "taylor", "layer", "remove")
    origin = replace(nets.ORIGIN, method="taylor", level_percent=75, seed=3, pruning=method)
    about = card_facts(origin, metrics, demand, "some meshes", "For academic use.") | {
        "classes": ["a", "b"],
        "macs": 4500000,
    }
    card = model_card(about)
    for words in (
        "90.0 % of the answers are right (95 % interval 85.1 to 93.4) on 200 test objects of some meshes", "| a | 80.0 |",
        "| openvino | float32 | 1 | 1 | 1.25 | Some CPU |", "4,500,000 multiply-accumulates", "Training data: For academic use.",
        "By the method `taylor` at 75 %, from the parent of seed 3 (unit `filter`, criterion `taylor`, scope `layer`, apply `remove`).", "Parameters: not known.",
    ):  # fmt: skip
        assert words in card
    assert "How fast it is" not in card and card.count("| openvino") == 1


def test_changes_of_accuracy_have_an_interval_that_holds_the_truth():
    """2,000 test sets drawn from networks whose classes differ by known chances; and no difference seen isn't none."""
    rng, labels, holds = np.random.default_rng(0), np.zeros(300, dtype=int), []
    for _ in range(2000):
        chance = rng.random(300)
        expected = (chance < 0.12).astype(int)  # wrong in 12 %, of which 2 become right, and 1 of the others wrong
        found = ((chance >= 0.02) & (chance < 0.13)).astype(int)
        change = compared(found, expected, labels)
        holds.append(change.low <= 1 <= change.high)
    assert 0.94 <= np.mean(holds) <= 0.985
    none = compared(labels, labels, labels)
    assert none.differ == none.points == 0 and none.low == -none.high and 0.5 < none.high < 1


def test_the_card_tells_what_is_not_known():
    card = model_card({"classes": ["a"]})
    for words in (
        "How accurate it is.",
        "How fast it is.",
        "What data it was trained on.",
        "Licence: not given",
        "Latency: not measured",
    ):
        assert words in card
    assert "None" not in card and "nan" not in card


# ---- the command -----------------------------------------------------------------------------------------------------


def test_a_checkpoint_is_exported_with_its_data(voxels, tmp_path):
    built = nets.build("original", resolution=8, classes=2)
    built.description["classes"] = ["chair", "table"]
    save_checkpoint(built, tmp_path / "c.safetensors", replace(nets.ORIGIN, grid=Grid(8)))
    command = [sys.executable, ROOT / "scripts/export.py", "--checkpoint", tmp_path / "c.safetensors", "--folder", tmp_path / "out",
               "--voxels", voxels, "--calibration-objects", "10"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and "exported to" in done.stdout, done.stderr
    assert (tmp_path / "out/model.safetensors").read_bytes() == (tmp_path / "c.safetensors").read_bytes()
    card = (tmp_path / "out/README.md").read_text()
    assert "It is not pruned: this is the parent, trained with seed 0." in card
    assert re.search(
        r"`model-int8.onnx`: accuracy changes by [+-]\d+\.\d\d points .*; \d of 8 test objects get another class", card
    )
    labels = json.loads((tmp_path / "out/labels.json").read_text())
    assert labels["origin"] == {"method": "parent", "level_percent": 0, "seed": 0}
    assert set(labels["accuracy_change_points"]) == {"model-fp16.onnx", "model-int8.onnx"}
    assert r'"{\"method\": \"parent\"' in (tmp_path / "out/model.h").read_text().replace("\\042", '\\"')
    test = dataset.load_split(voxels, "test", ["chair", "table"])
    inputs = next(dataset.batches(test, 8))[0]
    with torch.inference_mode():
        expected = built(inputs).argmax(dim=1).tolist()
    assert answer((tmp_path / "out/model.onnx").read_bytes(), inputs.numpy()).argmax(axis=1).tolist() == expected
    table = subprocess.run(
        [sys.executable, ROOT / "benchmarks/deployed_agreement.py", tmp_path / "out", voxels], capture_output=True, text=True
    )
    assert (
        "| onnxruntime | float32 | 0 of 8 | +0.00" in table.stdout and "| openvino | float32 | 0 of 8 |" in table.stdout
    ), table
    assert "| c | float32 | 0 of 8 |" in table.stdout or not device.compiler()


def test_voxels_of_another_resolution_are_refused(voxels, tmp_path):
    save_checkpoint(nets.build("original", classes=2), tmp_path / "c.safetensors", replace(nets.ORIGIN, grid=Grid(16)))
    command = [sys.executable, ROOT / "scripts/export.py", "--checkpoint", tmp_path / "c.safetensors", "--folder", tmp_path / "out",
               "--voxels", voxels]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and "Traceback" not in done.stderr
