"""Prunes each layer of a parent alone, to every level, and writes the accuracy (.csv) on validation objects."""

import argparse

from voxprune.core.command import add_gpus_option, run_command
from voxprune.core.files import write_csv
from voxprune.networks.checkpoint import load_checkpoint
from voxprune.networks.device import device_for, to_device
from voxprune.pruning import sensitivity
from voxprune.voxels import dataset


def main(options):
    network, origin = load_checkpoint(options.parent)
    device, share = device_for(options.gpus), origin.recipe.validation_share
    voxels, objects = dataset.load_split(options.voxels, "train", network.description["classes"]), "training"
    if share:
        voxels, objects = dataset.split_validation(voxels, share, origin.seed)[1], "validation"
    rows = sensitivity.by_layer(
        to_device(network, device), voxels.to(device), objects, options.levels, lambda line: print(line, flush=True)
    )
    write_csv(options.table, rows, sensitivity.COLUMNS)


def parse():
    parser = argparse.ArgumentParser(prog="measure_sensitivity", description=__doc__)
    parser.add_argument("--parent", required=True, help="checkpoint")
    parser.add_argument("--voxels", required=True, help="folder of shards; only training objects are used")
    parser.add_argument("--levels", type=int, nargs="+", required=True, help="percent of a layer's filters")
    add_gpus_option(parser)
    parser.add_argument("--table", required=True, help="output: .csv, one row a layer and level")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
