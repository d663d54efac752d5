"""Gathers the metrics and demand of all networks into one tidy table, a row a network."""

import argparse

from voxprune.files import run_command, whole
from voxprune.tables import summarise


def main(options):
    table = summarise(options.metrics, options.demand)
    with whole(options.summary) as temporary:
        table.to_csv(temporary, index=False)


def parse():
    parser = argparse.ArgumentParser(prog="summarise", description=__doc__)
    parser.add_argument("--metrics", nargs="+", required=True, help="metrics.json files")
    parser.add_argument("--demand", nargs="+", required=True, help="demand.json files")
    parser.add_argument("--summary", required=True, help="output: .csv")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
