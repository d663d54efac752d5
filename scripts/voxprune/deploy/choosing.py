"""The most accurate network within a budget, from what was measured here or on a device: rows are networks in engines."""

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from voxprune.core.errors import InputError

KEYS = ["method", "level_percent"]

LIMITS = {  # what can be limited: its column, and its name and unit in sentences
    "latency_ms": ("latency_ms.p50", "{:.3g} ms"),
    "energy_mj": ("energy_mj_per_inference", "{:.3g} mJ"),
    "macs": ("macs", "{:,.0f} MACs"),
    "bytes": ("compressed_bytes", "{:,.0f} stored bytes, compressed"),
    "loss_points": ("loss_points", "{:.2f} points below the parent"),
}
CHANGE = ["change_points", "change_points_low", "change_points_high"]  # of accuracy by other arithmetic than float32

INVALID = (
    "Its times are INVALID, because the machine wasn't steady (demand.csv says why): run `snakemake --forcerun measure "
    "measure_parent` on a quiet one and choose again."
)


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
    cell = [*KEYS, "engine", "precision", "device", "threads"]
    figures = ["batch_size", "latency_ms.p50", "energy_mj_per_inference", "valid", *CHANGE]
    measured = demand[(demand["batch_size"] == batch_size) & demand["latency_ms.p50"].notna()]
    if measured.empty:
        sizes = ", ".join(str(size) for size in sorted(demand["batch_size"].unique()))
        raise InputError(f"nothing was measured at batch size {batch_size}; choose one of {sizes}")
    levels = levels[~levels["collapsed"]]  # those answer the same for every object
    measured = {"precision": "float32", "valid": True, **dict.fromkeys(CHANGE, float("nan")), **measured}
    found = pd.DataFrame({name: measured[name] for name in [*cell, *figures] if name in measured})
    rows = found.groupby(cell, as_index=False).mean(numeric_only=True).merge(levels, on=KEYS, suffixes=("", "_of_levels"))
    change = rows[CHANGE[0]].fillna(0)  # of accuracy by the arithmetic, beside the network's own in float32
    for name in ("accuracy_percent", "difference_points"):
        for end in ("", "_low", "_high"):
            rows[name + end] += change
    return rows.assign(loss_points=-rows["difference_points"], valid=rows["valid"] == 1)


def read_device(path, experiment):
    """A table as `demand` from a file that bench_device.py wrote on a device, or `./classify --bench --json`; its name is the device's.

    Raises InputError where it is none, or one of its networks is of another experiment or doesn't say which network of one it is.
    """
    try:
        content = json.loads(Path(path).read_text())
        rows = content["rows"] if isinstance(content, dict) else [one["bench"] for one in content]
        found = [_device_row(row, Path(path).stem) for row in rows]
        if not found:
            raise ValueError("it has no rows")
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: it isn't what bench_device.py or ./classify --bench --json writes for an exported network of an experiment "
            f"({error}); measure again, with folders of `snakemake results/<experiment>/deploy/<network>`"
        ) from error
    others = {row["origin"].get("experiment") for row in rows} - {experiment, None}
    if others:
        raise InputError(
            f"{path}: it was measured with networks of the experiment {others.pop()}, not {experiment}; give that one's results"
        )
    return pd.DataFrame(found)


def read_devices(paths, experiment):
    """The rows of several such files, one device after the other; None for no file. experiment: whose networks they must be of.

    Raises InputError as `read_device`, and where two files have one name, since it is the device's.
    """
    names = [Path(path).stem for path in paths or []]
    twice = next((path for path, name in zip(paths or [], names) if names.count(name) > 1), None)
    if twice:
        raise InputError(f"{twice}: another file has this name too, which is the device's; rename one of them")
    return pd.concat([read_device(path, experiment) for path in paths], ignore_index=True) if paths else None


def add_device_files_option(parser):
    """The option of the commands that make the report."""
    parser.add_argument(
        "--device-files",
        nargs="*",
        default=[],
        help="what bench_device.py or ./classify --bench --json wrote on other devices",
    )


def _device_row(row, device):
    origin, change = row["origin"], row["accuracy_change_points"] or [float("nan")] * 3
    ratio = row.get("ratio") or dict.fromkeys(("p50", "low", "high"), float("nan"))
    about = {key: row[key] for key in ("engine", "precision", "threads", "batch_size")}
    return {
        "method": origin["method"], "level_percent": origin["level_percent"], "device": device, **about,
        "latency_ms.p50": float(row["latency_ms"]["p50"]), **dict(zip(CHANGE, change, strict=True)),
        **{f"ratio.{name}": value for name, value in ratio.items()},
    }  # fmt: skip


def _excess(values, most):
    """How far values lie above a limit, as a share of it; negative below."""
    return (values - most) / abs(most) if most else values.where(values != 0, 0) * float("inf")


def told(choice, limits, batch_size):
    """The choice in sentences."""
    row = choice.row
    name = "the parent" if row["method"] == "parent" else f"{row['method']} at {row['level_percent']:g} %"
    precision = "" if row["precision"] == "float32" else f" {row['precision']}"
    where = (
        f"in {row['engine']}{precision} ({row['device']}, {row['threads']:g} thread{'s' * (row['threads'] != 1)}, "
        f"batch {batch_size})"
    )
    accuracy = (
        f"accuracy {row['accuracy_percent']:.1f} % ({row['accuracy_percent_low']:.1f} to {row['accuracy_percent_high']:.1f})"
        f"{_difference(row)}{_arithmetic(row)}"
    )
    known = [key for key, (column, _) in LIMITS.items() if key != "loss_points" and pd.notna(row.get(column))]
    costs = ", ".join(_shown(key, row) for key in known)
    doubt = "" if row["valid"] else f" {INVALID}"
    if choice.fits:
        return f"{name} {where}: {accuracy}; {costs}.{doubt}"
    broken = " and ".join(
        f"{_shown(key, row)} where {LIMITS[key][1].format(limits[key])} are allowed" for key in choice.over
    )
    return f"No network fits. Nearest is {name} {where}, with {broken}: {accuracy}; {costs}.{doubt}"


def _difference(row):
    if row["method"] == "parent":
        return ""
    within = f"{row['difference_points_low']:+.1f} to {row['difference_points_high']:+.1f}"
    return f", {row['difference_points']:+.1f} points to the parent ({within}; {row['verdict']})"


def _arithmetic(row):
    if row["precision"] == "float32":
        return ""
    if pd.isna(row[CHANGE[0]]):
        return f", all in float32: what {row['precision']} changes was not compared"
    points, low, high = (row[name] for name in CHANGE)
    return f", of which {row['precision']} makes {points:+.2f} ({low:+.2f} to {high:+.2f}), an uncertainty that isn't in the intervals"


def _shown(key, row):
    column, shown = LIMITS[key]
    return shown.format(row[column]) if pd.notna(row.get(column)) else f"an unknown {key}"
