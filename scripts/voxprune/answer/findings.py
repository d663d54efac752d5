"""The answer in numbers: how far each method can go before accuracy may be worse than the parent's, and what that saves.

Everything is taken from the tables of `voxprune.answer.comparison`; `voxprune.answer.sentences` puts it into words.
"""

import pandas as pd

from voxprune.answer.summary import CELL, COSTS, fastest_cell, hardware, warnings

STUDY_LEVELS = {"filter": 80, "weight": 60}  # percent; up to these the original study saw no loss


def find_answer(
    levels: pd.DataFrame,
    budgets: pd.DataFrame,
    summary: pd.DataFrame,
    demand: pd.DataFrame,
    margin_points: float,
    confidence: float,
    skipped: int = 0,
) -> dict:
    """The answer as plain data, see schemas/answer.schema.yaml. levels, budgets: tables of `comparison`. margin_points: as in the
    config. skipped: how many meshes were left out."""
    tested = levels[levels["method"] != "parent"]
    runs = tested[~tested["collapsed"]]
    cell = dict(zip(CELL, fastest_cell(demand)))
    methods = {name: _method_answer(rows, levels) for name, rows in tested.groupby("method", sort=False)}
    return {
        "experiment": str(summary["experiment"].iloc[0]),
        "margin_points": margin_points,
        "confidence_percent": 100 * confidence,
        "seeds": sorted(summary["seed"].unique().tolist()),
        "n_samples": int(summary["n_samples"].iloc[0]),
        "tests": len(runs),
        "detectable_drop_points": _detectable(methods, runs),
        "parent": _interval(levels[levels["method"] == "parent"].iloc[0], "accuracy_percent"),
        "measured_in": {**{key: value if isinstance(value, str) else int(value) for key, value in cell.items()},
                        "hardware": hardware(demand, cell["device"])},
        "methods": methods,
        "shown": _shown(methods),
        "at_equal_cost": _best_at_budgets(budgets),
        "study": _study_claims(levels),
        "warnings": " ".join(filter(None, [warnings(demand), _left_out(skipped)])),
    }  # fmt: skip


def _left_out(count):
    if not count:
        return ""
    return f"{count} mesh{'es' * (count > 1)} couldn't be used and count{'s' * (count == 1)} in no figure: see skipped.csv."


def _method_answer(rows, levels):
    """rows: those of one method, by level."""
    parent = levels[levels["method"] == "parent"].iloc[0]
    kept = rows[rows["verdict"] == "non-inferior"]
    largest = kept.iloc[-1] if len(kept) else None
    above = rows[rows["level_percent"] > (largest["level_percent"] if len(kept) else -1)]
    return {
        "unit": rows["unit"].iloc[0],
        "apply": rows["apply"].iloc[0],
        "largest": None if largest is None else _network(largest, parent),
        "not_shown_below": _not_shown_below(rows),
        "largest_saving": {cost: _largest_saving(kept, parent, cost) for cost in COSTS if pd.notna(parent[cost])},
        "limited_by": _network(above.iloc[0], parent) if len(above) else None,
    }


def _not_shown_below(rows):
    """The levels in percent below the largest non-inferior one that are not shown to be non-inferior themselves."""
    kept = rows["verdict"] == "non-inferior"
    below = rows["level_percent"] < rows.loc[kept, "level_percent"].max()
    return [float(level) for level in rows.loc[below & ~kept, "level_percent"]]


def _largest_saving(kept, parent, cost):
    """Of the non-inferior networks `kept` the one that saves most of a cost; None where none is or the cost isn't known."""
    known = [(saved, row) for _, row in kept.iterrows() if (saved := _saved_percent(row, parent, cost)) is not None]
    if not known:
        return None
    saved, row = max(known, key=lambda one: one[0])
    return {
        "percent": saved,
        "level_percent": float(row["level_percent"]),
        "difference_points": _interval(row, "difference_points"),
    }


def _detectable(methods, levels):
    """The lowest and highest drop in points that would be noticed at the levels that limit the methods; None without any."""
    limits = [(name, one["limited_by"]["level_percent"]) for name, one in methods.items() if one["limited_by"]]
    drops = levels.set_index(["method", "level_percent"])["detectable_drop_points"]
    drops = drops[drops.index.isin(limits)]
    return {"low": float(drops.min()), "high": float(drops.max())} if len(drops) else None


def _shown(methods):
    """The network that pictures show beside the parent: of the largest non-inferior levels the one that saves most MACs, of
    equals most bytes; where there is none, the lowest level of the first method.
    """
    found = {name: method["largest"] for name, method in methods.items() if method["largest"]}
    if found:
        name = max(found, key=lambda name: [found[name]["saved_percent"][cost] for cost in ("macs", "compressed_bytes")])
        return {"method": name, "level_percent": found[name]["level_percent"], "non_inferior": True}
    name, method = next(iter(methods.items()))
    return {"method": name, "level_percent": method["limited_by"]["level_percent"], "non_inferior": False}


def _network(row, parent):
    """What is known of one network."""
    return {
        "level_percent": float(row["level_percent"]),
        "verdict": row["verdict"],
        "collapsed": bool(row["collapsed"]),
        "accuracy_percent": _interval(row, "accuracy_percent"),
        "difference_points": _interval(row, "difference_points"),
        "worst_class": {"name": row["worst_class"], "difference_points": _interval(row, "worst_class_points")},
        "p_holm": _number(row["p_holm"]),
        "seeds_needed": None if pd.isna(row["seeds_needed"]) else int(row["seeds_needed"]),
        "saved_percent": {cost: _saved_percent(row, parent, cost) for cost in COSTS},
        "speedup": _speedup(row),
    }


def _speedup(row):
    """Against the parent, with its interval; None where it wasn't measured."""
    found = {name: _number(row[f"speedup_{name}"]) for name in ("mean", "low", "high")}
    return None if found["mean"] is None else {**found, "verdict": row["speedup_verdict"]}


def _saved_percent(row, parent, cost):
    """Percent of the parent's cost; None where it isn't known."""
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
        "speedup": None if row is None else _speedup(row),
        "largest_level_percent": float(kept.max()) if len(kept) else None,
        "not_shown_below": _not_shown_below(rows),
    }  # fmt: skip


def _interval(row, name):
    return {"mean": float(row[name]), "low": float(row[f"{name}_low"]), "high": float(row[f"{name}_high"])}


def _number(value):
    return None if value is None or pd.isna(value) else float(value)
