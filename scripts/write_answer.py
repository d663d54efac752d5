"""Answers the experiment's question from stored predictions: statistics (.csv), and the answer as .json and .md."""

import argparse
from pathlib import Path

import pandas as pd
import yaml

from voxprune.answer import budgets, comparison, findings, power, sentences
from voxprune.answer.summary import read_summary
from voxprune.core import plan
from voxprune.core.command import run_command
from voxprune.core.files import atomic_write, write_json
from voxprune.settings.answer import Answer
from voxprune.settings.options import add_options


def main(options):
    summary, demand = read_summary(options.summary), pd.read_csv(options.demand)
    settings = {"margin_points": options.margin_points, "confidence_percent": options.confidence_percent}
    tables = compare(comparison.load_outcomes(summary, options.results), summary, demand, **settings)
    for name, table in tables.items():
        with atomic_write(options.results / f"statistics/{name}.csv") as temporary:
            table.to_csv(temporary, index=False)
    skipped, about = pd.read_csv(options.skipped, dtype=str), about_experiment(options.results)
    found = findings.find_answer(tables, summary, demand, settings, about, len(skipped))
    write_json(options.results / "answer.json", found)
    with atomic_write(options.results / "answer.md") as temporary:
        temporary.write_text(sentences.render(sentences.tell(found, options.pictures), "markdown"))


def compare(outcomes, summary, demand, margin_points, confidence_percent):
    """{name: table} of everything that is compared."""
    confidence = confidence_percent / 100
    tables = comparison.compare(outcomes, summary, demand, margin_points, confidence)
    return tables | {
        "budgets": budgets.compare_at_budgets(outcomes, tables["levels"], confidence),
        "power": power.power_found(outcomes, tables["levels"], margin_points, 1 - confidence),
    }


def about_experiment(results):
    """What the answer says of its experiment besides figures. results: the folder with config.yaml and plan.json of the run."""
    config, plans = yaml.safe_load((results / "config.yaml").read_text()), plan.read_plans(results)
    return {
        "dataset": config["dataset"]["name"],
        "network": config["network"],
        "resolution": config["voxels"]["resolution"],
        "epochs": config["training"]["epochs"],
        "plan_changes": plan.changes(plans),
        "recipes_tested": plan.recipes_tested(results.parent, config["dataset"]["name"]),
    }


def parse():
    parser = argparse.ArgumentParser(prog="write_answer", description=__doc__)
    parser.add_argument("--results", type=Path, required=True, help="folder of the experiment: predictions in, answer out")
    parser.add_argument("--summary", required=True, help="summary.csv")
    parser.add_argument("--demand", required=True, help="demand.csv")
    parser.add_argument("--skipped", required=True, help="skipped.csv of the voxels")
    parser.add_argument("--pictures", nargs="*", default=[], help="plots that answer.md shows, as seen from --results")
    add_options(parser, Answer)
    return parser


if __name__ == "__main__":
    run_command(main, parse())
