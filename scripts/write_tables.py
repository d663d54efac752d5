"""Writes the tables of the report: the study's and those of demand, levels, equal cost, fronts and classes."""

import argparse
from pathlib import Path

import pandas as pd

from voxprune.answer.summary import read_statistics, read_summary
from voxprune.core.command import run_command
from voxprune.core.files import read_json
from voxprune.deploy.choosing import add_device_files_option, read_devices
from voxprune.report.device_figures import write_device_table
from voxprune.report.tables import write_tables


def main(options):
    statistics, answer = read_statistics(options.statistics), read_json(options.answer)
    devices = read_devices(options.device_files, answer["experiment"])
    skipped = pd.read_csv(options.skipped, dtype=str)
    write_tables(read_summary(options.summary), pd.read_csv(options.demand), statistics, answer, skipped, options.folder)
    if devices is not None:
        write_device_table(devices, statistics["levels"], answer, options.folder)


def parse():
    parser = argparse.ArgumentParser(prog="write_tables", description=__doc__)
    parser.add_argument("--summary", required=True, help="summary.csv")
    parser.add_argument("--demand", required=True, help="demand.csv")
    parser.add_argument("--statistics", type=Path, required=True, help="folder of statistics, as write_answer makes it")
    parser.add_argument("--answer", required=True, help="answer.json")
    parser.add_argument("--skipped", required=True, help="skipped.csv of the voxels")
    add_device_files_option(parser)
    parser.add_argument("--folder", type=Path, required=True, help="output: each table as .md, .tex and .html")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
