"""A deployed folder: the network as ONNX and C, what classifies meshes with it, and a card that says what it is.

The same network, settings and calibration give the same bytes, and no file holds a path, a date or the name of a machine.
"""

import hashlib
import json
from pathlib import Path

import torch
from safetensors.torch import save as tensors_to_bytes

from voxprune.core.errors import InputError
from voxprune.core.files import atomic_write
from voxprune.deploy import onnx_files
from voxprune.deploy.c_code import c_files
from voxprune.deploy.card import model_card
from voxprune.deploy.facts import agreement
from voxprune.deploy.runtime import copy_runtime
from voxprune.networks.cost import network_cost

C_PROGRAM = [
    path for path in sorted((Path(__file__).parent / "c").iterdir()) if path.name != "lanes.h"
]  # that is in model.c
MADE = ("model.onnx", "model-fp16.onnx", "model-int8.onnx", "model.safetensors", "model.c", "model.h", "labels.json", "README.md", "page.html",
        *(path.name for path in C_PROGRAM))  # fmt: skip
CHECKED = 16  # objects on which the float32 file is compared with torch


def export(network, grid, classes, folder, inputs=None, about=None, checkpoint=None, test=None):
    """Writes a deployed folder; returns {file: reason} of those that this network can't have.

    network: as `load_checkpoint` gives it. grid: a Grid, how its voxels are made. classes: names, in order. inputs: training voxels,
    float32 (n, 1, R, R, R), for the ranges of the eight-bit file, which isn't written without. about: what the card shall say, see
    `card.model_card`. checkpoint: the file to copy as model.safetensors; without, the tensors alone are written. test: Voxels on
    which the card compares the ONNX files.
    """
    if grid.resolution != network.description["resolution"]:
        raise InputError(
            f"{folder}: the network takes {network.description['resolution']}^3 voxels, not {grid.resolution}^3; give it its own"
        )
    about = _facts(network, grid, classes) | (about or {})
    contents, about["missing"] = _contents(network, grid, classes, inputs, checkpoint, about.get("origin"))
    if test is not None and "model.onnx" in contents:
        about["agreement"] = agreement({name: contents[name] for name in contents if name.endswith(".onnx")}, test)
    contents["labels.json"] = _json(_labels(about))
    runtime = _write(Path(folder), contents)
    about["files"] = _sums(Path(folder), [*sorted(contents), *runtime])
    with atomic_write(Path(folder) / "README.md") as temporary:
        temporary.write_text(model_card(about))
    return about["missing"]


def _labels(about):
    """What the programs that run a network need to know of it, and from which network of an experiment its figures are."""
    changes = {file: [change.points, change.low, change.high] for file, change in about.get("agreement", {}).items()}
    known = {
        "experiment": about.get("experiment"), "origin": about.get("origin"), "accuracy": _accuracy(about), "accuracy_change_points": changes,
    }  # fmt: skip
    return {"labels": about["classes"], "voxels": about["voxels"]} | {key: value for key, value in known.items() if value}


def _accuracy(about):
    """Of the network in float32 on test objects, None where it isn't known."""
    if not all(key in about for key in ("accuracy_percent", "accuracy_interval_percent", "data")):
        return None
    return {
        "percent": about["accuracy_percent"], "interval_percent": about["accuracy_interval_percent"],
        "data": about["data"]["name"], "test_objects": about["data"]["test_objects"],
    }  # fmt: skip


def _contents(network, grid, classes, inputs, checkpoint, origin):
    """({file: bytes} of all that is made from the network, {file: reason} of what isn't)."""
    contents, missing = {}, {}
    for make in (_c_program, _onnx_models):
        try:
            contents |= make(network, grid, classes, inputs, missing, origin)
        except InputError as error:
            name, reason = str(error).split(": ", 1)
            missing[name] = reason
    contents["model.safetensors"] = Path(checkpoint).read_bytes() if checkpoint else tensors_to_bytes(network.state_dict())
    return contents, missing


def _write(folder, contents):
    """Writes files in place of all that an earlier export made; returns the names of the Python files beside them."""
    for name in MADE:
        (folder / name).unlink(missing_ok=True)
    for name, content in contents.items():
        with atomic_write(folder / name) as temporary:
            temporary.write_bytes(content)
    return copy_runtime(folder)


def _c_program(network, grid, classes, inputs, missing, origin):
    files = {name: text.encode() for name, text in c_files(network, grid, classes, origin).items()}
    return files | {path.name: path.read_bytes() for path in C_PROGRAM}


def _onnx_models(network, grid, classes, inputs, missing, origin):
    checked = torch.zeros(1, 1, *(grid.resolution,) * 3) if inputs is None else inputs[:CHECKED]
    content = onnx_files.float32_model(network, grid, classes, checked)
    found = {"model.onnx": content, "model-fp16.onnx": onnx_files.halved_model(content)}
    if inputs is None:
        missing["model-int8.onnx"] = "no training voxels were given to calibrate it"
    else:
        found["model-int8.onnx"] = onnx_files.integer_model(content, inputs.numpy())
    return found


def _facts(network, grid, classes):
    """What the network itself says to the card."""
    figures = network_cost(network)
    return {
        "network": network.description.get("network", type(network).__name__), "classes": list(classes),
        "voxels": onnx_files.voxel_settings(grid), "macs": figures["macs"], "parameters": figures["parameters"],
    }  # fmt: skip


def _sums(folder, names):
    """{file: {bytes, sha256}}."""
    files = {name: (folder / name).read_bytes() for name in names}
    return {name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()} for name, content in files.items()}


def _json(content):
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
