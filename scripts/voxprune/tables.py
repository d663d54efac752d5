"""From the JSON of each network to one tidy table, and from that to the tables people read."""

import pandas as pd

from voxprune.files import InputError, read_json, whole

KEY = ["method", "level_percent", "seed"]
CELL = ["engine", "device", "threads", "batch_size"]


def summarise(metrics):
    """One row per (method, level, seed) with every number and text of its metrics.json, nested keys joined by `.`."""
    return pd.DataFrame([_flat(read_json(path)) for path in metrics]).sort_values(KEY, ignore_index=True)


def gather_demand(demands):
    """One row per (method, level, seed, engine, device, threads, batch size) with every figure of its demand.json.

    Cells keep the order they were measured for, `unavailable` says why one has no figures.
    """
    rows = []
    for path in demands:
        demand = read_json(path)
        about = {
            key: demand[key]
            for key in ("experiment", *KEY, "realise", "detail", "valid", "peak_resident_bytes", "idle_power_w")
        }
        about |= {
            "invalid_reasons": "; ".join(demand["invalid_reasons"]),
            **_flat(demand["manifest"]["hardware"], "hardware."),
        }
        rows += [about | _flat({key: value for key, value in cell.items() if key != "reasons"}) for cell in demand["cells"]]
    return pd.DataFrame(rows).sort_values(KEY, kind="stable", ignore_index=True)


def _flat(content, prefix=""):
    """Nested dictionaries and lists as one level: {'a': {'b': 1}} to {'a.b': 1}."""
    pairs = content.items() if isinstance(content, dict) else enumerate(content)
    flat = {}
    for key, value in pairs:
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, (dict, list)) else {f"{prefix}{key}": value}
    return flat


LEGEND = (
    "\nMedian latency, and the speedup over the parent with its 95 % interval over the rounds; 'no difference' where that "
    "interval touches the noise floor: the most by which the parent, measured twice, differed from itself in a round.\n"
)


def read_summary(path):
    """The summary as `summarise` wrote it. Raises InputError where it holds no parent to compare with."""
    table = pd.read_csv(path)
    if not (table["method"] == "parent").any():
        raise InputError(f"{path}: no row of the parent; delete it and run again")
    return table


def main_cell(demand):
    """The cell of the study's tables and of plots with room for one: (engine, device, threads, batch size).

    The first engine and number of threads in the config, the largest batch size.
    """
    first = demand.iloc[0]
    return first["engine"], first["device"], int(first["threads"]), int(demand["batch_size"].max())


def at_cell(demand, cell):
    """The rows of one cell."""
    return demand[(demand[CELL] == list(cell)).all(axis=1)]


def measured_on_gpu(demand):
    return "gpu_utilization_percent.mean" in demand and demand["gpu_utilization_percent.mean"].notna().any()


def study_table(summary, demand, method):
    """The study's table of one method, one row a level: means over seeds, standard deviation of the accuracy.

    Demand comes from the measured seeds and the main cell. Without a GPU the utilization is the processor's.
    """
    rows = summary[summary["method"] == method].groupby("level_percent")
    table = pd.DataFrame(
        {
            "accuracy_percent": rows["accuracy_percent"].mean(),
            "accuracy_sd": rows["accuracy_percent"].std(),
            "seeds": rows["seed"].nunique(),
            "macs_million": rows["macs"].mean() / 1e6,
            "parameters_thousand": rows["parameters"].mean() / 1e3,
            "nonzero_parameters_thousand": rows["nonzero_parameters"].mean() / 1e3,
            "compressed_megabytes": rows["compressed_bytes"].mean() / 1e6,
        }
    )
    engine, device, threads, largest = main_cell(demand)
    own = demand[demand["method"] == method]
    for size in sorted(demand["batch_size"].unique()):
        cell = at_cell(own, (engine, device, threads, size)).groupby("level_percent")
        table[f"latency_ms_batch{size}"] = cell["latency_ms.p50"].mean()
    cell = at_cell(own, (engine, device, threads, largest)).groupby("level_percent")
    if measured_on_gpu(demand):
        table["gpu_utilization_percent"] = cell["gpu_utilization_percent.mean"].mean()
        table["gpu_utilization_per_inference_percent"] = cell["gpu_utilization_per_inference_percent"].mean()
    else:
        table["cpu_utilization_percent"] = cell["cpu_utilization_percent"].mean()
    return table.reset_index()


def demand_tables(demand, method):
    """What a method demands: {conditions in words: table}, a row a level and measured seed, a column an engine.

    An entry reads `31.2 ms, 3.4x (3.2 to 3.6)`: median latency, speedup over the parent and its 95 % interval over the
    rounds; or `98.0 ms, no difference` where that interval touches the noise floor. The floor, in the first row, is the
    most by which the parent differed from itself in one round.
    """
    tables = {}
    own = demand[demand["method"] == method]
    for (threads, size), cells in own.groupby(["threads", "batch_size"], sort=False):
        columns = {}
        for (engine, device), rows in cells.groupby(["engine", "device"], sort=False):
            rows = rows.set_index(["level_percent", "seed"])
            noise = rows["speedup.noise_percent"].max()
            floor = {("noise floor", ""): f"±{noise:.1f} %" if pd.notna(noise) else "-"}
            columns[engine if device == "cpu" else f"{engine} on the GPU"] = floor | {
                (f"{level:g}", seed): _cell_text(row) for (level, seed), row in rows.iterrows()
            }
        title = f"batch {size}, {threads} CPU thread{'s' * (threads > 1)}"
        tables[title] = pd.DataFrame(columns).rename_axis(["level, %", "seed"]).reset_index()
    return tables


def _cell_name(row):
    return f"{row['engine']}, {row['threads']} thread{'s' * (row['threads'] > 1)}, batch {row['batch_size']}"


def _cell_text(row):
    if pd.isna(row["latency_ms.p50"]):
        return "-"
    text = f"{row['latency_ms.p50']:.3g} ms, "
    if row["method"] == "parent":
        return text + f"{row['throughput_per_s']:.0f}/s"
    if row["speedup.verdict"] == "no difference":
        return text + "no difference"
    return text + f"{row['speedup.mean']:.2f}x ({row['speedup.low']:.2f} to {row['speedup.high']:.2f})"


DECIMALS = {
    "level_percent": 0,
    "seeds": 0,
    "accuracy_percent": 2,
    "accuracy_sd": 2,
    "gpu_utilization_per_inference_percent": 3,
}


def markdown(table):
    """A table as Markdown, numbers rounded for reading (the CSV keeps them all); what is missing is a dash."""
    shown = table.copy().astype(object)
    for column in table:
        digits = DECIMALS.get(column, 2 if "latency" in column or "megabytes" in column else 1)
        shown[column] = [f"{value:.{digits}f}" if pd.notna(value) else "-" for value in table[column]]
    headers = [column.replace("_", " ").replace("percent", "%").replace(" ms batch", ", ms, batch ") for column in table]
    return shown.to_markdown(index=False, headers=headers, disable_numparse=True, colalign=["right"] * len(headers)) + "\n"


def caption(summary, demand):
    """Where the numbers of a table come from, and what speaks against them."""
    one, seeds = summary.iloc[0], summary["seed"].nunique()
    engine, _, threads, _ = main_cell(demand)
    return (
        f"{one['experiment']}: {one['n_samples']} test objects, {seeds} seed{'s' * (seeds > 1)}; accuracy is the mean over "
        f"seeds, its sd their standard deviation; demand of one seed in {engine} with {threads} CPU thread{'s' * (threads > 1)} "
        f"on {hardware(demand)}. {warnings(demand)}".strip()
    )


def hardware(demand):
    """The machine that demand was measured on."""
    one = demand.iloc[0]
    gpu = one.get("hardware.gpu")
    return gpu if isinstance(gpu, str) and (demand["device"] != "cpu").any() else one["hardware.cpu"]


def warnings(demand):
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


def zeros_that_run_faster(demand):
    """Where a masked network ran faster than the noise floor allows; empty as long as zeros save no time."""
    found = demand[(demand["realise"] == "mask") & (demand["speedup.verdict"] == "faster")]
    return [
        f"{row['method']} {row['level_percent']:g} % in {_cell_name(row)} ({row['speedup.mean']:.2f}x)"
        for _, row in found.iterrows()
    ]


def write_tables(summary, demand, folder):
    """Writes `<method>.csv`, `<method>.md` and `<method>_demand.md` for the parent and every method."""
    for method in summary["method"].unique():
        table = study_table(summary, demand, method)
        about = f"{method}: {caption(summary, demand[demand['method'] == method])}\n"
        with whole(folder / f"{method}.csv") as temporary:
            table.to_csv(temporary, index=False)
        with whole(folder / f"{method}.md") as temporary:
            temporary.write_text(f"{about}\n{markdown(table)}")
        with whole(folder / f"{method}_demand.md") as temporary:
            parts = [about, LEGEND]
            for title, texts in demand_tables(demand, method).items():
                parts += [f"\n**{title}**\n\n", texts.to_markdown(index=False, disable_numparse=True), "\n"]
            temporary.write_text("".join(parts))
