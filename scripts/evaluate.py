"""Evaluates checkpoints on the test split: predictions (.npz) and metrics (.json) of each."""

import argparse
import time
from datetime import UTC, datetime

import msgspec
import numpy as np

from voxprune.core import provenance
from voxprune.core.command import add_gpus_option, run_command
from voxprune.core.errors import InputError
from voxprune.core.files import atomic_write, write_json
from voxprune.networks import evaluation
from voxprune.networks.build import resolution_of
from voxprune.networks.checkpoint import load_checkpoint
from voxprune.networks.cost import activation_bytes, network_cost, removed_percent, stored_bytes
from voxprune.networks.device import device_for, to_device
from voxprune.settings.files import network_files
from voxprune.training import fit
from voxprune.voxels import dataset


def main(options):
    if not len(options.checkpoints) == len(options.metrics) == len(options.predictions):
        raise InputError("give as many --metrics and --predictions as --checkpoints")
    parent, origin = load_checkpoint(options.parent)
    classes, share, device = parent.description["classes"], origin.recipe.validation_share, device_for(options.gpus)
    voxels = dataset.load_split(options.voxels, "test", classes).to(device)
    validation = dataset.load_training(options.voxels, classes, share, origin.seed)[1].to(device) if share else None
    parents_cost = network_cost(parent)
    for files in zip(options.checkpoints, options.metrics, options.predictions):
        evaluate(*files, options, parents_cost, voxels, validation)


def evaluate(checkpoint, metrics, predictions, options, parents_cost, voxels, validation):
    """Writes the metrics and predictions of one checkpoint. validation: voxels, None where there are none."""
    started, clock = datetime.now(UTC), time.monotonic()
    network, origin = load_checkpoint(checkpoint)
    classes = network.description["classes"]
    if voxels.resolution != resolution_of(network):
        raise InputError(
            f"{checkpoint}: trained at resolution {resolution_of(network)}, but {options.voxels} "
            f"holds {voxels.resolution}; retrain or point to the right voxels"
        )
    paper = cost_on_paper(network, parents_cost, checkpoint)
    logits = evaluation.predict(to_device(network, voxels.packed.device), voxels)
    voted = {"voted_logits": evaluation.vote(network, voxels, logits).numpy()} if voxels.views > 1 else {}
    logits, labels = logits.numpy(), voxels.labels.cpu().numpy()
    with atomic_write(predictions) as temporary, open(temporary, "wb") as file:
        np.savez(file, logits=logits, labels=labels, files=voxels.files, classes=np.array(classes), **voted)
    figures = {
        "experiment": options.experiment, "method": origin.method, "level_percent": origin.level_percent, "seed": origin.seed,
        "unit": origin.pruning and origin.pruning.unit, "apply": origin.pruning and origin.pruning.apply,
        "criterion": origin.pruning and origin.pruning.criterion,
        "split": "test", "n_samples": len(voxels), **evaluation.accuracies(logits.argmax(axis=1), labels, classes),
        "voted_accuracy_percent": voted_accuracy_percent(voted, labels),
        "validation_accuracy_percent": None if validation is None else fit.accuracy_percent(network, validation),
        "n_validation": 0 if validation is None else len(validation),
        **paper, "equality_max_abs_difference": origin.equality_max_abs_difference,
        "collapsed": evaluation.collapsed(network), "finetune_epochs": origin.finetune_epochs,
        **{name: getattr(origin, name) for name in ("total_epochs", "teacher_epochs", "training_macs", "retraining_macs")},
    }  # fmt: skip
    seconds = round(time.monotonic() - clock, 3)
    where_from = provenance_of(network, origin) | {"started": started.isoformat(timespec="seconds"), "seconds": seconds}
    write_json(metrics, figures | {"provenance": where_from})


def cost_on_paper(network, parents_cost, checkpoint):
    """What a network costs, and what pruning took of its parent."""
    own = network_cost(network)
    return {
        **{name: own[name] for name in ("parameters", "nonzero_parameters", "macs", "effective_macs", "widths")},
        "activation_bytes": activation_bytes(network),
        **stored_bytes(checkpoint),
        "removed_percent": removed_percent(parents_cost, own),
    }


def provenance_of(network, origin):
    """Where the figures come from: code, settings, data, versions, machine."""
    return {
        "git_commit": provenance.git_commit(),
        "code_hash": provenance.code_hash("evaluate", *network_files(network.description["network"])),
        "config_hash": provenance.settings_hash(msgspec.to_builtins(origin)),
        "data_hash": origin.data_hash,
        "versions": provenance.versions(),
        "hardware": provenance.hardware(),
    }


def voted_accuracy_percent(voted, labels):
    """Accuracy when all views of an object vote; None where there is one view."""
    return 100 * float((voted["voted_logits"].argmax(axis=1) == labels).mean()) if voted else None


def parse():
    parser = argparse.ArgumentParser(prog="evaluate", description=__doc__)
    parser.add_argument("--checkpoints", nargs="+", required=True)
    parser.add_argument("--parent", required=True, help="the checkpoint they were pruned from, for what was removed")
    parser.add_argument("--voxels", required=True, help="folder of shards; the test split is used")
    parser.add_argument("--experiment", default="", help="name written into the metrics")
    add_gpus_option(parser)
    parser.add_argument("--metrics", nargs="+", required=True, help="outputs, one a checkpoint: .json")
    parser.add_argument(
        "--predictions",
        nargs="+",
        required=True,
        help="outputs, one a checkpoint: .npz with logits, labels, files, classes; voted_logits",
    )
    return parser


if __name__ == "__main__":
    run_command(main, parse())
