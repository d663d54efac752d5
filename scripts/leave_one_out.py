"""Leaves every filter of a parent out, one by one, and ranks the criteria by how well they predict the rise of the loss."""

import argparse
from pathlib import Path

from voxprune.core.command import run_command
from voxprune.core.files import write_csv
from voxprune.networks.checkpoint import load_checkpoint
from voxprune.pruning import leave_one_out
from voxprune.pruning.scoring import add_sample_option, load_sample


def main(options):
    network, origin = load_checkpoint(options.parent)
    sample = load_sample(options.voxels, network, origin, options.criterion_objects)
    rows = leave_one_out.compare(network, sample, lambda line: print(line, flush=True))
    note = f"{len(sample.labels)} training objects, seed {origin.seed}, {network.description['network']}"
    for name, table in (("filters", rows), ("correlations", leave_one_out.rank_correlations(rows))):
        write_csv(options.folder / f"{name}.csv", [row | {"note": note} for row in table])


def parse():
    parser = argparse.ArgumentParser(prog="leave_one_out", description=__doc__)
    parser.add_argument("--parent", required=True, help="checkpoint")
    parser.add_argument("--voxels", required=True, help="folder of shards; only training objects are used")
    add_sample_option(parser)
    parser.add_argument("--folder", type=Path, required=True, help="output: filters.csv and correlations.csv")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
