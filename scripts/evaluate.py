"""Evaluates one checkpoint on the test split: predictions (.npz) and metrics (.json)."""

import argparse
import time
from datetime import UTC, datetime

import numpy as np

from voxprune import dataset, evaluation, networks, provenance, training
from voxprune.files import InputError, run_command, whole, write_json


def main(options):
    started, clock = datetime.now(UTC), time.monotonic()
    network, made = networks.load(options.checkpoint)
    parent, _ = networks.load(options.parent)
    classes = network.description["classes"]
    voxels = dataset.load_split(options.voxels, "test", classes)
    if voxels.resolution != network.description["resolution"]:
        raise InputError(
            f"{options.checkpoint}: trained at resolution {network.description['resolution']}, but {options.voxels} "
            f"holds {voxels.resolution}; retrain or point to the right voxels"
        )
    cost = evaluation.cost(network)
    device = training.device_for(options.gpus)
    voxels = voxels.to(device)
    logits = evaluation.predict(training.place(network, device), voxels)
    voted = {"voted_logits": evaluation.vote(network, voxels, logits).numpy()} if voxels.views > 1 else {}
    logits, labels = logits.numpy(), voxels.labels.cpu().numpy()
    validation = validation_accuracy_percent(network, made, options.voxels, device)
    with whole(options.predictions) as temporary, open(temporary, "wb") as file:
        np.savez(file, logits=logits, labels=labels, files=voxels.files, classes=np.array(classes), **voted)
    write_json(
        options.metrics,
        {
            "experiment": options.experiment,
            "method": made["method"],
            "level_percent": made["level_percent"],
            "seed": made["seed"],
            "unit": made.get("pruning", {}).get("unit"),
            "realise": made.get("pruning", {}).get("realise"),
            "split": "test",
            "n_samples": len(voxels),
            **evaluation.accuracies(logits.argmax(axis=1), labels, classes),
            "voted_accuracy_percent": voted_accuracy_percent(voted, labels),
            "validation_accuracy_percent": validation,
            **{name: cost[name] for name in ("parameters", "nonzero_parameters", "macs", "effective_macs", "widths")},
            "activation_bytes": evaluation.activation_bytes(network),
            **evaluation.stored_bytes(options.checkpoint),
            "removed_percent": evaluation.removed_percent(evaluation.cost(parent), cost),
            "equality_max_abs_difference": made.get("equality_max_abs_difference"),
            "collapsed": evaluation.collapsed(network),
            "finetune_epochs": made.get("finetune_epochs", 0),
            "provenance": {
                "git_commit": provenance.git_commit(),
                "code_hash": provenance.code_hash("evaluate"),
                "config_hash": provenance.settings_hash(made),
                "data_hash": made["data_hash"],
                "versions": provenance.versions(),
                "hardware": provenance.hardware(),
                "started": started.isoformat(timespec="seconds"),
                "seconds": round(time.monotonic() - clock, 3),
            },
        },
    )


def voted_accuracy_percent(voted, labels):
    """Accuracy when all views of an object vote; None where there is one view."""
    return 100 * float((voted["voted_logits"].argmax(axis=1) == labels).mean()) if voted else None


def validation_accuracy_percent(network, made, folder, device):
    """Accuracy on the parent's validation objects, by which levels may be chosen; None where none were kept apart."""
    share = made["training"]["validation_share"]
    if not share:
        return None
    voxels = dataset.load_split(folder, "train", network.description["classes"])
    _, validation = dataset.split_validation(voxels, share, made["seed"])
    return training.accuracy_percent(network, validation.to(device))


def parse():
    parser = argparse.ArgumentParser(prog="evaluate", description=__doc__)
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--parent", required=True, help="the checkpoint it was pruned from, for what was removed")
    parser.add_argument("--voxels", required=True, help="folder of shards; the test split is used")
    parser.add_argument("--experiment", default="", help="name written into the metrics")
    parser.add_argument("--gpus", type=int, default=1, help="0 keeps to the CPU; otherwise CUDA where torch has it")
    parser.add_argument("--metrics", required=True, help="output: .json")
    parser.add_argument(
        "--predictions", required=True, help="output: .npz with logits, labels, files, classes; voted_logits"
    )
    return parser


if __name__ == "__main__":
    run_command(main, parse())
