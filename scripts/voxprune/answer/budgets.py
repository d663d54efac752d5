"""Methods against each other at equal cost, from stored predictions alone."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from voxprune.answer import statistics
from voxprune.answer.comparison import PARENT, Outcomes, interval_columns
from voxprune.answer.summary import below_the_parent

BUDGETS = (75, 50, 25, 10)  # percent of the parent's cost, at which methods are compared
COUNTED = ("macs", "parameters", "compressed_bytes")  # costs that are counted, not measured
CLOSE_PERCENT = 2  # a network that costs as much as the budget to within this is compared itself
EQUAL_EPOCHS = 1.05  # totals that differ by no more than this factor count as equal


def compare_at_budgets(outcomes: Outcomes, levels: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """One row a (cost, budget, method) that reaches the budget: accuracy, difference to the parent, and how it compares.

    levels: from `comparison.compare`. `interpolated`: no network of the method has that cost, so its outcomes are taken between its two
    nearest levels, object by object, so that pairs stay pairs; never between the parent and the lowest level, where none was
    tested. `among_best`: not told apart from the row's best by paired tests of all pairs of the row, corrected for their number (Holm). `equal_training`: all methods of the row were trained for as many epochs.
    """
    rows: list = []
    parent = outcomes.correct[PARENT].astype(float)
    for cost, percent, values in _at_budgets(outcomes, levels):
        best = max(values, key=lambda method: values[method].correct.mean())
        same = _not_told_apart(values, best, 1 - confidence)
        epochs = [one.total_epochs for one in values.values()]
        for method, own in values.items():
            found = statistics.difference(own.correct, parent, confidence)
            rows.append(
                {
                    "cost": cost, "budget_percent": percent, "method": method, "interpolated": own.interpolated,
                    "accuracy_percent": 100 * own.correct.mean(), **interval_columns("difference_points", found),
                    "total_epochs": own.total_epochs, "among_best": method in same,
                    "equal_training": not max(epochs) > EQUAL_EPOCHS * min(epochs),  # also where they aren't known
                }
            )  # fmt: skip
    # A table without rows has a column all the same, so that its file can be read back.
    return pd.DataFrame(rows, columns=None if rows else ["cost"])


def _not_told_apart(values, best, allowed):
    """The methods whose difference to the best could be chance."""
    pairs = list(combinations(values, 2))
    differences = [statistics.difference(values[a].correct, values[b].correct, conservative=True) for a, b in pairs]
    p_values = [2 * statistics.upper_tail(abs(one.mean) / max(one.error, 1e-12), one.freedom) for one in differences]
    told = {other for pair, p in zip(pairs, statistics.holm(p_values)) if best in pair and p <= allowed for other in pair}
    return {best} | (set(values) - told)


@dataclass(frozen=True)
class _Method:
    """What one method is at one budget. correct: float (seeds, objects). total_epochs: NaN where it isn't known."""

    correct: np.ndarray
    interpolated: bool
    total_epochs: float


def _at_budgets(outcomes, levels):
    """Yields (cost, budget in percent, {method: what it is there}) where any method reaches the budget."""
    usable = _usable(levels)
    parent = levels[levels["method"] == "parent"].iloc[0]
    for cost in COUNTED:
        for percent in BUDGETS:
            values = {}
            for method, rows in usable.groupby("method", sort=False):
                found = _at_budget(outcomes, rows, cost, percent / 100 * parent[cost])
                if found is not None:
                    values[method] = found
            if values:
                yield cost, percent, values


def _usable(levels):
    """Networks that run; of level 0, the parent trained on, only where every method has one, so that all start alike."""
    pruned = levels[~levels["collapsed"] & (levels["method"] != "parent")]
    everywhere = (pruned["level_percent"] == 0).sum() == pruned["method"].nunique()
    return pruned if everywhere else below_the_parent(pruned)


def _at_budget(outcomes, rows, cost, budget):
    """What a method is at a budget, None where it doesn't reach it. rows: its levels that run."""
    epochs = float(rows["total_epochs"].iloc[-1]) if "total_epochs" in rows else float("nan")
    nearest = rows.iloc[(rows[cost] - budget).abs().argmin()]
    if abs(nearest[cost] / budget - 1) <= CLOSE_PERCENT / 100:
        correct = outcomes.correct[nearest["method"], nearest["level_percent"]]
        return _Method(correct.astype(float), False, epochs)
    tested = [outcomes.correct[key] for key in zip(rows["method"], rows["level_percent"])]
    found = statistics.at_cost(list(rows[cost]), tested, budget)
    return None if found is None else _Method(found, True, epochs)
