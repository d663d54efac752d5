"""Writes the study's tables from the summary: the parent's, and one for each method."""

import argparse
from pathlib import Path

import pandas as pd

from voxprune.files import run_command
from voxprune.tables import read_summary, write_tables


def main(options):
    write_tables(read_summary(options.summary), pd.read_csv(options.demand), options.folder)


def parse():
    parser = argparse.ArgumentParser(prog="write_tables", description=__doc__)
    parser.add_argument("--summary", required=True, help="summary.csv")
    parser.add_argument("--demand", required=True, help="demand.csv")
    parser.add_argument("--folder", type=Path, required=True, help="output: <method>.csv, <method>.md, <method>_demand.md")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
