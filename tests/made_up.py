"""Experiments made up from known truths, with every file that the answer is made from."""

import numpy as np
import pandas as pd
from write_answer import compare

from voxprune.answer import findings
from voxprune.answer.comparison import Outcomes
from voxprune.core.paths import network_folder

CLASSES = ["bed", "chair", "sofa"]
PERCENT_LOST = {"filter": {10: 0, 50: 0.5, 80: 20}, "weight": {10: 0, 50: 0, 80: 3}}  # of all objects, by method and level
APPLY = {"filter": "remove", "weight": "mask"}


def experiment(seeds=6, objects=2000, lost=PERCENT_LOST, right=0.9, unlucky=None):
    """(Outcomes, summary, demand): parents that get 90 % right, children that lose some more objects at random.

    unlucky: {(method, level): classes that it always gets wrong}.
    """
    rng = np.random.default_rng(0)
    labels = np.arange(objects) % len(CLASSES)
    parent = rng.random((seeds, objects)) < right
    correct, rows, demand = {("parent", 0): parent}, [], []
    for method, levels in {"parent": {0: 0}, **lost}.items():
        for level, percent in levels.items():
            if method != "parent":
                correct[method, level] = parent & (rng.random(parent.shape) >= percent / 100)
                for name in (unlucky or {}).get((method, level), []):
                    correct[method, level][:, labels == CLASSES.index(name)] = False
            rows += [summary_row(method, level, seed, objects) for seed in range(seeds)]
            demand += [demand_row(method, level, engine) for engine in ("torch", "openvino")]
    return Outcomes(correct, labels, CLASSES, list(range(seeds))), pd.DataFrame(rows), pd.DataFrame(demand)


def summary_row(method, level, seed, objects):
    kept = 1 - level / 100 if APPLY.get(method) == "remove" else 1
    return {
        "experiment": "made-up", "method": method, "level_percent": level, "seed": seed, "n_samples": objects,
        "unit": None if method == "parent" else method, "apply": APPLY.get(method), "criterion": None if method == "parent" else "l1", "collapsed": level == 100,
        "macs": 1e6 * kept**2, "effective_macs": 1e6 * (1 - level / 100), "parameters": 1e5 * kept,
        "nonzero_parameters": 1e5 * (1 - level / 100), "compressed_bytes": 1e5 * (1 - level / 200),
        "accuracy_percent": 90.0, "validation_accuracy_percent": 91.0, "finetune_epochs": 0 if method == "parent" else 5,
    }  # fmt: skip


def demand_row(method, level, engine):
    faster = APPLY.get(method) == "remove"
    share = 1 - 0.8 * level / 100 * faster
    latency = (100 if engine == "torch" else 20) * share
    return {
        "experiment": "made-up", "method": method, "level_percent": level, "seed": 0, "apply": APPLY.get(method),
        "detail": "full", "valid": True, "invalid_reasons": "", "drift_percent": 2.0, "engine": engine, "device": "cpu", "threads": 1, "batch_size": 64,
        "latency_ms.p50": latency, "latency_ms.p50_low": 0.99 * latency, "latency_ms.p50_high": 1.01 * latency, "latency_ms.n": 1000, "throughput_per_s": 640.0, "cpu_utilization_percent": 50.0,
        "speedup.mean": 1 / share, "speedup.low": 0.98 / share, "speedup.high": 1.02 / share,
        "speedup.least_percent": 4.0, "speedup.verdict": "faster" if faster else "no difference",
        "energy_mj_per_inference": None, "energy_ratio": None, "hardware.cpu": "A CPU", "hardware.cores": 2, "hardware.gpu": None,
    }  # fmt: skip


SETTINGS = {"margin_points": 1.0, "confidence_percent": 95.0}
ABOUT = {
    "dataset": "made-up", "network": "resnet3d", "resolution": 32, "epochs": 20, "plan_changes": [], "recipes_tested": 1,
}  # fmt: skip


def answer(outcomes, summary, demand, about=ABOUT):
    """(every table of the answer, the answer in numbers)."""
    tables = compare(outcomes, summary, demand, **SETTINGS)
    return tables, findings.find_answer(tables, summary, demand, SETTINGS, about)


def write_predictions(outcomes, results):
    """The `predictions.npz` of every network: a right answer where it is correct, the next class where it isn't."""
    files = np.array([f"{CLASSES[label]}/{number}.off" for number, label in enumerate(outcomes.labels)])
    for (method, level), correct in outcomes.correct.items():
        for seed, own in zip(outcomes.seeds, correct):
            answers = np.where(own, outcomes.labels, (outcomes.labels + 1) % len(CLASSES))
            path = network_folder(results, seed, method, level) / "predictions.npz"
            path.parent.mkdir(parents=True, exist_ok=True)
            logits = np.eye(len(CLASSES), dtype=np.float32)[answers]
            np.savez(path, logits=logits, labels=outcomes.labels, files=files, classes=np.array(CLASSES))
