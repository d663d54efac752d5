"""Puts several finished experiments side by side: answers, settings that differ, networks against cost."""

import argparse
from pathlib import Path

import pandas as pd
import yaml

from voxprune.core.command import run_command
from voxprune.core.errors import InputError
from voxprune.core.files import atomic_write, read_json
from voxprune.report import side_by_side
from voxprune.report.figure import write_plot


def main(options):
    experiments = {name: read_experiment(options.results / name) for name in options.experiments}
    stem = options.results / "comparisons" / "-".join(options.experiments)
    write_plot(stem, side_by_side.accuracy_against_macs, experiments)
    page = stem.with_name(f"{stem.name}.md")
    with atomic_write(page) as temporary:
        temporary.write_text(side_by_side.page(experiments, f"{stem.name}.png"))
    print(page)


def read_experiment(folder):
    """(config, answer, levels) of a finished experiment. Raises InputError where it isn't finished."""
    files = folder / "config.yaml", folder / "answer.json", folder / "statistics/levels.csv"
    missing = next((path for path in files if not path.is_file()), None)
    if missing is not None:
        raise InputError(f"{missing} isn't there; run this experiment to its end, or copy its folder here from where it ran")
    return yaml.safe_load(files[0].read_text()), read_json(files[1]), pd.read_csv(files[2])


def parse():
    parser = argparse.ArgumentParser(prog="compare_experiments", description=__doc__)
    parser.add_argument("--experiments", nargs="+", required=True, help="names of experiments, folders in --results")
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of all experiments (default results)")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
