"""Trains the parent network of one seed and writes its checkpoint and learning curve."""

import argparse
import dataclasses
from pathlib import Path

import torch

from voxprune import dataset, networks, training
from voxprune.augmentation import Augmentation
from voxprune.files import run_command


def main(options):
    augmentation = Augmentation(**{field.name: getattr(options, field.name) for field in dataclasses.fields(Augmentation)})
    plain = [field.name for field in dataclasses.fields(training.Recipe) if field.name != "augmentation"]
    recipe = training.Recipe(**{name: getattr(options, name) for name in plain}, augmentation=augmentation)
    torch.manual_seed(options.seed)
    torch.use_deterministic_algorithms(True, warn_only=True)
    voxels = dataset.load_split(options.voxels, "train", options.classes)
    device = training.device_for(options.gpus)
    fitted, validation = dataset.split_validation(voxels, recipe.validation_share, options.seed)
    network = networks.build(options.network, voxels.resolution, options.classes)
    made = {
        "method": "parent", "level_percent": 0, "seed": options.seed, "training": dataclasses.asdict(recipe),
        "data_hash": dataset.data_hash(options.voxels, options.classes),
    }  # fmt: skip
    state = Path(f"{options.checkpoint}.resume")
    curve = training.fit(
        network, fitted.to(device), validation.to(device), recipe, options.seed, state,
        training.fingerprint("train", network, device, made),
        report=lambda line: print(f"seed {options.seed}: {line}", flush=True),
    )  # fmt: skip
    training.check_finite(network, f"seed {options.seed}", "lower `training: learning_rate`")
    networks.save(network, options.checkpoint, made)
    training.write_curve(options.curve, curve)
    state.unlink(missing_ok=True)


def parse():
    parser = argparse.ArgumentParser(prog="train", description=__doc__)
    parser.add_argument("--voxels", required=True, help="folder of shards, <split>/<class>.npy")
    parser.add_argument("--classes", nargs="+", action="extend", required=True, help="in the order of the labels")
    parser.add_argument("--network", default="original", help=f"{', '.join(networks.NETWORKS)} or package.module:Class")
    parser.add_argument("--seed", type=int, default=0, help="of initial weights, order and validation split (default 0)")
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--optimiser", choices=("sgd", "adam"), default="sgd", help="adam is AdamW")
    parser.add_argument("--learning-rate", type=float, required=True)
    parser.add_argument("--momentum", type=float, default=0.9, help="of sgd (default 0.9)")
    parser.add_argument("--weight-decay", type=float, default=0.0)
    parser.add_argument("--schedule", choices=("constant", "cosine", "onecycle"), default="constant")
    parser.add_argument("--label-smoothing", type=float, default=0.0, help="share of the target spread over all classes")
    parser.add_argument("--average-decay", type=float, default=0.0, help="of the moving average of the weights; 0: none")
    parser.add_argument(
        "--logit-adjustment", type=float, default=0.0, help="times log(share of a class), added to its logits; 0: none"
    )
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32", help="of convolutions")
    parser.add_argument("--rotation-degrees", type=float, default=0.0, help="turn about the up axis by up to this")
    parser.add_argument("--flip-probability", type=float, default=0.0, help="of mirroring x, and of mirroring y")
    parser.add_argument("--scale-percent", type=float, default=0.0, help="stretch each axis by up to this")
    parser.add_argument("--shift-cells", type=int, default=0, help="move by up to this on each axis")
    parser.add_argument(
        "--mixup-alpha", type=float, default=0.0, help="mix objects in pairs by shares from Beta(alpha, alpha)"
    )
    parser.add_argument("--validation-share", type=float, default=0.0, help="of each class's objects (default 0)")
    parser.add_argument("--gpus", type=int, default=1, help="0 keeps to the CPU; otherwise CUDA where torch has it")
    parser.add_argument("--checkpoint", required=True, help="output: .safetensors")
    parser.add_argument("--curve", required=True, help="output: .csv, one row an epoch")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
