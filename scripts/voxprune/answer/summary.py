"""All numbers of an experiment in two tidy tables, a row a network and a row a cell of measuring, and what they are of."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from voxprune.core.errors import InputError
from voxprune.core.files import read_json

KEY = ["method", "level_percent", "seed"]
CELL = ["engine", "device", "threads", "batch_size"]
COSTS = {  # what methods are compared at: column of the tables, and its name
    "macs": "MACs",
    "parameters": "parameters",
    "compressed_bytes": "stored bytes, compressed",
    "latency_ms": "latency",
    "energy_mj": "energy",
}


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
            for key in ("experiment", *KEY, "apply", "detail", "valid", "peak_resident_bytes", "idle_power_w")
        }
        about |= {
            "invalid_reasons": "; ".join(demand["invalid_reasons"]),
            **_flat(demand["manifest"]["hardware"], "hardware."),
        }
        for cell in demand["cells"]:
            own = _flat({key: value for key, value in cell.items() if key != "reasons"})
            rows.append(about | own | _energy_against_parent(cell, demand["parent_control"]))
    return pd.DataFrame(rows).sort_values(KEY, kind="stable", ignore_index=True)


def _energy_against_parent(cell, control):
    """Energy as a share of the parent's in the same job, and the noise floor: how far its two measurements lie apart."""
    parents = [own.get("energy_mj_per_inference") for cells in control.values() for own in cells
               if all(own[key] == cell[key] for key in CELL)]  # fmt: skip
    energy = cell.get("energy_mj_per_inference")  # a cell that is unavailable has no figures
    if energy is None or len(parents) < 2 or None in parents:
        return {"energy_share": None, "energy_noise_percent": None}
    return {
        "energy_share": energy * len(parents) / sum(parents),
        "energy_noise_percent": 100 * (max(parents) / min(parents) - 1),
    }


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


def fastest_cell(demand: pd.DataFrame) -> tuple:
    """The cell that a deployment would choose: of the largest batch size, the one in which the parent is fastest.

    Raises InputError where the parent ran in none.
    """
    parent = demand[(demand["method"] == "parent") & (demand["batch_size"] == demand["batch_size"].max())]
    if parent["latency_ms.p50"].isna().all():
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


def warnings(demand: pd.DataFrame) -> str:
    """One sentence for each thing that a reader of the demand figures must know; empty where there is none."""
    said = []
    if (demand["detail"] == "brief").any():
        said.append("Measured briefly: large differences only; `measurement: detail: full` is for publication.")
    for method, reasons in (
        demand.loc[~demand["valid"], ["method", "invalid_reasons"]].drop_duplicates().itertuples(index=False)
    ):
        said.append(f"INVALID for {method}: {reasons}.")
    faster = zeros_that_run_faster(demand)
    if len(faster):
        said.append(
            f"LOOK: masks ran faster than their parent: {'; '.join(faster)}. Zeros save no time on any engine known."
        )
    return " ".join(said)


def zeros_that_run_faster(demand: pd.DataFrame) -> list[str]:
    """Where a masked network ran faster than the noise floor allows; empty as long as zeros save no time."""
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
