"""Trains the parent network of one seed, or the first epochs of it, and writes its checkpoint and learning curve."""

import argparse
from pathlib import Path

import msgspec
import torch

from voxprune.core.command import add_gpus_option, run_command
from voxprune.core.errors import InputError
from voxprune.core.files import write_csv
from voxprune.core.provenance import code_hash
from voxprune.networks.build import build_network
from voxprune.networks.checkpoint import save_checkpoint
from voxprune.networks.cost import training_macs
from voxprune.networks.device import compute_repeatably, device_for
from voxprune.networks.origin import Origin
from voxprune.settings.files import network_files
from voxprune.settings.network import DEFAULT_NETWORK
from voxprune.settings.options import add_options, from_options
from voxprune.settings.training import Augmentation, Recipe, Training
from voxprune.settings.voxels import Grid
from voxprune.training.fit import CURVE, check_finite, fit
from voxprune.training.job import Job, fingerprint
from voxprune.voxels import dataset, shards


def main(options):
    torch.manual_seed(options.seed)
    compute_repeatably()
    recipe = from_options(Recipe, options, augmentation=from_options(Augmentation, options))
    if options.stop_after is not None and not 0 < options.stop_after < recipe.epochs:
        raise InputError(f"--stop-after {options.stop_after} is no epoch before the last of {recipe.epochs}; choose another")
    grid, data = from_options(Grid, options), shards.data_hash(options.voxels, options.classes)
    device, state = device_for(options.gpus), Path(f"{options.checkpoint}.resume")
    fitted, validation = dataset.load_training(options.voxels, options.classes, recipe.validation_share, options.seed)
    network = build_network(options.network, fitted.resolution, options.classes)
    code = code_hash("train", *network_files(options.network))
    job = Job(
        fitted.to(device), validation.to(device), options.seed, state,
        fingerprint(code, network, device, msgspec.to_builtins([options.seed, recipe, grid, data, options.stop_after])),
        report=lambda line: print(f"seed {options.seed}: {line}", flush=True),
    )  # fmt: skip
    curve = fit(network, recipe, job, stop_after=options.stop_after)
    check_finite(network, f"seed {options.seed}", "lower `training: learning_rate`")
    macs = training_macs(network, len(fitted), len(curve))
    save_checkpoint(network, options.checkpoint, Origin(options.seed, recipe, grid, data, len(curve), macs))
    write_csv(options.curve, curve, CURVE)
    state.unlink(missing_ok=True)


def parse():
    parser = argparse.ArgumentParser(prog="train", description=__doc__)
    parser.add_argument("--voxels", required=True, help="folder of shards, <split>/<class>.npy")
    parser.add_argument("--classes", nargs="+", action="extend", required=True, help="in the order of the labels")
    parser.add_argument(
        "--network", default=DEFAULT_NETWORK, help=f"a built-in name or package.module:Class (default {DEFAULT_NETWORK})"
    )
    parser.add_argument("--seed", type=int, default=0, help="of initial weights, order and validation split (default 0)")
    add_options(parser, Training)
    add_options(parser, Augmentation)
    add_options(parser, Grid)
    parser.add_argument(
        "--stop-after", type=int, metavar="EPOCH", help="the network as it is after this epoch, for methods with `prune_at`"
    )
    add_gpus_option(parser)
    parser.add_argument("--checkpoint", required=True, help="output: .safetensors")
    parser.add_argument("--curve", required=True, help="output: .csv, one row an epoch")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
