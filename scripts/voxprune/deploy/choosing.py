"""The most accurate network within a budget, from what an experiment measured: rows are networks in engines."""

from dataclasses import dataclass

import pandas as pd

from voxprune.core.errors import InputError

LIMITS = {  # what can be limited: its column, and its name and unit in sentences
    "latency_ms": ("latency_ms.p50", "{:.3g} ms"),
    "energy_mj": ("energy_mj_per_inference", "{:.3g} mJ"),
    "macs": ("macs", "{:,.0f} MACs"),
    "bytes": ("compressed_bytes", "{:,.0f} stored bytes, compressed"),
    "loss_points": ("loss_points", "{:.2f} points below the parent"),
}


@dataclass(frozen=True)
class Choice:
    """row: the network and engine chosen, or the nearest where none fits. fits: whether it does. over: limits that it breaks."""

    row: dict
    fits: bool
    over: list


def choose(levels, demand, limits, batch_size=1):
    """The most accurate network within all limits; of equals the fastest. Where none fits, the one that exceeds a limit least.

    levels: `statistics/levels.csv`, a row a network; demand: `demand.csv`, a row a network, engine and batch size; both as tables.
    limits: {name of LIMITS: the most allowed}; a network for which a limited figure wasn't measured doesn't fit.
    Raises InputError where nothing was measured at the batch size, or a limited figure nowhere.
    """
    rows = candidates(levels, demand, batch_size)
    columns = {name: LIMITS[name][0] for name in limits}
    for name, column in columns.items():
        if column not in rows or rows[column].isna().all():
            raise InputError(f"{name} was not measured in this experiment at batch size {batch_size}; limit something else")
    excess = pd.DataFrame({name: _excess(rows[column], limits[name]) for name, column in columns.items()}, index=rows.index)
    fits = (excess <= 0).all(axis=1) if limits else pd.Series(True, index=rows.index)
    if fits.any():
        best = rows[fits].sort_values(["accuracy_percent", "latency_ms.p50"], ascending=[False, True], kind="stable").iloc[0]
        return Choice(best.to_dict(), True, [])
    nearest = excess.max(axis=1, skipna=False).fillna(float("inf")).idxmin()
    return Choice(rows.loc[nearest].to_dict(), False, [name for name in limits if not excess.loc[nearest, name] <= 0])


def candidates(levels, demand, batch_size):
    """A row a network and engine at one batch size, with accuracy, verdict and costs. Raises InputError where there is none."""
    keys = ["method", "level_percent"]
    about = [*keys, "engine", "device", "threads", "batch_size", "latency_ms.p50", "energy_mj_per_inference"]
    measured = demand[(demand["batch_size"] == batch_size) & demand["latency_ms.p50"].notna()]
    if measured.empty:
        sizes = ", ".join(str(size) for size in sorted(demand["batch_size"].unique()))
        raise InputError(f"nothing was measured at batch size {batch_size}; choose one of {sizes}")
    first = measured[[name for name in about if name in measured]].groupby(
        [*keys, "engine", "device", "threads"], as_index=False
    )
    rows = first.mean(numeric_only=True).merge(levels, on=keys, suffixes=("", "_of_levels"))
    return rows.assign(loss_points=-rows["difference_points"])


def _excess(values, most):
    """How far values lie above a limit, as a share of it; negative below."""
    return (values - most) / abs(most) if most else values.where(values != 0, 0) * float("inf")


def told(choice, limits, batch_size):
    """The choice in sentences."""
    row = choice.row
    name = "the parent" if row["method"] == "parent" else f"{row['method']} at {row['level_percent']:g} %"
    where = (
        f"in {row['engine']} ({row['device']}, {row['threads']:g} thread{'s' * (row['threads'] != 1)}, batch {batch_size})"
    )
    accuracy = (
        f"accuracy {row['accuracy_percent']:.1f} % ({row['accuracy_percent_low']:.1f} to {row['accuracy_percent_high']:.1f}), "
        f"{row['difference_points']:+.1f} points to the parent ({row['difference_points_low']:+.1f} to "
        f"{row['difference_points_high']:+.1f}; {row['verdict']})"
    )
    known = [key for key, (column, _) in LIMITS.items() if key != "loss_points" and pd.notna(row.get(column))]
    costs = ", ".join(_shown(key, row) for key in known)
    if choice.fits:
        return f"{name} {where}: {accuracy}; {costs}."
    broken = " and ".join(
        f"{_shown(key, row)} where {LIMITS[key][1].format(limits[key])} are allowed" for key in choice.over
    )
    return f"No network fits. Nearest is {name} {where}, with {broken}: {accuracy}; {costs}."


def _shown(key, row):
    column, shown = LIMITS[key]
    return shown.format(row[column]) if pd.notna(row.get(column)) else f"an unknown {key}"
