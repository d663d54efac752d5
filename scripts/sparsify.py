"""Trains a parent on with a group lasso, which pushes whole filters towards zero, and writes its checkpoint and learning curve."""

import argparse
from pathlib import Path

import torch
from msgspec.structs import replace

from voxprune.core.command import add_gpus_option, run_command
from voxprune.core.errors import InputError
from voxprune.core.files import content_hash, write_csv
from voxprune.core.provenance import code_hash
from voxprune.networks.checkpoint import load_checkpoint, save_checkpoint
from voxprune.networks.cost import training_macs
from voxprune.networks.device import compute_repeatably, device_for, to_device
from voxprune.pruning.sparsity import shrinker
from voxprune.settings.files import network_files
from voxprune.settings.method import Method
from voxprune.settings.options import add_options
from voxprune.training.fit import CURVE, check_finite, fit
from voxprune.training.job import continued


def main(options):
    if options.sparsify is None or options.sparsify_epochs is None:
        raise InputError("give both --sparsify and --sparsify-epochs")
    compute_repeatably()
    network, origin = load_checkpoint(options.parent)
    torch.manual_seed(origin.seed)
    penalty, state = shrinker(network, options.sparsify), Path(f"{options.checkpoint}.resume")
    code = code_hash("sparsify", *network_files(network.description["network"]))
    settings = [content_hash([options.parent]), options.sparsify, options.sparsify_epochs]
    job = continued(
        to_device(network, device_for(options.gpus)), origin, options.voxels, state, code, settings,
        report=lambda line: print(f"seed {origin.seed}, group lasso: {line}", flush=True),
    )  # fmt: skip
    recipe = replace(origin.recipe, epochs=options.sparsify_epochs)
    curve = fit(
        network, recipe, job, stop_after=recipe.epochs, after_step=penalty
    )  # the last epoch is the sparsest, not the best
    check_finite(network, f"seed {origin.seed}, group lasso", "lower `sparsify` or `training: learning_rate`")
    macs = origin.training_macs + training_macs(network.to("cpu"), len(job.voxels), len(curve))
    save_checkpoint(
        network, options.checkpoint, replace(origin, total_epochs=origin.total_epochs + len(curve), training_macs=macs)
    )
    write_csv(options.curve, curve, CURVE)
    state.unlink(missing_ok=True)


def parse():
    parser = argparse.ArgumentParser(prog="sparsify", description=__doc__)
    parser.add_argument("--parent", required=True, help="checkpoint to train on")
    add_options(parser, Method, only=["sparsify", "sparsify_epochs"])
    parser.add_argument("--voxels", required=True, help="folder of shards; only training objects are used")
    add_gpus_option(parser)
    parser.add_argument("--checkpoint", required=True, help="output: .safetensors")
    parser.add_argument("--curve", required=True, help="output: .csv, one row an epoch")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
