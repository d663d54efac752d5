"""Draws an optional target's table: the staircase of latency, or the criteria's correlations."""

import argparse
from pathlib import Path

import pandas as pd

from voxprune.core.command import run_command
from voxprune.report import demand_plots, figure, training_plots

PLOTS = {"staircase": demand_plots.staircase, "correlations": training_plots.criteria_correlations}  # by the table's name


def main(options):
    table = pd.read_csv(options.table)
    figure.write_plot(options.table.with_suffix(""), PLOTS[options.table.stem], table, table["note"].iloc[0])


def parse():
    parser = argparse.ArgumentParser(prog="draw_optional", description=__doc__)
    parser.add_argument(
        "--table", type=Path, required=True, help="staircase.csv or correlations.csv; .png and .svg go beside"
    )
    return parser


if __name__ == "__main__":
    run_command(main, parse())
