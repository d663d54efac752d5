"""Leaves every filter of a parent out, one by one, and ranks the criteria by how well they foresee the loss's rise."""

import argparse
from pathlib import Path

import pandas as pd

from voxprune import criteria, dataset, networks, oracle
from voxprune.files import run_command, whole


def main(options):
    network, made = networks.load(options.parent)
    classes, seed, share = network.description["classes"], made["seed"], made["training"]["validation_share"]
    sample = criteria.Sample(*dataset.sample(options.voxels, classes, options.objects, seed, share), seed)
    rows = oracle.compare(network, sample, lambda line: print(line, flush=True))
    note = f"{len(sample.labels)} training objects, seed {seed}, {network.description['network']}"
    for name, table in (("filters", rows), ("correlations", oracle.rank_correlations(rows))):
        with whole(options.folder / f"{name}.csv") as temporary:
            pd.DataFrame(table).assign(note=note).to_csv(temporary, index=False)


def parse():
    parser = argparse.ArgumentParser(prog="compare_criteria", description=__doc__)
    parser.add_argument("--parent", required=True, help="checkpoint")
    parser.add_argument("--voxels", required=True, help="folder of shards; only training objects are used")
    parser.add_argument("--objects", type=int, default=256, help="training objects for loss and criteria (default 256)")
    parser.add_argument("--folder", type=Path, required=True, help="output: filters.csv and correlations.csv")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
