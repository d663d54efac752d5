"""Gathers all networks' metrics into one tidy table, a row a network, and their demand into another, a row a cell."""

import argparse
from pathlib import Path

from voxprune.answer.summary import gather_demand, summarise
from voxprune.core.command import run_command
from voxprune.core.files import atomic_write
from voxprune.core.paths import network_folder


def main(options):
    networks = [(seed, "parent", 0) for seed in options.seeds]
    networks += [(seed, name, level) for seed in options.seeds for name in options.methods for level in options.levels]
    measured = {tuple(one.rsplit("/", 1)) for one in options.measured}
    demand = [
        network_folder(options.results, seed, name, level) / "demand.json"
        for seed, name, level in networks
        if (name, str(seed)) in measured
    ]
    networks += [(seed, name, 0) for seed in options.seeds for name in options.trained_on]
    metrics = [network_folder(options.results, *network) / "metrics.json" for network in networks]
    for table, path in ((summarise(metrics), options.summary), (gather_demand(demand), options.demand_table)):
        with atomic_write(path) as temporary:
            table.to_csv(temporary, index=False)


def parse():
    parser = argparse.ArgumentParser(prog="summarise", description=__doc__)
    # Axes and not files: thousands of names don't fit on a command line.
    parser.add_argument("--results", type=Path, required=True, help="folder of the experiment, results/<experiment>")
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    parser.add_argument("--methods", nargs="+", required=True, help="besides the parent")
    parser.add_argument("--levels", type=int, nargs="+", required=True, help="percent")
    parser.add_argument(
        "--trained-on",
        nargs="*",
        default=[],
        help="methods that have a level 0 besides: the parent trained on, which isn't measured",
    )
    parser.add_argument(
        "--measured", nargs="+", required=True, help="<method>/<seed> that have a demand.json, parent among them"
    )
    parser.add_argument("--summary", required=True, help="output: .csv, a row a network")
    parser.add_argument("--demand-table", required=True, help="output: .csv, a row a network and cell of measuring")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
