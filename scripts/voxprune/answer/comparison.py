"""Every network against its parent, and methods against each other at equal cost, from stored predictions alone.

Tables of one row a (method, level): `levels`; and by seed, by class, by budget, by pair of methods.
Accuracies are in percent, differences in points of percent, both over all seeds and test objects.
"""

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from voxprune.answer import statistics
from voxprune.answer.statistics import Estimate
from voxprune.answer.summary import COSTS, at_cell, fastest_cell
from voxprune.core.errors import InputError
from voxprune.core.paths import network_folder
from voxprune.measurement.noise import Ratio, verdict

PARENT = ("parent", 0)
BUDGETS = (75, 50, 25, 10)  # percent of the parent's cost, at which methods are compared
MOST_SEEDS = 50  # that `seeds_needed` tries


@dataclass(frozen=True)
class Outcomes:
    """Which test objects each network got right.

    correct: {(method, level): bool (seeds, objects)}, PARENT among them, the levels of a method in ascending order.
    labels: int (objects,), index into classes. seeds: in the order of the rows.
    """

    correct: dict
    labels: np.ndarray
    classes: list
    seeds: list


def load_outcomes(summary: pd.DataFrame, results: str | Path) -> Outcomes:
    """Outcomes of every network of a summary, from its `predictions.npz` under the folder `results`.

    Raises InputError where a network lacks a seed, or was tested on other objects than the first.
    """
    first: Any
    seeds, correct, first = sorted(summary["seed"].unique().tolist()), {}, None
    networks = dict(list(summary.groupby(["method", "level_percent"])))
    for method, level in sorted(networks, key=lambda network: (network[0] != "parent", network)):
        rows = networks[method, level]
        if sorted(rows["seed"]) != seeds:
            raise InputError(f"{results}: {method} {level:g} % lacks a seed; run the same command again")
        answers = []
        for seed in seeds:
            path = network_folder(results, seed, method, level) / "predictions.npz"
            with np.load(path) as predictions:
                tested = predictions["labels"], predictions["files"], predictions["classes"]
                first = first or tested
                if not all(np.array_equal(one, other) for one, other in zip(first, tested)):
                    raise InputError(f"{path}: tested on other objects than the rest; delete it and run again")
                answers.append(predictions["logits"].argmax(axis=1) == tested[0])
        correct[method, level] = np.stack(answers)
    return Outcomes(correct, first[0], first[2].tolist(), seeds)


def compare_levels(
    outcomes: Outcomes, summary: pd.DataFrame, demand: pd.DataFrame, margin_points: float, confidence: float
) -> pd.DataFrame:
    """One row a (method, level): accuracy, difference to the parent, tests, and mean cost over seeds.

    `verdict`: non-inferior where Holm's p over all rows tested is small enough; inferior where the whole interval lies
    below minus margin_points; else undecided. Collapsed networks answer the same to all objects and are inferior untested.
    `seeds_needed`: of undecided ones, at the strictness of Holm's correction at their place. margin_points: points.
    """
    networks = summary.groupby(["method", "level_percent"])
    about, collapsed, cost = networks[["unit", "apply"]].first(), networks["collapsed"].any(), costs(summary, demand)
    parent, rows, conservative = outcomes.correct[PARENT], [], []
    for (method, level), correct in outcomes.correct.items():
        conservative.append(statistics.difference(correct, parent, confidence, conservative=True))
        rows.append(
            {
                "method": method, "level_percent": level, **about.loc[(method, level)].to_dict(),
                "collapsed": bool(collapsed[method, level]),
                **_against_parent(correct, parent, outcomes, confidence),
                "p_non_inferior": statistics.non_inferiority(conservative[-1], margin_points),
                **cost.loc[(method, level)].to_dict(),
            }
        )  # fmt: skip
    table = pd.DataFrame(rows)
    tested = (table["method"] != "parent") & ~table["collapsed"]
    table["p_holm"] = np.nan
    table.loc[tested, "p_holm"] = statistics.holm(table.loc[tested, "p_non_inferior"])
    table["verdict"] = np.select(
        [
            table["method"] == "parent",
            table["collapsed"] | (table["difference_points_high"] < -margin_points),
            table["p_holm"] <= 1 - confidence,
        ],
        ["parent", "inferior", "non-inferior"],
        "undecided",
    )
    place = table.loc[tested, "p_non_inferior"].rank(method="first").reindex(table.index, fill_value=1)
    strictness = 1 - (1 - confidence) / (tested.sum() + 1 - place)
    table["seeds_needed"] = [
        statistics.seeds_needed(found, len(outcomes.seeds), margin_points, strict, MOST_SEEDS) if undecided else None
        for found, strict, undecided in zip(conservative, strictness, table["verdict"] == "undecided")
    ]
    return table


def _against_parent(correct, parent, outcomes, confidence):
    """What is known of one network's accuracy: by itself, against its parent, and by class."""
    found = statistics.difference(correct, parent, confidence)
    by_class = class_differences(correct, parent, outcomes, confidence)
    worst = min(by_class, key=lambda name: by_class[name].mean)
    tests = [statistics.mcnemar(*pair) for pair in zip(correct, parent)]
    return {
        **_interval("accuracy_percent", statistics.accuracy(correct, confidence)), **_interval("difference_points", found),
        "p_sign_flip": statistics.sign_flip((correct.mean(axis=1) - parent.mean(axis=1)).tolist()),
        "p_mcnemar_lowest": min(p for _, _, p in tests),
        "lost": sum(lost for lost, _, _ in tests), "gained": sum(gained for _, gained, _ in tests),
        "balanced_difference_points": 100 * float(np.mean([one.mean for one in by_class.values()])),
        "worst_class": worst, **_interval("worst_class_points", by_class[worst]),
        "detectable_drop_points": 100 * statistics.detectable_drop(found, confidence),
    }  # fmt: skip


def costs(summary: pd.DataFrame, demand: pd.DataFrame) -> pd.DataFrame:
    """Mean cost over seeds, a row a (method, level): the columns of COSTS, and `speedup` with its interval and verdict.

    Latency and energy are those of `fastest_cell`: the parent's own, times what the network takes of its parent in the job
    that measured both side by side; the parent's where they don't differ outside the noise. NaN where not measured.
    """
    keys = ["method", "level_percent"]
    table = summary.groupby(keys)[["macs", "effective_macs", "parameters", "nonzero_parameters", "compressed_bytes"]].mean()
    energy = ["energy_mj_per_inference", "energy_share", "energy_noise_percent"]  # where no network has them, not numbers
    cell = at_cell(demand, fastest_cell(demand)).astype(dict.fromkeys(energy, float)).groupby(keys)
    for name in ("mean", "low", "high"):
        table[f"speedup_{name}"] = cell[f"speedup.{name}"].mean()
    noise = cell["speedup.noise_percent"].max().reindex(table.index)
    ratios = zip(table["speedup_mean"], table["speedup_low"], table["speedup_high"])
    table["speedup_verdict"] = [
        None if pd.isna(ratio[0]) else verdict(Ratio(*ratio), percent) for ratio, percent in zip(ratios, noise)
    ]
    share = (1 / table["speedup_mean"]).where(table["speedup_verdict"] != "no difference", 1.0)
    table["latency_ms"] = share * cell["latency_ms.p50"].mean()[PARENT]
    share, noise = (cell[name].mean().reindex(table.index) for name in energy[1:])
    inside = np.abs(np.log(share)) <= np.log1p(noise / 100)
    table["energy_mj"] = share.mask(inside, 1.0) * cell[energy[0]].mean()[PARENT]
    return table


def class_differences(correct: np.ndarray, parent: np.ndarray, outcomes: Outcomes, confidence: float) -> dict[str, Estimate]:
    """{class: Estimate of the difference among its objects}; a class without test objects is left out."""
    return {
        name: statistics.difference(correct[:, mine], parent[:, mine], confidence)
        for name, mine in ((name, outcomes.labels == label) for label, name in enumerate(outcomes.classes))
        if mine.any()
    }


def compare_seeds(outcomes: Outcomes, confidence: float) -> pd.DataFrame:
    """One row a (method, level, seed): accuracy with Wilson's interval, and McNemar's test against the seed's parent."""
    rows = []
    for (method, level), correct in outcomes.correct.items():
        for seed, own, parent in zip(outcomes.seeds, correct, outcomes.correct[PARENT]):
            low, high = statistics.wilson(own.sum(), len(own), confidence)
            lost, gained, p = statistics.mcnemar(own, parent)
            rows.append(
                {
                    "method": method, "level_percent": level, "seed": seed, "accuracy_percent": 100 * own.mean(),
                    "accuracy_percent_low": 100 * low, "accuracy_percent_high": 100 * high,
                    "lost": lost, "gained": gained, "p_mcnemar": p,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def compare_classes(outcomes: Outcomes, confidence: float) -> pd.DataFrame:
    """One row a (method, level, class): accuracy, and difference to the parent among the objects of that class."""
    rows = []
    for (method, level), correct in outcomes.correct.items():
        for name, found in class_differences(correct, outcomes.correct[PARENT], outcomes, confidence).items():
            own = correct[:, outcomes.labels == outcomes.classes.index(name)]
            rows.append(
                {
                    "method": method, "level_percent": level, "class": name, "n_samples": own.shape[1],
                    "accuracy_percent": 100 * own.mean(), **_interval("difference_points", found),
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def compare_at_budgets(outcomes: Outcomes, levels: pd.DataFrame, confidence: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Methods at equal cost: two tables, (method against the parent, method against method).

    levels: from `compare_levels`. At each cost and each of BUDGETS a method's outcomes are interpolated between its two
    nearest levels, object by object, so that pairs stay pairs; methods that don't reach a budget are left out.
    `among_best`: the paired interval of the difference to the row's best method includes zero.
    """
    singles, pairs = [], []
    for cost, percent, values in _at_budgets(outcomes, levels):
        parent = outcomes.correct[PARENT].astype(float)
        at = {"cost": cost, "budget_percent": percent}
        best = max(values, key=lambda method: values[method].mean())
        for method, own in values.items():
            behind = statistics.difference(own, values[best], confidence)
            singles.append(
                {
                    **at, "method": method, "accuracy_percent": 100 * own.mean(),
                    **_interval("difference_points", statistics.difference(own, parent, confidence)),
                    "among_best": behind.high >= 0,
                }
            )  # fmt: skip
        for one, other in combinations(values, 2):
            found = statistics.difference(values[one], values[other], confidence)
            pairs.append({**at, "method": one, "other": other, **_interval("difference_points", found)})
    # A table without rows has a column all the same, so that its file can be read back.
    return tuple(pd.DataFrame(rows, columns=None if rows else ["cost"]) for rows in (singles, pairs))


def _at_budgets(outcomes, levels):
    """Yields (cost, budget in percent, {method: outcomes float (seeds, objects)}) where any method reaches the budget."""
    usable = levels[~levels["collapsed"]]
    parent = levels[levels["method"] == "parent"].iloc[0]
    for cost in COSTS:
        if pd.isna(parent[cost]):
            continue
        for percent in BUDGETS:
            values = {}
            for method, rows in usable[usable["method"] != "parent"].groupby("method", sort=False):
                rows = rows[rows[cost].notna()]
                points = [*zip(rows[cost], zip(rows["method"], rows["level_percent"]))]
                if not (rows["level_percent"] == 0).any():  # else that is the method's own start: the parent, trained on
                    points.append((parent[cost], PARENT))
                found = statistics.at_cost(
                    [at for at, _ in points], [outcomes.correct[key] for _, key in points], percent / 100 * parent[cost]
                )
                if found is not None:
                    values[method] = found
            if values:
                yield cost, percent, values


def fronts(levels: pd.DataFrame) -> pd.DataFrame:
    """Which networks no other beats: the rows of `levels` that run, with a column `front_<cost>` for each of COSTS."""
    table = levels[~levels["collapsed"]].copy()
    for cost in COSTS:
        known = table[cost].notna()
        table[f"front_{cost}"] = False
        if known.any():
            table.loc[known, f"front_{cost}"] = statistics.pareto(
                table.loc[known, cost], table.loc[known, "accuracy_percent"]
            )
    return table


def hypervolumes(outcomes: Outcomes, levels: pd.DataFrame) -> pd.DataFrame:
    """One row a (cost, method): the share of the area between chance and full accuracy, no cost and the parent's, that the
    method's levels and the parent dominate; mean, lowest and highest over seeds.
    """
    usable, rows = levels[~levels["collapsed"]], []
    parent = levels[levels["method"] == "parent"].iloc[0]
    chance = 1 / len(outcomes.classes)
    for cost in COSTS:
        if pd.isna(parent[cost]):
            continue
        for method, own in usable[usable["method"] != "parent"].groupby("method", sort=False):
            own = own[own[cost].notna()]
            points = [PARENT, *zip(own["method"], own["level_percent"])]
            accuracies = np.stack([outcomes.correct[key].mean(axis=1) for key in points])
            areas = [
                statistics.hypervolume([parent[cost], *own[cost]], by_seed, parent[cost], chance) for by_seed in accuracies.T
            ]
            rows.append(
                {"cost": cost, "method": method, "hypervolume": np.mean(areas), "lowest": min(areas), "highest": max(areas)}
            )
    return pd.DataFrame(rows, columns=None if rows else ["cost"])


def _interval(name, estimate):
    """An Estimate of shares as three columns in percent."""
    return {name: 100 * estimate.mean, f"{name}_low": 100 * estimate.low, f"{name}_high": 100 * estimate.high}
