"""Prunes each layer of a parent alone, to every level, and writes the accuracy on training objects kept apart (.csv)."""

import argparse

import pandas as pd

from voxprune import dataset, networks, sensitivity, training
from voxprune.files import run_command, whole


def main(options):
    network, made = networks.load(options.parent)
    device, share = training.device_for(options.gpus), made["training"]["validation_share"]
    voxels, objects = dataset.load_split(options.voxels, "train", network.description["classes"]), "training"
    if share:
        voxels, objects = dataset.split_validation(voxels, share, made["seed"])[1], "validation"
    rows = sensitivity.by_layer(
        training.place(network, device), voxels.to(device), objects, options.levels, lambda line: print(line, flush=True)
    )
    with whole(options.table) as temporary:
        pd.DataFrame(rows).to_csv(temporary, index=False)


def parse():
    parser = argparse.ArgumentParser(prog="measure_sensitivity", description=__doc__)
    parser.add_argument("--parent", required=True, help="checkpoint")
    parser.add_argument("--voxels", required=True, help="folder of shards; only training objects are used")
    parser.add_argument("--levels", type=int, nargs="+", required=True, help="percent of a layer's filters")
    parser.add_argument("--gpus", type=int, default=1, help="0 keeps to the CPU; otherwise CUDA where torch has it")
    parser.add_argument("--table", required=True, help="output: .csv, one row a layer and level")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
