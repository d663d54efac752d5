"""Writes the study's tables from the summary: the parent's, and one for each method."""

import argparse
from pathlib import Path

from voxprune.files import run_command
from voxprune.tables import read_summary, write_tables


def main(options):
    write_tables(read_summary(options.summary), options.folder)


def parse():
    parser = argparse.ArgumentParser(prog="write_tables", description=__doc__)
    parser.add_argument("--summary", required=True, help="summary.csv")
    parser.add_argument("--folder", type=Path, required=True, help="output: <method>.csv and <method>.md are written in it")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
