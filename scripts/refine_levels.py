"""Adds the levels that halve the gap between the last level that keeps accuracy and the first that loses it.

Writes a config with the longer list of levels. Ends with status 0 while there is something to run, 3 when every gap is 1 % or holds no
difference that the validation objects can show.
"""

import argparse
import sys

import pandas as pd
import yaml

from voxprune.answer.refinement import gaps, next_level, resolution_points
from voxprune.core.command import run_command
from voxprune.core.files import atomic_write


def main(options):
    summary = pd.read_csv(options.summary)
    methods = summary[summary["method"] != "parent"].groupby("level_percent")["method"].nunique()
    # The workflow adds level 0 to some methods; in the list it would be a level of all of them.
    levels = {int(level) for level, count in methods.items() if level or count == methods.max()}
    wanted, found, resolution = set(), gaps(summary, options.tolerance), resolution_points(summary)
    print(f"the validation objects can show differences of about {resolution:.1f} points", flush=True)
    for method, gap in found.items():
        print(f"{method}: {told(gap, resolution)}", flush=True)
        wanted |= {next_level(gap, resolution) if gap else None} - {None}
    if not wanted:
        sys.exit(3)
    print(f"next: {', '.join(f'{level} %' for level in sorted(wanted))}", flush=True)
    with atomic_write(options.config) as temporary:
        temporary.write_text(yaml.safe_dump({"levels": sorted(levels | wanted)}))


def told(gap, resolution):
    if gap is None:
        return "kept at every level"
    lost = "lost" if gap.drop_points >= resolution else f"{gap.drop_points:.1f} points less, too few to be shown,"
    return f"kept at {gap.kept} %, {lost} at {gap.lost} %"


def parse():
    parser = argparse.ArgumentParser(prog="refine_levels", description=__doc__)
    parser.add_argument("--summary", required=True, help="summary.csv of a finished run")
    parser.add_argument("--tolerance", type=float, default=1.0, help="points of validation accuracy (default 1.0)")
    parser.add_argument("--config", required=True, help="output: .yaml with the key levels, for --configfile")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
