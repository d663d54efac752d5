"""Lists the experiments that have results: what was run, how accurate the parents are, and what was found."""

import argparse
from pathlib import Path

import pandas as pd
import yaml

from voxprune.core.command import run_command
from voxprune.core.files import read_json


def main(options):
    rows = [describe(path) for path in sorted(options.results.glob("*/config.yaml"))]
    print(pd.DataFrame(rows).to_markdown(index=False) if rows else f"{options.results}: no experiment has run here")


def describe(path):
    """One experiment as a row; path: the config beside its results."""
    config, answer = yaml.safe_load(path.read_text()), path.with_name("answer.json")
    row = {
        "experiment": config["experiment"], "data set": config["dataset"]["name"], "network": config["network"],
        "resolution": config["voxels"]["resolution"], "epochs": config["training"]["epochs"], "seeds": len(config["seeds"]),
        "methods": len(config["methods"]), "levels": len(config["levels"]),
    }  # fmt: skip
    if not answer.is_file():
        return row | {"parent, %": "not finished"}
    found = read_json(answer)
    shown = [f"{name} {one['largest']['level_percent']:g} %" for name, one in found["methods"].items() if one["largest"]]
    return row | {"parent, %": f"{found['parent']['mean']:.1f}", "non-inferior up to": ", ".join(shown) or "none shown"}


def parse():
    parser = argparse.ArgumentParser(prog="list_experiments", description=__doc__)
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of all experiments (default results)")
    return parser


if __name__ == "__main__":
    run_command(main, parse())
