"""The answer in numbers: what to take, how far each method can go before accuracy may be worse than the parent's, what that saves.

Everything is taken from the tables of `voxprune.answer.comparison`; `voxprune.answer.sentences` puts it into words.
"""

import pandas as pd

from voxprune.answer.summary import CELL, COSTS, below_the_parent, fastest_cell, hardware, invalid_times, warnings
from voxprune.answer.words import listing

STUDY_LEVELS = {"filter": 80, "weight": 60}  # percent; up to these the original study saw no loss
STUDY = ("original", "modelnet10")  # its network, and its data set by the beginning of the name


def find_answer(
    tables: dict[str, pd.DataFrame],
    summary: pd.DataFrame,
    demand: pd.DataFrame,
    settings: dict,
    about: dict,
    skipped: int = 0,
) -> dict:
    """The answer as plain data, see schemas/answer.schema.yaml.

    tables: {name: table} of `comparison`, `budgets` and `power`. settings: margin_points and confidence_percent of the config.
    about: data set, network, resolution, epochs, and what became of the plan, see `core.plan`. skipped: meshes left out.
    """
    levels = tables["levels"]
    methods = {
        name: _method_answer(rows, levels)
        for name, rows in levels[levels["method"] != "parent"].groupby("method", sort=False)
    }
    decision = _decision(levels, tables["seeds"], settings["margin_points"])
    parent = _interval(levels[levels["method"] == "parent"].iloc[0], "accuracy_percent")
    return {
        "experiment": str(summary["experiment"].iloc[0]),
        **about,
        **settings,
        "seeds": sorted(summary["seed"].unique().tolist()),
        "n_samples": int(summary["n_samples"].iloc[0]),
        "parent": parent,
        "measured_in": _cell(demand, demand["batch_size"].max()),
        "measured_one": _cell(demand, demand["batch_size"].min()),
        "decision": decision,
        "power": [
            {"seeds": int(row["seeds"]), "percent": float(row["power_percent"])} for _, row in tables["power"].iterrows()
        ],
        "methods": methods,
        "shown": _shown(decision, levels),
        "at_equal_cost": _best_at_budgets(tables["budgets"]),
        "study": _study_claims(levels) if _is_the_study(about) else [],
        "invalid_times": invalid_times(demand),
        "warnings": [
            *_unlearned(parent, tables["classes"]),
            *_not_retrained(summary),
            *warnings(demand),
            *_masks(methods),
            *_left_out(skipped),
        ],
    }


def _cell(demand, batch_size):
    cell = dict(zip(CELL, fastest_cell(demand, batch_size)))
    return {
        **{key: value if isinstance(value, str) else int(value) for key, value in cell.items()},
        "hardware": hardware(demand, cell["device"]),
    }


def _unlearned(parent, classes):
    """Against a parent that knows nothing every pruned network is as good."""
    objects = classes.drop_duplicates("class")["n_samples"]
    guess_percent = 100 * objects.max() / objects.sum()
    if parent["low"] > guess_percent:
        return []
    return [
        f"The parent isn't shown to do better than giving every object the largest class ({guess_percent:.1f} %), so being as "
        "good as it says little: train it longer (`training: epochs`), or test more objects."
    ]


def _not_retrained(summary):
    """That nothing was trained after pruning, where that is so."""
    pruned = summary[summary["method"] != "parent"]
    if pruned["finetune_epochs"].any():
        return []
    return [
        "No network was trained after pruning; training (`retrain`) usually brings back most of the accuracy that pruning costs."
    ]


def _masks(methods):
    """Why masked filters aren't removed ones, where both were tested."""
    names = {apply: [f"`{name}`" for name, one in methods.items() if (one["unit"], one["apply"]) == ("filter", apply)]
             for apply in ("mask", "remove")}  # fmt: skip
    if not names["mask"] or not names["remove"]:
        return []
    return [
        f"In {listing(names['mask'])} kernels become zero and biases stay, as in the original study; where filters are removed, "
        "their biases go too, so that accuracies differ at the same level."
    ]


def _left_out(count):
    if not count:
        return []
    return [
        f"{count} mesh{'es' * (count > 1)} couldn't be used and count{'s' * (count == 1)} in no figure: see skipped.csv."
    ]


def _is_the_study(about):
    network, dataset = STUDY
    return about["network"] == network and about["dataset"].startswith(dataset)


def _decision(levels, seeds, margin_points):
    """The network to take: `shown` where one is non-inferior and saves something, else the best `guess`, else None.

    Of several the one that saves most MACs, of equals most bytes, then the one that loses least at worst. Controls are no choice.
    """
    parent = levels[levels["method"] == "parent"].iloc[0]
    choices = levels[(levels["method"] != "parent") & ~levels["collapsed"] & ~levels["control"]]
    choices = choices.assign(**{
        f"saved_{cost}": [round(_saved_percent(row, parent, cost)) for _, row in choices.iterrows()] for cost in ("macs", "compressed_bytes")
    })  # fmt: skip
    choices = choices[(choices["saved_macs"] > 0) | (choices["saved_compressed_bytes"] > 0)]
    shown = choices[choices["verdict"] == "non-inferior"]
    hopeful = choices[(choices["verdict"] == "undecided") & (choices["difference_points"] > -margin_points)]
    kind, rows = ("shown", shown) if len(shown) else ("guess", hopeful)
    if not len(rows):
        return {"kind": "none", "network": None, "next": None, "controls": []}
    best = rows.sort_values(
        ["saved_macs", "saved_compressed_bytes", "at_worst_points"], ascending=False, kind="stable"
    ).iloc[0]
    above = levels[(levels["method"] == best["method"]) & (levels["level_percent"] > best["level_percent"])]
    return {
        "kind": kind,
        "network": _network(best, parent) | {"checkpoint": _checkpoint(best, seeds)},
        "next": _network(above.iloc[0], parent) if len(above) else None,
        "controls": _as_good_controls(best, levels),
    }


def _checkpoint(row, seeds):
    """The first seed's checkpoint of a network by itself: what it loses, and at worst, on new objects."""
    own = seeds[(seeds["method"] == row["method"]) & (seeds["level_percent"] == row["level_percent"])].iloc[0]
    return {
        "seed": int(own["seed"]),
        "difference_points": _interval(own, "difference_points"),
        "at_worst_points": float(own["at_worst_points"]),
    }


def _as_good_controls(best, levels):
    """Controls that cost no more MACs and are at least as accurate: then the choice of filters isn't what matters."""
    controls = levels[levels["control"] & ~levels["collapsed"] & (levels["macs"] <= 1.02 * best["macs"])]
    return sorted(set(controls.loc[controls["accuracy_percent"] >= best["accuracy_percent"], "method"]))


def _method_answer(rows, levels):
    """rows: those of one method, by level."""
    parent = levels[levels["method"] == "parent"].iloc[0]
    kept = rows[rows["verdict"] == "non-inferior"]
    largest = kept.iloc[-1] if len(kept) else None
    pruned = below_the_parent(rows)
    above = pruned[pruned["level_percent"] > (largest["level_percent"] if len(kept) else -1)]
    return {
        "unit": rows["unit"].iloc[0],
        "apply": rows["apply"].iloc[0],
        "control": bool(rows["control"].iloc[0]),
        "total_epochs": _number(rows["total_epochs"].max()) if "total_epochs" in rows else None,
        "largest": None if largest is None else _network(largest, parent),
        "limited_by": _network(above.iloc[0], parent) if len(above) else None,
    }


def _shown(decision, levels):
    """The network that pictures show beside the parent: the decision's, or else the lowest level of the first method."""
    network = decision["network"]
    if network is None:
        first = below_the_parent(levels[levels["method"] != "parent"]).iloc[0]
        network = {"method": first["method"], "level_percent": float(first["level_percent"])}
    return {
        "method": network["method"],
        "level_percent": network["level_percent"],
        "non_inferior": decision["kind"] == "shown",
    }


def _network(row, parent):
    """What is known of one network."""
    return {
        "method": row["method"],
        "unit": row["unit"],
        "apply": row["apply"],
        "level_percent": float(row["level_percent"]),
        "verdict": row["verdict"],
        "collapsed": bool(row["collapsed"]),
        "accuracy_percent": _interval(row, "accuracy_percent"),
        "difference_points": _interval(row, "difference_points"),
        "at_worst_points": float(row["at_worst_points"]),
        "p_sequence": _number(row["p_sequence"]),
        "broken_seeds": int(row["broken_seeds"]),
        "breaks_at_most_percent": float(row["breaks_at_most_percent"]),
        "worst_class": {"name": row["worst_class"], "difference_points": _interval(row, "worst_class_points")},
        "saved_percent": {cost: _saved_percent(row, parent, cost) for cost in COSTS},
        "training_percent": _number(100 * row["training_macs"] / parent["training_macs"])
        if "training_macs" in row
        else None,
        "speedup": measured_ratio(row, "speedup"),
        "speedup_one": measured_ratio(row, "speedup_one"),
        "energy_ratio": measured_ratio(row, "energy_ratio"),
    }


def measured_ratio(row: pd.Series, name: str) -> dict | None:
    """A measured ratio with its interval and verdict; None where it wasn't measured."""
    found = {part: _number(row.get(f"{name}_{part}")) for part in ("mean", "low", "high")}
    return None if found["mean"] is None else {**found, "verdict": row[f"{name}_verdict"]}


MEASURED = {"latency_ms": "speedup", "energy_mj": "energy_ratio"}  # costs that are measured, and the ratio that tells them


def _saved_percent(row, parent, cost):
    """Percent of the parent's cost, None where it isn't known; 0 of a measured cost where there is no difference."""
    if cost in MEASURED:
        ratio = measured_ratio(row, MEASURED[cost])
        if ratio is None:
            return None
        share = 1 / ratio["mean"] if cost == "latency_ms" else ratio["mean"]
        return 0.0 if ratio["verdict"] == "no difference" else 100 * (1 - share)
    if pd.isna(row[cost]) or pd.isna(parent[cost]):
        return None
    return 100 * float(1 - row[cost] / parent[cost])


def _best_at_budgets(budgets):
    found = []
    for (cost, percent), rows in budgets.groupby(["cost", "budget_percent"], sort=False) if len(budgets) else ():
        rows = rows.sort_values("accuracy_percent", ascending=False, kind="stable")
        found.append(
            {
                "cost": cost,
                "budget_percent": int(percent),
                "methods": len(rows),
                "best": rows["method"].iloc[0],
                "interpolated": bool(rows["interpolated"].iloc[0]),
                "equal_training": bool(rows["equal_training"].iloc[0]),
                "difference_points": _interval(rows.iloc[0], "difference_points"),
                "not_told_apart": rows.loc[rows["among_best"], "method"].tolist()[1:],
            }
        )
    return found


def _study_claims(levels):
    """What the original study claimed, beside the same levels here."""
    claims = []
    for unit, level in STUDY_LEVELS.items():
        rows = levels[levels["unit"] == unit]
        claims += [
            {"claim": f"{unit} pruning keeps accuracy up to {level} %", "method": name, "level_percent": level,
             **found_at(own, level)}
            for name, own in rows.groupby("method", sort=False)
        ]  # fmt: skip
    return claims


def found_at(rows: pd.DataFrame, level: float) -> dict:
    """What was found of one method at a level in percent, None where that wasn't tested. rows: those of the method."""
    at = rows[rows["level_percent"] == level]
    kept = rows.loc[rows["verdict"] == "non-inferior", "level_percent"]
    row = at.iloc[0] if len(at) else None
    return {
        "verdict": None if row is None else row["verdict"],
        "difference_points": None if row is None else _interval(row, "difference_points"),
        "speedup": None if row is None else measured_ratio(row, "speedup"),
        "largest_level_percent": float(kept.max()) if len(kept) else None,
    }


def _interval(row, name):
    return {"mean": float(row[name]), "low": float(row[f"{name}_low"]), "high": float(row[f"{name}_high"])}


def _number(value):
    return None if value is None or pd.isna(value) else float(value)
