"""Draws the plots of accuracy, demand and training, PNG and SVG, each with its caption."""

import argparse
from pathlib import Path

import pandas as pd

from voxprune.answer.summary import read_statistics, read_summary
from voxprune.core.command import run_command
from voxprune.core.files import read_json
from voxprune.deploy.choosing import add_device_files_option, read_devices
from voxprune.report.plots import write_plots


def main(options):
    curves = {seed: pd.read_csv(path) for seed, path in zip(options.seeds, options.curves)}
    retraining = {method_and_level(path): pd.read_csv(path) for path in options.retraining}
    answer = read_json(options.answer)
    devices = read_devices(options.device_files, answer["experiment"])
    write_plots(
        read_summary(options.summary), pd.read_csv(options.demand), read_statistics(options.statistics), answer,
        curves, retraining, pd.read_csv(options.sensitivity), options.folder, options.gpu, devices,
    )  # fmt: skip


def method_and_level(path):
    """('taylor', 50) of `.../taylor/level050/retraining.csv`."""
    folder = Path(path).parent
    return folder.parent.name, int(folder.name.removeprefix("level"))


def parse():
    parser = argparse.ArgumentParser(prog="draw_plots", description=__doc__)
    parser.add_argument("--summary", required=True, help="summary.csv")
    parser.add_argument("--demand", required=True, help="demand.csv")
    parser.add_argument("--statistics", type=Path, required=True, help="folder of statistics, as write_answer makes it")
    parser.add_argument("--answer", required=True, help="answer.json")
    parser.add_argument("--sensitivity", required=True, help="sensitivity.csv")
    parser.add_argument("--seeds", type=int, nargs="+", required=True, help="the parents' seeds")
    parser.add_argument("--curves", nargs="+", required=True, help="their training.csv, in the same order")
    parser.add_argument("--retraining", nargs="*", default=[], help="<method>/level<ppp>/retraining.csv of one seed")
    add_device_files_option(parser)
    parser.add_argument("--gpu", action="store_true", help="draw a GPU's utilization also where none was measured")
    parser.add_argument("--folder", type=Path, required=True, help="output: <plot>.png, .svg and .rst (caption)")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
