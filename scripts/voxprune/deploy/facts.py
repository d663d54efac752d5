"""What the workflow found out about a network, as a model card takes it."""

from dataclasses import dataclass

import msgspec
import numpy as np
import torch

from voxprune.answer import statistics
from voxprune.deploy.onnx_files import answer
from voxprune.settings.method import Method
from voxprune.voxels import dataset

BATCH = 16


def card_facts(origin, metrics=None, demand=None, data_name="", terms=""):
    """The keys of `card.model_card` that a network's Origin, metrics.json and demand.json (dictionaries or None) give."""
    made = {"method": origin.method, "level_percent": origin.level_percent, "seed": origin.seed}
    facts = {"how": _how(origin), "origin": made}
    if metrics:
        made |= {"experiment": metrics["experiment"]} if "experiment" in metrics else {}
        count = metrics["n_samples"]
        right = round(metrics["accuracy_percent"] * count / 100)
        low, high = statistics.wilson(right, count)
        facts |= {
            "accuracy_percent": metrics["accuracy_percent"], "accuracy_interval_percent": (100 * low, 100 * high),
            "per_class_accuracy_percent": metrics["per_class_accuracy_percent"],
            "experiment": metrics.get("experiment"),
            "data": {"name": data_name or "an unnamed data set", "test_objects": count} | ({"terms": terms} if terms else {}),
        }  # fmt: skip
    if demand:
        facts["latency"] = _latency(demand)
    return facts


def _how(origin):
    if origin.pruning is None:
        return f"It is not pruned: this is the parent, trained with seed {origin.seed}."
    plain = {field.name: field.default for field in msgspec.structs.fields(Method)}
    settings = {name: value for name, value in msgspec.structs.asdict(origin.pruning).items() if value != plain[name]}
    details = ", ".join(f"{name} `{value}`" for name, value in settings.items())
    return f"By the method `{origin.method}` at {origin.level_percent} %, from the parent of seed {origin.seed} ({details})."


def _latency(demand):
    machine = demand["manifest"]["hardware"]["cpu"]
    return [
        {
            "engine": cell["engine"], "precision": "float32", "threads": cell["threads"], "batch_size": cell["batch_size"],
            "median_ms": cell["latency_ms"]["p50"], "machine": machine if cell["device"] == "cpu" else cell["device"],
        }
        for cell in demand["cells"]
        if not cell["unavailable"]
    ]  # fmt: skip


def agreement(contents, voxels):
    """{file: Change} of how each ONNX file answers on the test objects beside model.onnx. contents: {file: bytes}."""
    found = {name: _classes(content, voxels) for name, content in contents.items()}
    labels = voxels.labels.numpy()
    return {name: compared(found[name], found["model.onnx"], labels) for name in found if name != "model.onnx"}


def _classes(content, voxels):
    parts = [answer(content, inputs.numpy()).argmax(axis=1) for inputs, _ in dataset.batches(voxels, BATCH)]
    return np.concatenate(parts)


@dataclass(frozen=True)
class Change:
    """How other arithmetic changes a network's answers: points of accuracy with the 95 % interval, and objects of another class."""

    points: float
    low: float
    high: float
    differ: int
    objects: int


def compared(found, expected, labels):
    """The Change from `expected` to `found`, classes int (n,), over paired objects.

    The interval is that of Agresti and Min (2005, "Simple improved confidence intervals for comparing matched proportions"): half an
    object more of each kind, so that no difference among few objects isn't taken for none at all.
    """
    gained, lost = (
        int(((one == labels) & (other != labels)).sum()) for one, other in ((found, expected), (expected, found))
    )
    count, more = len(labels), len(labels) + 2
    middle, spread = (gained - lost) / more, 1.96 * np.sqrt(gained + lost + 1 - (gained - lost) ** 2 / more) / more
    ends = (100 * (middle - spread), 100 * (middle + spread))
    return Change(100 * (gained - lost) / count, *map(float, ends), int((found != expected).sum()), count)


def calibration_inputs(folder, classes, count, seed):
    """Training voxels in view 0, evenly from the classes, for eight-bit ranges: float32 (n, 1, R, R, R)."""
    inputs, _ = dataset.sample(folder, classes, count, seed)
    return inputs if len(inputs) else torch.zeros(0)
