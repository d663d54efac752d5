"""Says, before anything is trained, how often experiments of several sizes would show that a network is safe that loses nothing."""

import argparse

import pandas as pd

from voxprune.answer.power import DISAGREEMENT_PERCENT, SEED_SD_POINTS, SEEDS, assumed_spread, power_by_seeds
from voxprune.answer.sentences import ENOUGH_PERCENT
from voxprune.answer.summary import counted
from voxprune.core.command import run_command
from voxprune.core.files import atomic_write
from voxprune.settings.answer import Answer
from voxprune.settings.options import add_options


def main(options):
    objects = sum((pd.read_csv(path)["status"] == "ok").sum() for path in options.tables)
    allowed, seeds = 1 - options.confidence_percent / 100, sorted({options.seeds, *SEEDS})
    table = power_by_seeds(objects, options.methods, options.margin_points, allowed, assumed_spread(), seeds)
    with atomic_write(options.power) as temporary:
        table.to_csv(temporary, index=False)
    print(
        f"{counted(int(objects), 'test object')}, {counted(options.methods, 'method')}, a margin of {counted(options.margin_points, 'point')}: of 100 "
        "experiments, in how many is a method's first level shown that loses nothing?"
    )
    for _, row in table.iterrows():
        here = "   <- as configured" if row["seeds"] == options.seeds else ""
        print(f"  with {counted(int(row['seeds']), 'seed'):>8}: {row['power_percent']:3.0f}{here}")
    print(
        f"This assumes that {DISAGREEMENT_PERCENT:g} % of the answers change by pruning and that seeds differ by {SEED_SD_POINTS:g} points; the "
        f"finished experiment tells it from what it found. {advice(table['power_percent'].max())}"
    )


def advice(most_percent):
    """What would show more. most_percent: of experiments that show it, with the most seeds."""
    if most_percent < ENOUGH_PERCENT:
        return "Seeds alone don't do it: test more objects, or allow more points (`answer: margin_points`)."
    return "More seeds show more, more methods less."


def parse():
    parser = argparse.ArgumentParser(prog="foresee_power", description=__doc__)
    parser.add_argument("--tables", nargs="+", required=True, help="the tables (.csv) of the voxels of the test split")
    parser.add_argument("--methods", type=int, required=True, help="how many methods are tested, controls left out")
    parser.add_argument("--seeds", type=int, required=True, help="how many seeds the config has")
    parser.add_argument("--power", required=True, help="output: .csv, a row a number of seeds")
    add_options(parser, Answer)
    return parser


if __name__ == "__main__":
    run_command(main, parse())
