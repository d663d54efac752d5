"""Writes the page that puts the original study's claims beside two experiments, with its plots."""

import argparse
from pathlib import Path

import pandas as pd

from voxprune.core.command import run_command
from voxprune.core.files import atomic_write, read_json
from voxprune.report import original_study
from voxprune.report.figure import figure_drawn_by


def main(options):
    reproduction, correction = (
        (pd.read_csv(results / "statistics/levels.csv"), read_json(results / "answer.json"))
        for results in (options.reproduction, options.correction)
    )
    for name, draw in (("accuracy", original_study.accuracy), ("demand", original_study.demand)):
        with (
            figure_drawn_by(draw, reproduction, correction) as figure,
            atomic_write(options.pictures / f"original_study_{name}.png") as temporary,
        ):
            figure.savefig(temporary, format="png")
    with atomic_write(options.page) as temporary:
        temporary.write_text(original_study.page(reproduction, correction, options.commands))


def parse():
    parser = argparse.ArgumentParser(prog="compare_with_study", description=__doc__)
    parser.add_argument("--reproduction", type=Path, required=True, help="results/<experiment> of the published protocol")
    parser.add_argument("--correction", type=Path, required=True, help="results/<experiment> of the corrected one")
    parser.add_argument("--commands", nargs="+", required=True, help="how the two were run, for the page")
    parser.add_argument(
        "--page", type=Path, default=Path("docs/original-study.md"), help="output (default docs/original-study.md)"
    )
    parser.add_argument("--pictures", type=Path, default=Path("docs/pictures"), help="output: original_study_*.png")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
