"""Writes the tables of the report: the study's and those of demand, levels, equal cost, fronts and classes."""

import argparse
from pathlib import Path

import pandas as pd

from voxprune.answer.summary import read_statistics, read_summary
from voxprune.core.command import run_command
from voxprune.core.files import read_json
from voxprune.report.tables import write_tables


def main(options):
    write_tables(
        read_summary(options.summary), pd.read_csv(options.demand), read_statistics(options.statistics), read_json(options.answer),
        pd.read_csv(options.skipped, dtype=str), options.folder,
    )  # fmt: skip


def parse():
    parser = argparse.ArgumentParser(prog="write_tables", description=__doc__)
    parser.add_argument("--summary", required=True, help="summary.csv")
    parser.add_argument("--demand", required=True, help="demand.csv")
    parser.add_argument("--statistics", type=Path, required=True, help="folder of statistics, as write_answer makes it")
    parser.add_argument("--answer", required=True, help="answer.json")
    parser.add_argument("--skipped", required=True, help="skipped.csv of the voxels")
    parser.add_argument("--folder", type=Path, required=True, help="output: each table as .md, .tex and .html")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
