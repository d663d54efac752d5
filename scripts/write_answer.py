"""Answers the experiment's question from stored predictions: statistics (.csv), and the answer as .json, .md and .rst."""

import argparse
from pathlib import Path

import pandas as pd

from voxprune.answer import comparison, findings, sentences
from voxprune.answer.summary import read_summary
from voxprune.core.command import run_command
from voxprune.core.files import atomic_write, write_json
from voxprune.settings.answer import Answer
from voxprune.settings.options import add_options


def main(options):
    summary, demand = read_summary(options.summary), pd.read_csv(options.demand)
    confidence = options.confidence_percent / 100
    outcomes = comparison.load_outcomes(summary, options.results)
    levels = comparison.compare_levels(outcomes, summary, demand, options.margin_points, confidence)
    budgets, pairs = comparison.compare_at_budgets(outcomes, levels, confidence)
    tables = {
        "levels": levels,
        "seeds": comparison.compare_seeds(outcomes, confidence),
        "classes": comparison.compare_classes(outcomes, confidence),
        "budgets": budgets,
        "pairs": pairs,
        "fronts": comparison.fronts(levels),
        "hypervolumes": comparison.hypervolumes(outcomes, levels),
    }
    for name, table in tables.items():
        with atomic_write(options.results / f"statistics/{name}.csv") as temporary:
            table.to_csv(temporary, index=False)
    skipped = pd.read_csv(options.skipped, dtype=str)
    found = findings.find_answer(levels, budgets, summary, demand, options.margin_points, confidence, len(skipped))
    write_json(options.results / "answer.json", found)
    for markup, ending in (("markdown", "md"), ("rst", "rst")):
        with atomic_write(options.results / f"answer.{ending}") as temporary:
            temporary.write_text(sentences.render(sentences.tell(found), markup))


def parse():
    parser = argparse.ArgumentParser(prog="write_answer", description=__doc__)
    parser.add_argument("--results", type=Path, required=True, help="folder of the experiment: predictions in, answer out")
    parser.add_argument("--summary", required=True, help="summary.csv")
    parser.add_argument("--demand", required=True, help="demand.csv")
    parser.add_argument("--skipped", required=True, help="skipped.csv of the voxels")
    add_options(parser, Answer)
    return parser


if __name__ == "__main__":
    run_command(main, parse())
