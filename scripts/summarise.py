"""Gathers all networks' metrics into one tidy table, a row a network, and their demand into another, a row a cell."""

import argparse

from voxprune.files import run_command, whole
from voxprune.tables import gather_demand, summarise


def main(options):
    for table, path in (
        (summarise(options.metrics), options.summary),
        (gather_demand(options.demand), options.demand_table),
    ):
        with whole(path) as temporary:
            table.to_csv(temporary, index=False)


def parse():
    parser = argparse.ArgumentParser(prog="summarise", description=__doc__)
    parser.add_argument("--metrics", nargs="+", required=True, help="metrics.json files")
    parser.add_argument("--demand", nargs="+", required=True, help="demand.json files")
    parser.add_argument("--summary", required=True, help="output: .csv, a row a network")
    parser.add_argument("--demand-table", required=True, help="output: .csv, a row a network and cell of measuring")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
