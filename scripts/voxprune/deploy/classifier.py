"""Names the class of meshes with a deployed folder. Needs NumPy and one engine: ONNX Runtime or OpenVINO."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from voxprune.core.errors import InputError, first_line
from voxprune.core.openvino import in_own_memory
from voxprune.deploy.numpy_voxels import voxelize
from voxprune.meshes.endings import READABLE
from voxprune.meshes.read import REMEDY, read_mesh

ENGINES = ("openvino", "onnxruntime")  # the faster first
CONVENTIONS, OCCUPANCIES, UPS = ("centred", "corner"), ("surface", "solid"), ("z", "y", "x")


@dataclass(frozen=True)
class Grid:
    """How a mesh becomes voxels, as labels.json says it: `voxprune.settings.voxels.Grid` without its package msgspec."""

    resolution: int
    convention: str
    occupancy: str
    padding: int
    scale: float | str
    up: str
    views: int = 1


@dataclass(frozen=True)
class Classifier:
    """labels: the classes, in order. grid: how voxels are made. run: float32 (1, 1, R, R, R) to logits (1, classes)."""

    labels: list
    grid: Grid
    run: callable


def load(folder, engine="auto"):
    """The classifier in a deployed folder. engine: one of ENGINES, or auto for the first that is installed.

    Raises InputError where the folder isn't one that export made, or the engine isn't installed.
    """
    folder = Path(folder)
    about = read_labels(folder)
    labels, grid = about["labels"], Grid(**about["voxels"])
    if not (folder / "model.onnx").is_file():
        raise InputError(f"{folder}: it holds no model.onnx, its README.md says why; use its C code (make)")
    run, shape = _engine(engine)(str(folder / "model.onnx"))
    if shape != [1, *[grid.resolution] * 3]:
        raise InputError(
            f"{folder}: model.onnx takes {shape}, not the {grid.resolution}^3 voxels of labels.json; export again"
        )
    if run(np.zeros((1, *shape), dtype=np.float32)).shape != (1, len(labels)):
        raise InputError(f"{folder}: model.onnx doesn't answer the {len(labels)} labels of labels.json; export again")
    return Classifier(labels, grid, run)


def read_labels(folder):
    """What labels.json in a deployed folder says, a dictionary. Raises InputError where there is none, or it is damaged."""
    try:
        about = json.loads((folder / "labels.json").read_text())
        about["labels"] = [str(label) for label in about["labels"]]
        _grid(about["voxels"])
    except FileNotFoundError:
        raise InputError(f"{folder}: it holds no labels.json; name a folder that scripts/export.py made") from None
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder / 'labels.json'}: it is damaged ({error}); export the model again") from error
    return about


def _grid(settings):
    """A Grid of settings that were read from a file; ValueError, KeyError or TypeError where one is none."""
    grid = Grid(**settings)
    choices = grid.convention in CONVENTIONS and grid.occupancy in OCCUPANCIES and grid.up in UPS
    sizes = isinstance(grid.resolution, int) and isinstance(grid.padding, int) and 0 <= 2 * grid.padding < grid.resolution
    if not choices or not sizes or not (grid.scale == "fit" or float(grid.scale) > 0):
        raise ValueError("a setting of its voxels is none")
    return grid


def _engine(name):
    """The function of an engine that loads an ONNX file: (what runs it, the shape of one object)."""
    for one in ENGINES if name == "auto" else [name]:
        if is_installed(one):
            return LOADERS[one]
    wanted = "onnxruntime nor openvino is" if name == "auto" else f"{name} is not"
    raise InputError(f"{'neither ' if name == 'auto' else ''}{wanted} installed; type pip install onnxruntime")


def is_installed(engine):
    """Whether an engine can be imported, which loads it."""
    try:
        __import__(engine)
    except ImportError:
        return False
    return True


def _onnxruntime(path):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # it raises kinds of its own
        raise InputError(
            f"{path}: ONNX Runtime can't read it ({first_line(error)[:120]}); export the model again"
        ) from error
    [about] = session.get_inputs()
    return lambda voxels: session.run(None, {about.name: voxels})[0], about.shape[1:]


def _openvino(path):
    import openvino

    try:
        model = openvino.Core().read_model(path)
        shape = [size.get_length() if size.is_static else None for size in model.inputs[0].partial_shape][1:]
        model.reshape([1, *(size or -1 for size in shape)])  # one object: quicker to load and to run than any number
        settings = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        request = openvino.compile_model(model, "CPU", settings).create_infer_request()
    except Exception as error:  # it raises kinds of its own
        raise InputError(f"{path}: OpenVINO can't read it ({first_line(error)[:120]}); export the model again") from error
    return in_own_memory(request), shape


LOADERS = {"openvino": _openvino, "onnxruntime": _onnxruntime}  # a file's path to (what runs it, the shape of one object)


def classify(classifier, path):
    """{file, class, confidence_percent, read_ms, voxelize_ms, network_ms} of one mesh.

    Raises InputError, naming the file, where the mesh can't be read or voxelized.
    """
    started = time.perf_counter()
    try:
        mesh = read_mesh(path)
    except InputError as error:
        raise InputError(str(error).replace(REMEDY, "repair it, or leave it out")) from error  # here is no config
    have_mesh = time.perf_counter()
    try:
        voxels = voxelize(mesh, classifier.grid)[None, None].astype(np.float32)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    have_voxels = time.perf_counter()
    logits = classifier.run(voxels)[0].astype(float)
    ended = time.perf_counter()
    shares = np.exp(logits - logits.max())
    best = int(shares.argmax())
    return {
        "file": str(path), "class": classifier.labels[best], "confidence_percent": float(100 * shares[best] / shares.sum()),
        "read_ms": 1000 * (have_mesh - started), "voxelize_ms": 1000 * (have_voxels - have_mesh),
        "network_ms": 1000 * (ended - have_voxels),
    }  # fmt: skip


def meshes(path):
    """The meshes that a path means: itself, or all in a folder and below, sorted. Raises InputError where there are none."""
    path = Path(path)
    if not path.is_dir():
        return [path]
    found = sorted(one for one in path.rglob("*") if one.suffix.lower() in READABLE and one.is_file())
    if not found:
        raise InputError(f"{path}: no mesh lies in this folder; name one with {' '.join(READABLE)} files")
    return found
