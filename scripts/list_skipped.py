"""Gathers the meshes that were left out of a data set's voxels, one row each: split, class, file, reason."""

import argparse
import csv
from pathlib import Path

from voxprune.core.command import run_command
from voxprune.core.files import atomic_write


def main(options):
    with atomic_write(options.skipped) as temporary, open(temporary, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("split", "class", "file", "reason"))
        for table in map(Path, options.tables):
            with open(table, newline="") as rows:
                skipped = [row for row in csv.DictReader(rows) if row["status"] == "skipped"]
            writer.writerows((table.parent.name, table.stem, row["file"], row["reason"]) for row in skipped)


def parse():
    parser = argparse.ArgumentParser(prog="list_skipped", description=__doc__)
    parser.add_argument("--tables", nargs="+", required=True, help="<split>/<class>.csv of the voxels")
    parser.add_argument("--skipped", required=True, help="output: .csv, only the column names where none was left out")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
