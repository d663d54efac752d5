"""Chooses the most accurate network within a budget, from what an experiment measured here, or from files that devices wrote."""

import argparse
import json
from pathlib import Path

import pandas as pd

from voxprune.core.command import run_command
from voxprune.core.errors import InputError
from voxprune.deploy.choosing import LIMITS, choose, read_devices, told


def main(options):
    levels = table(options.results / "statistics/levels.csv")
    if options.device_file:
        demand = read_devices(options.device_file, options.results.resolve().name)
    else:
        demand = table(options.results / "demand.csv")
    limits = {name: getattr(options, name) for name in LIMITS if getattr(options, name) is not None}
    choice = choose(levels, demand, limits, options.batch)
    if options.json:
        print(
            json.dumps({"fits": choice.fits, "over": choice.over, **json.loads(pd.Series(choice.row).to_json())}, indent=2)
        )
    else:
        print(told(choice, limits, options.batch))


def table(path):
    if not path.is_file():
        raise InputError(f"{path}: no such table; run the experiment first, and name its folder with --results")
    return pd.read_csv(path)


def limit(text):
    number = float(text)
    if not number >= 0:
        raise ValueError
    return number


def parse():
    parser = argparse.ArgumentParser(prog="choose", description=__doc__)
    parser.add_argument("--results", type=Path, required=True, help="folder of the experiment, results/<experiment>")
    parser.add_argument(
        "--device-file",
        type=Path,
        action="append",
        help="what bench_device.py or ./classify --bench --json wrote on a device: choose for it instead of this machine; "
        "may be given again",
    )
    parser.add_argument("--batch", type=int, default=1, help="batch size of the latency (default 1)")
    parser.add_argument("--latency-ms", type=limit, help="most milliseconds a batch, median")
    parser.add_argument("--energy-mj", type=limit, help="most millijoules an object")
    parser.add_argument("--macs", type=limit, help="most multiply-accumulates an object")
    parser.add_argument("--bytes", type=limit, help="most stored bytes, compressed")
    parser.add_argument("--loss-points", type=limit, help="most points of accuracy below the parent")
    parser.add_argument("--json", action="store_true", help="print all figures of the choice as JSON")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
