"""Draws an optional target's table: the staircase of latency, or the criteria's correlations."""

import argparse
from pathlib import Path

import pandas as pd

from voxprune.core.command import run_command
from voxprune.report import demand_plots, figure, training_plots


def plot_of(table):
    """The plot that shows a table: that of the criteria's correlations has a column of that name."""
    return training_plots.criteria_correlations if "correlation" in table else demand_plots.staircase


def main(options):
    table = pd.read_csv(options.table)
    figure.write_plot(options.table.with_suffix(""), plot_of(table), table, table["note"].iloc[0])


def parse():
    parser = argparse.ArgumentParser(prog="draw_optional", description=__doc__)
    parser.add_argument(
        "--table", type=Path, required=True, help="staircase.csv or correlations.csv; .png and .svg go beside"
    )
    return parser


if __name__ == "__main__":
    run_command(main, parse())
