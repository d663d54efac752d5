"""The tables people read: of the study, of demand, of every level, at equal cost; Markdown, LaTeX and HTML."""

import html
import re

import pandas as pd

from voxprune.answer.comparison import BREAK_MARGINS
from voxprune.answer.findings import measured_ratio
from voxprune.answer.summary import (
    COSTS,
    at_cell,
    below_the_parent,
    counted,
    hardware,
    main_cell,
    measured_on_gpu,
    named,
    warnings,
)
from voxprune.answer.words import at_worst, points_text, speed_text
from voxprune.core.files import atomic_write

LEGEND = (
    "Median latency, and the speedup over the parent with its 95 % interval over the rounds; 'not told apart' where that interval "
    "comes within the least difference that counts: `measurement: least_percent`, or what the parent, measured twice, differs by from itself. "
    "Beside the parent's latency stands its throughput, measured apart, in calls without a pause. "
)


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


def demand_table(demand, method):
    """What a method demands: a row for each condition, level and measured seed, a column an engine.

    An entry reads `31.2 ms, 3.40x (3.20 to 3.60)`: median latency, speedup over the parent and its 95 % interval over the
    rounds; or `98.0 ms, not told apart`. The first row of each condition gives the least difference that counts.
    """
    parts = []
    for (threads, size), cells in demand[demand["method"] == method].groupby(["threads", "batch_size"], sort=False):
        columns = {}
        for (engine, device), rows in cells.groupby(["engine", "device"], sort=False):
            rows = rows.set_index(["level_percent", "seed"])
            least = rows["speedup.least_percent"].max()
            floor = {("least that counts", ""): f"±{least:.1f} %" if pd.notna(least) else "-"}
            columns[engine if device == "cpu" else f"{engine} on the GPU"] = floor | {
                (f"{level:g}", str(seed)): _cell_text(row) for (level, seed), row in rows.iterrows()
            }
        part = pd.DataFrame(columns).rename_axis(["level, %", "seed"]).reset_index()
        part.insert(0, "conditions", f"batch {size}, {counted(threads, 'thread')}")
        parts.append(part)
    return pd.concat(parts, ignore_index=True).fillna("-")


def _cell_text(row):
    if pd.isna(row["latency_ms.p50"]):
        return "-"
    text = f"{row['latency_ms.p50']:.3g} ms, "
    if row["method"] == "parent":
        return text + f"{row['throughput_per_s']:.0f}/s"
    if row["speedup.verdict"] == "no difference":
        return text + "not told apart"
    return text + f"{row['speedup.mean']:.2f}x ({row['speedup.low']:.2f} to {row['speedup.high']:.2f})"


DECIMALS = {
    "power_percent": 0,
    "epochs in all": 0,
    "level_percent": 0,
    "seeds": 0,
    "n_samples": 0,
    "gpu_utilization_per_inference_percent": 3,
}
WORDS = {"_ms_batch": ", ms, batch ", "_million": ", million", "_thousand": ", thousand", "_megabytes": ", megabytes",
         "_percent": " %", "_": " ", "macs": "MACs", "cpu": "CPU", "gpu": "GPU"}  # fmt: skip


def as_text(table):
    """A table of numbers as one of texts: rounded for reading, what is missing is a dash, headers in words."""
    shown = {}
    for column in table:
        digits = DECIMALS.get(column, 2 if any(word in column for word in ("accuracy", "latency", "megabytes")) else 1)
        header = column
        for written, said in WORDS.items():
            header = header.replace(written, said)
        shown[header] = [
            value if isinstance(value, str) else f"{value:.{digits}f}" if pd.notna(value) else "-" for value in table[column]
        ]
    return pd.DataFrame(shown)


HTML = """<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>
body {{font: 15px/1.5 system-ui, sans-serif; margin: 1.5em; max-width: 75em}} table {{border-collapse: collapse}}
th, td {{padding: .25em .8em; text-align: right; border-bottom: 1px solid #ddd; white-space: nowrap}}
th {{border-bottom: 2px solid #333; vertical-align: bottom; white-space: normal}} td:first-child, th:first-child {{text-align: left}}
</style><h1>{title}</h1><p>{about}</p>{table}</html>
"""


def write_table(stem, title, about, shown):
    """Writes a table of texts as `<stem>.md`, `.tex` (booktabs) and `.html`, each with a line on what stands in it."""
    aligned = ["left", *["right"] * (len(shown.columns) - 1)]
    texts = {
        "md": f"{title}. {about}\n\n{shown.to_markdown(index=False, disable_numparse=True, colalign=aligned)}\n",
        "tex": shown.to_latex(
            index=False, escape=True, caption=_latex(f"{title}. {about}"), column_format="l" + "r" * (len(aligned) - 1)
        ),
        "html": HTML.format(title=html.escape(title), about=html.escape(about), table=shown.to_html(index=False, border=0)),
    }
    for kind, text in texts.items():
        with atomic_write(stem.with_name(f"{stem.name}.{kind}")) as temporary:
            temporary.write_text(text)


def _latex(text):
    """Text with LaTeX's special characters escaped, as to_latex does it in cells."""
    return re.sub(r"([%&_#$])", r"\\\1", text).replace("±", r"$\pm$")


def caption(summary, demand):
    """Where the numbers of a table come from, and what speaks against them."""
    one, seeds = summary.iloc[0], summary["seed"].nunique()
    engine, _, threads, _ = main_cell(demand)
    return (
        f"{one['experiment']}: {one['n_samples']} test objects, {counted(seeds, 'seed')}; accuracy is the mean over "
        f"seeds, its sd their standard deviation; demand of one seed in {engine} with {counted(threads, 'CPU thread')} "
        f"on {hardware(demand)}. {' '.join(warnings(demand))}".strip()
    )


def write_tables(summary, demand, statistics, answer, skipped, folder):
    """Writes every table of the report, those of single methods in `methods/`; there `<method>.csv` stands beside the study's table, the
    numbers of the others are in `statistics/`.

    statistics: {name: table} of `comparison`. answer: as from `answer.find_answer`. skipped: a row a mesh left out.
    """
    about = f"{answer['experiment']}: meshes that couldn't be voxelized and so are in no accuracy."
    nothing = pd.DataFrame({"split": ["every mesh was voxelized"]})
    write_table(folder / "skipped_meshes", "Meshes left out", about, skipped if len(skipped) else nothing)
    for method in summary["method"].unique():
        table = study_table(summary, demand, method)
        about = caption(summary, demand[demand["method"] == method])
        with atomic_write(folder / f"methods/{method}.csv") as temporary:
            table.to_csv(temporary, index=False)
        write_table(folder / f"methods/{method}", method, about, as_text(table))
        write_table(folder / f"methods/{method}_demand", f"Demand of {method}", LEGEND + about, demand_table(demand, method))
    evidence = (
        f"{answer['experiment']}: {answer['n_samples']} test objects, {named(answer['seeds'], 'seed')}; differences to "
        f"the parent in points of accuracy, paired by seed and object, intervals of {answer['confidence_percent']:g} %; "
        f"margin {counted(answer['margin_points'], 'point')}."
    )
    levels = statistics["levels"]
    about = (
        f"{evidence} At worst: the bound that decides, with the levels of each method tested in sequence; broke: seeds that lost "
        f"{counted(BREAK_MARGINS * answer['margin_points'], 'point')} or more. {' '.join(answer['warnings'])}"
    )
    write_table(folder / "levels", "Every level against its parent", about.strip(), levels_table(levels))
    about = (
        f"{evidence} '=' marks what can't be told apart from the best of its row, '~' what is interpolated between two levels; methods that "
        "were trained for other numbers of epochs are not compared fairly."
    )
    write_table(folder / "equal_cost", "Methods at equal cost", about, budgets_table(statistics["budgets"]))
    about = (
        f"{answer['experiment']}: {answer['n_samples']} test objects; each checkpoint by itself, against the parent of its seed. At worst: what "
        f"this checkpoint loses on new objects, at {100 - answer['confidence_percent']:g} % error; it says nothing of other seeds."
    )
    write_table(folder / "seeds", "Every seed by itself", about, seeds_table(statistics["seeds"]))
    about = (
        f"{answer['experiment']}: of 100 experiments with so many seeds and {answer['n_samples']} test objects, in how many would a method's first "
        f"level be shown to lose less than {counted(answer['margin_points'], 'point')}, if it loses nothing."
    )
    write_table(folder / "power", "What more seeds would show", about, as_text(statistics["power"]))
    write_table(folder / "classes", "Change by class", evidence + " Of each method its largest non-inferior level, or else its lowest.",
                classes_table(statistics["classes"], shown_levels(levels)))  # fmt: skip


def interval_texts(table, name):
    """`+0.3 (-0.5 to +1.1)` of each row with the columns name, name_low, name_high; a dash where it is missing."""
    rows = zip(table[name], table[f"{name}_low"], table[f"{name}_high"])
    return ["-" if pd.isna(mean) else points_text({"mean": mean, "low": low, "high": high}) for mean, low, high in rows]


def levels_table(levels):
    """One row a (method, level): accuracy, difference, the bound that decides, verdict, what it costs."""
    pruned = levels.mask(levels["method"] == "parent")  # the parent is no rival of itself
    ratios = [measured_ratio(row, "speedup") for _, row in levels.iterrows()]
    return as_text(
        pd.DataFrame(
            {
                "method": levels["method"],
                "level_percent": levels["level_percent"],
                "verdict": ["collapsed" if row["collapsed"] else row["verdict"] for _, row in levels.iterrows()],
                "accuracy_percent": levels["accuracy_percent"],
                "difference, points": interval_texts(pruned, "difference_points"),
                "at worst": ["-" if pd.isna(value) else at_worst(value) for value in pruned["at_worst_points"]],
                "broke": [f"{count} of {seeds}" for count, seeds in zip(levels["broken_seeds"], levels["seeds"])],
                "worst class": [
                    f"{name} {text}"
                    for name, text in zip(pruned["worst_class"].fillna(""), interval_texts(pruned, "worst_class_points"))
                ],
                "macs_million": levels["macs"] / 1e6,
                "speed": ["-" if one is None else speed_text(one) for one in ratios],
                **_training(levels),
            }
        )
    )


def _training(levels):
    """What was trained, where that is known: epochs in all, and MACs of training."""
    if "total_epochs" not in levels:
        return {}
    return {"epochs in all": levels["total_epochs"], "training MACs, 10^12": levels["training_macs"] / 1e12}


def seeds_table(seeds):
    """One row a checkpoint: accuracy and its interval, objects lost and gained, what it loses at worst on new objects."""
    pruned = seeds.mask(seeds["method"] == "parent")  # the parent loses nothing against itself
    return as_text(
        pd.DataFrame(
            {
                "method": seeds["method"],
                "level_percent": seeds["level_percent"],
                "seed": [str(seed) for seed in seeds["seed"]],
                "accuracy %": [
                    f"{row['accuracy_percent']:.1f} ({row['accuracy_percent_low']:.1f} to {row['accuracy_percent_high']:.1f})"
                    for _, row in seeds.iterrows()
                ],
                "lost": [str(count) for count in seeds["lost"]],
                "gained": [str(count) for count in seeds["gained"]],
                "p, McNemar": ["-" if pd.isna(p) else f"{p:.2g}" for p in pruned["p_mcnemar"]],
                "at worst": ["-" if pd.isna(value) else at_worst(value) for value in pruned["at_worst_points"]],
                "broke": ["yes" if broke else "no" for broke in seeds["broke"]],
            }
        )
    )


def budgets_table(budgets):
    """One row a (cost, budget), one column a method; one line that says so where no method reaches any budget."""
    if not len(budgets):
        return pd.DataFrame({"at": ["no method reaches a budget below the parent's cost"]})
    rivals = budgets.groupby(["cost", "budget_percent"])["method"].transform("count") > 1
    texts = budgets.assign(
        text=[
            text + (" =" if among_best else "") + (" ~" if interpolated else "")
            for text, among_best, interpolated in zip(
                interval_texts(budgets, "difference_points"), budgets["among_best"] & rivals, budgets["interpolated"]
            )
        ]
    )
    wide = texts.pivot(index=["cost", "budget_percent"], columns="method", values="text")
    order = budgets[["cost", "budget_percent"]].drop_duplicates()
    wide = wide.loc[list(order.itertuples(index=False, name=None)), list(dict.fromkeys(budgets["method"]))]
    wide = wide.fillna("-").rename_axis(columns=None).reset_index()
    wide.insert(
        0,
        "at",
        [f"{percent} % of {COSTS[cost]}" for cost, percent in zip(wide.pop("cost"), wide.pop("budget_percent"))],
    )
    return wide


def shown_levels(levels):
    """{method: its largest non-inferior level, or else its lowest}."""
    found = {}
    for method, rows in levels[levels["method"] != "parent"].groupby("method", sort=False):
        rows = below_the_parent(rows)
        kept = rows.loc[rows["verdict"] == "non-inferior", "level_percent"]
        found[method] = kept.max() if len(kept) else rows["level_percent"].min()
    return found


def classes_table(classes, shown):
    """One row a class: the parent's accuracy, and the change of each method at its shown level."""
    parent = classes[classes["method"] == "parent"]
    columns = {"class": parent["class"].tolist(), "n_samples": parent["n_samples"].tolist(),
               "parent accuracy_percent": parent["accuracy_percent"].tolist()}  # fmt: skip
    for method, level in shown.items():
        rows = classes[(classes["method"] == method) & (classes["level_percent"] == level)]
        columns[f"{method} {level:g} %, points"] = interval_texts(rows, "difference_points")
    return as_text(pd.DataFrame(columns))
