"""All numbers of an experiment in two tidy tables, a row a network and a row a cell of measuring, and what they are of."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from voxprune.core.errors import InputError
from voxprune.core.files import read_json
from voxprune.measurement.noise import STEADY_PERCENT

KEY = ["method", "level_percent", "seed"]
CELL = ["engine", "device", "threads", "batch_size"]
COSTS = {  # what methods are compared at: column of the tables, and its name
    "macs": "MACs",
    "parameters": "parameters",
    "compressed_bytes": "stored bytes, compressed",
    "latency_ms": "latency",
    "energy_mj": "energy",
}


def below_the_parent(levels: pd.DataFrame) -> pd.DataFrame:
    """The rows of pruned networks; those of level 0, the parent trained on, only where no others are."""
    pruned = levels[levels["level_percent"] > 0]
    return pruned if len(pruned) else levels


def summarise(metrics: Iterable[str | Path]) -> pd.DataFrame:
    """One row per (method, level, seed) with every number and text of its metrics.json, nested keys joined by `.`."""
    return pd.DataFrame([_flat(read_json(path)) for path in metrics]).sort_values(KEY, ignore_index=True)


def gather_demand(demands: Iterable[str | Path]) -> pd.DataFrame:
    """One row per (method, level, seed, engine, device, threads, batch size) with every figure of its demand.json.

    Cells keep the order they were measured for, `unavailable` says why one has no figures.
    """
    rows = []
    for path in demands:
        demand = read_json(path)
        about = {
            key: demand[key]
            for key in (
                "experiment",
                *KEY,
                "apply",
                "detail",
                "valid",
                "drift_percent",
                "peak_resident_bytes",
                "idle_power_w",
            )
        }
        about |= {
            "invalid_reasons": "; ".join(demand["invalid_reasons"]),
            **_flat(demand["manifest"]["hardware"], "hardware."),
        }
        for cell in demand["cells"]:
            own = _flat({key: value for key, value in cell.items() if key != "reasons"})
            rows.append(about | own)
    return pd.DataFrame(rows).sort_values(KEY, kind="stable", ignore_index=True)


def _flat(content, prefix=""):
    """Nested dictionaries and lists as one level: {'a': {'b': 1}} to {'a.b': 1}."""
    pairs = content.items() if isinstance(content, dict) else enumerate(content)
    flat = {}
    for key, value in pairs:
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, (dict, list)) else {f"{prefix}{key}": value}
    return flat


def read_summary(path: str | Path) -> pd.DataFrame:
    """The summary as `summarise` wrote it. Raises InputError where it holds no parent to compare with."""
    table = pd.read_csv(path)
    if not (table["method"] == "parent").any():
        raise InputError(f"{path}: no row of the parent; delete it and run again")
    return table


def read_statistics(folder: str | Path) -> dict[str, pd.DataFrame]:
    """{name: table} of what `write_answer` found."""
    tables = {path.stem: path for path in Path(folder).glob("*.csv")}
    return {name: pd.read_csv(path) for name, path in tables.items()}


def main_cell(demand: pd.DataFrame) -> tuple:
    """The cell of the study's tables and of plots with room for one: (engine, device, threads, batch size).

    The first engine and number of threads in the config, the largest batch size.
    """
    first = demand.iloc[0]
    return first["engine"], first["device"], int(first["threads"]), int(demand["batch_size"].max())


def fastest_cell(demand: pd.DataFrame, batch_size: int | None = None) -> tuple:
    """The cell that a deployment would choose: the one in which the parent is fastest, of a batch size or else of the largest.

    Raises InputError where the parent ran in none.
    """
    size = demand["batch_size"].max() if batch_size is None else batch_size
    parent = demand[(demand["method"] == "parent") & (demand["batch_size"] == size)]
    if "latency_ms.p50" not in parent or parent["latency_ms.p50"].isna().all():
        raise InputError("the parent ran in no engine (demand.csv says why); add `torch` to `measurement: engines`")
    return tuple(parent.loc[parent["latency_ms.p50"].idxmin(), CELL])


def at_cell(demand: pd.DataFrame, cell: tuple) -> pd.DataFrame:
    """The rows of one cell."""
    return demand[(demand[CELL] == list(cell)).all(axis=1)]


def measured_on_gpu(demand: pd.DataFrame) -> bool:
    return "gpu_utilization_percent.mean" in demand and demand["gpu_utilization_percent.mean"].notna().any()


def hardware(demand: pd.DataFrame, device: str | None = None) -> str:
    """What demand was measured on: the processor for the device cpu, the GPU for others; where it isn't given, the GPU if any
    cell was measured there.
    """
    one, on_gpu = demand.iloc[0], (demand["device"] != "cpu").any() if device is None else device != "cpu"
    gpu = one.get("hardware.gpu")
    return gpu if isinstance(gpu, str) and on_gpu else one["hardware.cpu"]


def warnings(demand: pd.DataFrame) -> list[str]:
    """One sentence for each thing that a reader of the demand figures must know, with what to do; empty where there is none."""
    said = []
    if (demand["detail"] == "brief").any():
        said.append(
            "Times were measured briefly and show large differences only; for publication measure with `measurement: {detail: full}`."
        )
    said += filter(None, [invalid_times(demand), _unsteady(demand)])
    faster = zeros_that_run_faster(demand)
    if len(faster):
        said.append(
            f"{counted(len(faster), 'masked network')} ran faster than the parent, which zeros can't cause: {'; '.join(faster)}. Measure again on a quiet machine."
        )
    return said


def invalid_times(demand: pd.DataFrame) -> str | None:
    """The sentence that says which times can't be trusted, and what to do; None where all can."""
    if demand["valid"].all():
        return None
    return f"INVALID times of {invalid_text(demand)}. Run `snakemake --forcerun measure measure_parent` on a quiet machine."


def _unsteady(demand):
    """The sentence about a machine whose speed changed while it measured; None where it was steady."""
    most = demand["drift_percent"].max()
    if most <= STEADY_PERCENT:
        return None
    return (
        f"The machine's own speed changed by {most:.0f} % while it measured, so a latency in ms stands for no one speed of it; "
        "speeds against the parent hold, because they compare calls of the same round. Latencies in plots and `statistics/levels.csv` are the parent's over "
        "these speeds; those in `tables/methods` are as measured, so compare the speeds there and not the milliseconds."
    )


def invalid_text(demand: pd.DataFrame) -> str:
    """The methods whose times can't be trusted, and one reason; the others stand in demand.csv."""
    wrong = demand.loc[~demand["valid"], ["method", "invalid_reasons"]].drop_duplicates()
    reasons = list(dict.fromkeys("; ".join(wrong["invalid_reasons"]).split("; ")))
    more = f", and {counted(len(reasons) - 1, 'reason')} more in demand.csv" if len(reasons) > 1 else ""
    return f"{', '.join(wrong['method'].unique())} ({reasons[-1]}{more})"


def zeros_that_run_faster(demand: pd.DataFrame) -> list[str]:
    """Where a masked network counts as faster; empty as long as zeros save no time."""
    found = demand[(demand["apply"] == "mask") & (demand["speedup.verdict"] == "faster")]
    return [
        f"{row['method']} {row['level_percent']:g} % in {_cell_name(row)} ({row['speedup.mean']:.2f}x)"
        for _, row in found.iterrows()
    ]


def _cell_name(row):
    return f"{row['engine']}, {counted(row['threads'], 'thread')}, batch {row['batch_size']}"


def counted(number: float, noun: str) -> str:
    """`1 point`, `2 points`, `0.5 points`."""
    return f"{number:g} {noun}{'s' * (number != 1)}"


def named(values: list, noun: str) -> str:
    """`seed 0`, `seeds 0, 1, 2`."""
    return f"{noun}{'s' * (len(values) > 1)} {', '.join(map(str, values))}"
