"""From the JSON of each network to one tidy table, and from that to the tables people read."""

import pandas as pd

from voxprune.files import InputError, read_json, whole

KEY = ["method", "level_percent", "seed"]


def summarise(metrics, demands):
    """One row per (method, level, seed) with every number and text of both JSON files, nested keys joined by `.`.

    Networks that were not measured have empty demand columns. Demand's keys keep their names; where both files have
    a key (versions, hardware), the metrics' wins.
    """
    table = pd.DataFrame([_flat(read_json(path)) for path in metrics])
    demand = pd.DataFrame([_flat(read_json(path)) for path in demands])
    repeated = [column for column in demand if column in table and column not in KEY]
    table = table.merge(demand.drop(columns=repeated), on=KEY, how="left", validate="one_to_one")
    return table.sort_values(KEY, ignore_index=True)


def _flat(content, prefix=""):
    """Nested dictionaries and lists as one level: {'a': {'b': 1}} to {'a.b': 1}."""
    pairs = content.items() if isinstance(content, dict) else enumerate(content)
    flat = {}
    for key, value in pairs:
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, (dict, list)) else {f"{prefix}{key}": value}
    return flat


def read_summary(path):
    """The summary as `summarise` wrote it. Raises InputError where it holds no parent to compare with."""
    table = pd.read_csv(path)
    if not (table["method"] == "parent").any():
        raise InputError(f"{path}: no row of the parent; delete it and run again")
    return table


def batch_sizes(summary):
    """The batch sizes at which latency was measured, ascending."""
    columns = [column for column in summary if column.startswith("latency_ms.") and column.endswith(".p50")]
    return sorted(int(column.split(".")[1]) for column in columns)


def measured_on_gpu(summary):
    return "gpu_utilization_percent.mean" in summary and summary["gpu_utilization_percent.mean"].notna().any()


def study_table(summary, method):
    """The study's table of one method, one row a level: means over seeds, standard deviation of the accuracy.

    Demand comes from the measured seed. Without a GPU the utilization is the processor's.
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
    for size in batch_sizes(summary):
        table[f"latency_ms_batch{size}"] = rows[f"latency_ms.{size}.p50"].mean()
    if measured_on_gpu(summary):
        table["gpu_utilization_percent"] = rows["gpu_utilization_percent.mean"].mean()
        table["gpu_utilization_per_inference_percent"] = rows["gpu_utilization_per_inference_percent"].mean()
    else:
        table["cpu_utilization_percent"] = rows["cpu_utilization_percent"].mean()
    return table.reset_index()


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


def caption(summary):
    """Where the numbers of a table come from, in one line."""
    one = summary.iloc[0]
    seeds = summary["seed"].nunique()
    device = one.get("provenance.hardware.gpu")
    device = device if isinstance(device, str) else one["provenance.hardware.cpu"]
    return (
        f"{one['experiment']}: {one['n_samples']} test objects, {seeds} seed{'s' * (seeds > 1)}; accuracy is the mean over "
        f"seeds, its sd their standard deviation; demand was measured for one seed on {device}."
    )


def write_tables(summary, folder):
    """Writes `<method>.csv` and `<method>.md` for the parent and every method."""
    for method in summary["method"].unique():
        table = study_table(summary, method)
        with whole(folder / f"{method}.csv") as temporary:
            table.to_csv(temporary, index=False)
        with whole(folder / f"{method}.md") as temporary:
            temporary.write_text(f"{method}: {caption(summary)}\n\n{markdown(table)}")
