"""classify.py, copied to a machine that has NumPy and one engine: no torch, Numba, pandas or mesh library."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch

import nets
from conftest import CUBE
from voxprune.deploy.folder import export
from voxprune.meshes import ear_clipping
from voxprune.meshes.read import read_mesh
from voxprune.settings.voxels import Grid
from voxprune.voxels import voxelize

CLASSES = ["bath tub", "chair", "table"]
GRID = Grid(16, padding=1)
ABSENT = ("torch", "numba", "pandas", "scipy", "mapbox_earcut", "trimesh", "safetensors", "tqdm", "onnx")


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """A copied folder, and an environment in which importing anything else raises."""
    place = tmp_path_factory.mktemp("machine")
    export(nets.build("resnet3d"), GRID, CLASSES, place / "exported")
    shutil.copytree(place / "exported", place / "model")
    shutil.rmtree(place / "exported")
    (place / "absent").mkdir()
    for name in ABSENT:
        (place / f"absent/{name}.py").write_text(f"raise ImportError('no {name} on this machine')\n")
    return place


def classify(machine, *arguments, absent=(), cwd=None):
    for name in absent:
        (machine / f"absent/{name}.py").write_text(f"raise ImportError('no {name} on this machine')\n")
    command = [sys.executable, machine / "model/classify.py", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(machine / "absent")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=cwd or machine)
    for name in absent:
        (machine / f"absent/{name}.py").unlink()
    assert "Traceback" not in done.stderr, done.stderr
    return done


def expected(path):
    inputs = torch.from_numpy(voxelize.voxelize(read_mesh(path), GRID)[:, None].astype(np.float32))
    with torch.inference_mode():
        shares = nets.build("resnet3d")(inputs).softmax(dim=1)[0]
    return CLASSES[int(shares.argmax())], 100 * float(shares.max())


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_class_and_confidence_are_those_of_the_network(machine, cube, engine):
    done = classify(machine, cube, "--json", "--engine", engine)
    [found] = json.loads(done.stdout)
    name, percent = expected(cube)
    assert (done.returncode, found["file"], found["class"]) == (0, str(cube), name)
    assert abs(found["confidence_percent"] - percent) < 1e-3
    assert all(found[stage] > 0 for stage in ("read_ms", "voxelize_ms", "network_ms"))


def test_a_folder_is_classified_and_bad_meshes_are_named(machine, cube):
    (cube.parent / "deeper").mkdir()
    (cube.parent / "deeper/long.off").write_text(CUBE.replace("1 1 1", "1 1 3"))
    (cube.parent / "broken.off").write_text("OFF\n1 1 1\n")
    (cube.parent / "notes.txt").write_text("no mesh")
    done = classify(machine, cube.parent, "--csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [os.path.basename(row["file"]) for row in rows] == ["cube.off", "long.off"]
    assert [row["class"] for row in rows] == [expected(row["file"])[0] for row in rows]
    assert done.returncode == 1 and "broken.off: " in done.stderr and "1 of 3 meshes can't be classified" in done.stderr


def test_plain_words_and_the_first_engine_at_hand(machine, cube):
    done = classify(machine, cube, absent=["openvino"])
    assert done.stdout.startswith(f"{cube}: {expected(cube)[0]} (") and "network" in done.stdout and done.returncode == 0


def refused(done, words):
    said = [line for line in done.stderr.splitlines() if not line.startswith("hwloc/")]  # OpenVINO's, where there is no /sys
    assert done.returncode == 1 and words in done.stderr and len(said) == 1 and not done.stdout


def test_one_sentence_for_each_fault(machine, cube, tmp_path):
    refused(classify(machine, tmp_path / "none.off"), "none.off: no such mesh; repair it, or leave it out")
    refused(classify(machine, cube, "--engine", "openvino", absent=["openvino"]), "openvino is not installed")
    refused(classify(machine, cube, absent=["openvino", "onnxruntime"]), "neither onnxruntime nor openvino is installed")
    refused(
        classify(machine, cube, "--model", tmp_path), "it holds no labels.json; name a folder that scripts/export.py made"
    )
    (tmp_path / "empty").mkdir()
    refused(classify(machine, tmp_path / "empty"), "no mesh lies in this folder")


def test_labels_that_are_not_the_models_are_refused(machine, cube, tmp_path):
    shutil.copytree(machine / "model", tmp_path / "changed")
    about = json.loads((tmp_path / "changed/labels.json").read_text())
    (tmp_path / "changed/labels.json").write_text(json.dumps(about | {"labels": ["one", "other"]}))
    refused(
        classify(machine, cube, "--model", tmp_path / "changed"), "model.onnx doesn't answer the 2 labels of labels.json"
    )


@pytest.mark.parametrize("change, words", [
    ({"resolution": 20}, "model.onnx takes [1, 16, 16, 16], not the 20^3 voxels of labels.json"),
    ({"up": "w"}, "labels.json: it is damaged"),
    ({"colour": 1}, "labels.json: it is damaged"),
])  # fmt: skip
def test_settings_that_are_not_the_models_are_refused(machine, cube, tmp_path, change, words):
    shutil.copytree(machine / "model", tmp_path / "changed")
    about = json.loads((tmp_path / "changed/labels.json").read_text())
    about["voxels"] |= change
    (tmp_path / "changed/labels.json").write_text(json.dumps(about))
    for engine in ("onnxruntime", "openvino"):
        refused(classify(machine, cube, "--model", tmp_path / "changed", "--engine", engine), words)


def test_a_foreign_or_damaged_model_is_refused(machine, cube, tmp_path):
    shutil.copytree(machine / "model", tmp_path / "changed")
    (tmp_path / "changed/model.onnx").write_bytes((machine / "model/model.onnx").read_bytes()[:1000])
    for engine in ("onnxruntime", "openvino"):
        refused(classify(machine, cube, "--model", tmp_path / "changed", "--engine", engine), "can't read it")


def test_concave_polygons_need_no_package():
    """The triangles cover the polygon: their areas, all of one sign, add up to its area."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        size = int(rng.integers(4, 12))
        angles = np.sort(rng.random(size)) * 2 * np.pi
        points = np.stack([np.cos(angles), np.sin(angles)], axis=1) * rng.uniform(0.2, 1, (size, 1))
        triangles = points[ear_clipping.triangulate_float64(points, np.array([size]))].reshape(-1, 3, 2)
        one, two = triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
        areas = (one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]) / 2
        if np.diff(np.append(angles, angles[0] + 2 * np.pi)).max() < np.pi:  # else it may cross itself
            assert len(triangles) == size - 2 and (areas >= -1e-12).all()
            assert abs(areas.sum() - ear_clipping._area(points) / 2) < 1e-12
