"""Every network against its parent, from stored predictions alone.

Tables of one row a (method, level): `levels`; and by seed and by class.
Accuracies are in percent, differences in points of percent, both over all seeds and test objects.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from voxprune.answer import sequence, statistics
from voxprune.answer.statistics import Estimate
from voxprune.answer.summary import at_cell, fastest_cell
from voxprune.core.errors import InputError
from voxprune.core.paths import network_folder
from voxprune.measurement.noise import Ratio, verdict
from voxprune.settings.method import CONTROL

PARENT = ("parent", 0)
BREAK_MARGINS, BREAK_P = 5, 0.01  # a seed broke: it lost so many margins, and McNemar's test says that this is no chance


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


def compare(
    outcomes: Outcomes, summary: pd.DataFrame, demand: pd.DataFrame, margin_points: float, confidence: float
) -> dict[str, pd.DataFrame]:
    """The tables `levels`, `seeds` and `classes`."""
    seeds, classes = compare_seeds(outcomes, margin_points, confidence), compare_classes(outcomes, confidence)
    levels = _compare_levels(outcomes, summary, costs(summary, demand), seeds, classes, margin_points, confidence)
    return {"levels": levels, "seeds": seeds, "classes": classes}


def _compare_levels(outcomes, summary, cost, seeds, classes, margin_points, confidence):
    """One row a (method, level): accuracy, difference to the parent, tests, and mean cost over seeds.

    `verdict`: non-inferior where `p_sequence` is small enough; inferior where the whole interval of this level by itself lies
    below minus margin_points; else undecided. `at_worst_points`: the bound that decides, see `sequence.strictness`.
    `broken_seeds`: see BREAK_MARGINS. Collapsed networks answer the same to all objects and are inferior untested.
    """
    networks = summary.groupby(["method", "level_percent"])
    about, collapsed = networks[["unit", "apply", "criterion"]].first(), networks["collapsed"].any()
    seeds, classes = (dict(list(table.groupby(["method", "level_percent"]))) for table in (seeds, classes))
    parent, rows, cautious = outcomes.correct[PARENT], [], []
    for (method, level), correct in outcomes.correct.items():
        cautious.append(statistics.difference(correct, parent, confidence, conservative=True))
        rows.append(
            {
                "method": method, "level_percent": level, **about.loc[(method, level)].to_dict(),
                "control": about.loc[(method, level), "criterion"] == CONTROL,
                "collapsed": bool(collapsed[method, level]),
                **interval_columns("accuracy_percent", statistics.accuracy(correct, confidence)),
                **interval_columns("difference_points", statistics.difference(correct, parent, confidence)),
                **_of_seeds(seeds[method, level], confidence), **_of_classes(classes[method, level]),
                "p_non_inferior": statistics.non_inferiority(cautious[-1], margin_points),
                **cost.loc[(method, level)].to_dict(),
            }
        )  # fmt: skip
    table = pd.DataFrame(rows)
    table["p_sequence"], strictness = _in_sequence(table, 1 - confidence)
    table["at_worst_points"] = [100 * statistics.at_worst(*pair) for pair in zip(cautious, strictness)]
    table["verdict"] = np.select(
        [
            table["method"] == "parent",
            table["collapsed"] | (table["difference_points_high"] < -margin_points),
            table["p_sequence"] <= 1 - confidence,
        ],
        ["parent", "inferior", "non-inferior"],
        "undecided",
    )
    return table


def _in_sequence(table, allowed):
    """(adjusted p, the error that a row's test is allowed), a value a row. Controls are tested like one more method each, and
    cost the methods nothing. Level 0 is tested by itself and decides about no other level: nothing is pruned there, and not every
    method has it.
    """
    pruned = table[table["method"] != "parent"]
    tested = pruned[pruned["level_percent"] > 0]
    p_values = tested["p_non_inferior"].where(~tested["collapsed"], 1.0).groupby(tested["method"], sort=False).agg(list)
    methods = [name for name in methods_that_share(table) if name in p_values]
    share = allowed / max(1, len(methods))
    adjusted = dict(zip(methods, sequence.adjusted([p_values[name] for name in methods])))
    strictness = dict(zip(methods, sequence.strictness(list(adjusted.values()), allowed)))
    for name in set(p_values.index) - set(methods):
        adjusted[name] = (len(methods) * np.maximum.accumulate(p_values[name])).clip(max=1).tolist()
    for name, p in pruned.loc[pruned["level_percent"] == 0, ["method", "p_non_inferior"]].itertuples(index=False):
        adjusted[name] = [min(1.0, max(1, len(methods)) * p), *adjusted.get(name, [])]
    strictness = dict.fromkeys(adjusted, share) | strictness
    adjusted["parent"], strictness["parent"] = [np.nan], allowed
    return np.concatenate([adjusted[name] for name in dict.fromkeys(table["method"])]), table["method"].map(strictness)


def methods_that_share(levels: pd.DataFrame) -> list[str]:
    """The methods that share the allowed error: all but the controls, or where there are only controls, those."""
    pruned = levels[levels["method"] != "parent"]
    return list(dict.fromkeys(pruned.loc[~pruned["control"], "method"])) or list(dict.fromkeys(pruned["method"]))


def _of_seeds(rows, confidence):
    """What the seeds of one network say together. rows: its rows in the table of `compare_seeds`."""
    seeds, broken = len(rows), int(rows["broke"].sum())
    return {
        "lost": int(rows["lost"].sum()), "gained": int(rows["gained"].sum()), "seeds": seeds, "broken_seeds": broken,
        "breaks_at_most_percent": 100 * statistics.share_at_most(broken, seeds, confidence),
    }  # fmt: skip


def _of_classes(rows):
    """What the classes say of one network. rows: its rows in the table of `compare_classes`."""
    worst = rows.loc[rows["difference_points"].idxmin()]
    columns = ("difference_points", "difference_points_low", "difference_points_high")
    return {
        "balanced_difference_points": float(rows["difference_points"].mean()), "worst_class": worst["class"],
        **{name.replace("difference", "worst_class"): float(worst[name]) for name in columns},
    }  # fmt: skip


def broke(lost: int, objects: int, p: float, margin_points: float) -> bool:
    """Whether one seed's network broke: it lost BREAK_MARGINS times the margin or more of its parent's accuracy, by more than chance.

    lost: objects, net. p: of McNemar's test.
    """
    return 100 * lost / objects >= BREAK_MARGINS * margin_points and p <= BREAK_P


def costs(summary: pd.DataFrame, demand: pd.DataFrame) -> pd.DataFrame:
    """Mean cost over seeds, a row a (method, level): what training and running take, and speedups with interval and verdict.

    Latency and energy are those measured in `fastest_cell` of the largest batch (`latency_ms`, `speedup_*`, `energy_*`) and of the
    smallest (`latency_one_ms`, `speedup_one_*`). Speedups compare a network with its parent in the job that
    measured both side by side. Latencies are the parent's over these, because jobs run one after the other, and the machine's speed
    may change between them. NaN where not measured.
    """
    paper = [
        "macs",
        "effective_macs",
        "parameters",
        "nonzero_parameters",
        "compressed_bytes",
        "total_epochs",
        "training_macs",
    ]
    table = summary.groupby(["method", "level_percent"])[[name for name in paper if name in summary]].mean()
    sizes = demand["batch_size"]
    for ending, size in (("_one", sizes.min()), ("", sizes.max())):
        cell = at_cell(demand, fastest_cell(demand, size))
        speedup = _ratio(cell, "speedup")
        parents = cell.loc[cell["method"] == PARENT[0], "latency_ms.p50"].mean()
        table[f"latency{ending}_ms"] = (parents / speedup["mean"]).reindex(table.index)
        table.loc[PARENT, f"latency{ending}_ms"] = parents
        table = table.join(speedup.add_prefix(f"speedup{ending}_"))
    table = table.join(_ratio(cell, "energy_ratio", above="more", below="less").add_prefix("energy_ratio_"))
    table["energy_mj"] = cell.astype({"energy_mj_per_inference": float}).groupby(["method", "level_percent"])["energy_mj_per_inference"].mean()  # fmt: skip
    return table


def _ratio(cell, name, **words):
    """A measured ratio as columns mean, low, high, verdict; a row a (method, level): mean over the seeds that were measured. words: as for `verdict`."""
    keys = ["method", "level_percent"]
    columns = [f"{name}.{part}" for part in ("mean", "low", "high", "least_percent")]
    rows = cell.reindex(columns=[*keys, *columns]).astype(dict.fromkeys(columns, float)).groupby(keys)[columns].mean()
    rows.columns = ["mean", "low", "high", "least"]
    said = [
        None if pd.isna(one["mean"]) else verdict(Ratio(one["mean"], one["low"], one["high"]), one["least"], **words)
        for _, one in rows.iterrows()
    ]
    return rows.drop(columns="least").assign(verdict=pd.Series(said, rows.index, dtype=object))


def compare_seeds(outcomes: Outcomes, margin_points: float, confidence: float) -> pd.DataFrame:
    """One row a checkpoint (method, level, seed): accuracy with Wilson's interval, McNemar's test against the seed's parent, and
    `at_worst_points`: what this checkpoint loses at worst on new objects. The seed is fixed here, so that says nothing of others.
    """
    rows = []
    for (method, level), correct in outcomes.correct.items():
        for seed, own, parent in zip(outcomes.seeds, correct, outcomes.correct[PARENT]):
            low, high = statistics.wilson(own.sum(), len(own), confidence)
            lost, gained, p = statistics.mcnemar(own, parent)
            found = statistics.difference(own[None], parent[None], confidence)
            rows.append(
                {
                    "method": method, "level_percent": level, "seed": seed, "accuracy_percent": 100 * own.mean(),
                    "accuracy_percent_low": 100 * low, "accuracy_percent_high": 100 * high, "lost": lost, "gained": gained,
                    "p_mcnemar": p, **interval_columns("difference_points", found),
                    "at_worst_points": 100 * statistics.at_worst(found, 1 - confidence),
                    "broke": broke(lost - gained, len(own), p, margin_points),
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def compare_classes(outcomes: Outcomes, confidence: float) -> pd.DataFrame:
    """One row a (method, level, class): accuracy, and difference to the parent among the objects of that class.

    A class without test objects has no row.
    """
    rows, tested = [], [(name, outcomes.labels == label) for label, name in enumerate(outcomes.classes)]
    for (method, level), correct in outcomes.correct.items():
        for name, mine in tested:
            if not mine.any():
                continue
            own, parent = correct[:, mine], outcomes.correct[PARENT][:, mine]
            found = statistics.difference(own, parent, confidence)
            rows.append(
                {
                    "method": method, "level_percent": level, "class": name, "n_samples": own.shape[1],
                    "accuracy_percent": 100 * own.mean(), **interval_columns("difference_points", found),
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def interval_columns(name: str, estimate: Estimate) -> dict[str, float]:
    """An Estimate of shares as three columns in percent."""
    return {name: 100 * estimate.mean, f"{name}_low": 100 * estimate.low, f"{name}_high": 100 * estimate.high}
