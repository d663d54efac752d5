"""The plots: one style, one colour and marker a method everywhere, spread over seeds always drawn."""

import math

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.ticker import FuncFormatter

from voxprune.files import whole
from voxprune.tables import at_cell, hardware, main_cell, measured_on_gpu

STYLE = {
    "figure.figsize": (6.4, 4.2), "figure.dpi": 150, "font.size": 10, "axes.grid": True, "grid.alpha": 0.3,
    "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False, "svg.hashsalt": "voxprune",
    "axes.titlesize": 11, "lines.markersize": 5,
}  # fmt: skip
# Okabe and Ito's colours, told apart by colour-blind readers; markers and dashes tell them apart in grey.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*"]
DASHES = ["-", "--", ":", "-."]


def write_plots(summary, demand, curves, retraining, folder):
    """Writes every plot as PNG and SVG.

    summary, demand: as from `tables`. curves: {seed: table of training.csv}. retraining: {(method, level): table of
    retraining.csv} of the first seed, empty where no method retrains.
    """
    for draw in OF_ACCURACY:
        write_plot(folder / draw.__name__, draw, summary)
    for draw in OF_DEMAND:
        write_plot(folder / draw.__name__, draw, summary, demand)
    write_plot(folder / "learning_curves", learning_curves, curves)
    if retraining:
        write_plot(folder / "retraining_curves", retraining_curves, retraining, summary)


def write_plot(stem, draw, *data):
    """Draws into fresh axes and writes `<stem>.png` and `<stem>.svg`."""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(layout="constrained")
        draw(axes, *data)
        for kind in ("png", "svg"):
            with whole(stem.with_name(f"{stem.name}.{kind}")) as temporary:
                figure.savefig(temporary, format=kind, metadata={"Date": None} if kind == "svg" else None)
        plt.close(figure)


def accuracy_by_level(axes, summary):
    _lines(axes, summary, "level_percent", "accuracy_percent")
    axes.set(xlabel="pruning level, %", ylabel="test accuracy, %", title="Accuracy by pruning level")
    _finish(axes, summary)


def gpu_utilization_by_level(axes, summary, demand):
    """With a GPU the study's own way of reading beside the corrected one, else the processor's utilization."""
    engine, device, threads, size = main_cell(demand)
    rows = at_cell(demand, main_cell(demand))
    if measured_on_gpu(demand):
        left, right = _panels(axes, 2)
        _lines(left, rows, "level_percent", "legacy_gpu_utilization_per_inference_percent")
        _lines(right, rows, "level_percent", "gpu_utilization_per_inference_percent")
        left.set(title="legacy: nvidia-smi after each batch", ylabel="mean GPU utilization / batch size, %")
        right.set(title="corrected: sampled while saturated")
        left.set_ylim(bottom=0)
        drawn = [left, right]
    else:
        _lines(axes, rows, "level_percent", "cpu_utilization_percent")
        cores = int(rows["hardware.cores"].iloc[0])
        axes.set(
            ylabel=f"CPU utilization, % of {cores} core{'s' * (cores > 1)}",
            title=f"CPU utilization by pruning level (no GPU here; {threads} thread{'s' * (threads > 1)})",
        )
        axes.set_ylim(0, 105)
        drawn = [axes]
    for one in drawn:
        one.set(xlabel="pruning level, %")
    _finish(drawn[-1], summary, demand)


def latency_by_level(axes, summary, demand):
    """A panel an engine: median latency, bars to the 90th percentile, the parent's noise floor as a band."""
    first, threads, size = demand["engine"].iloc[0], *main_cell(demand)[2:]
    engines = demand["engine"].unique()
    panels = _panels(axes, len(engines))
    for panel, engine in zip(panels, engines):
        rows = demand[(demand["engine"] == engine) & (demand["threads"] == threads) & (demand["batch_size"] == size)]
        _noise_band(panel, rows, "latency_ms.p50")
        _lines(panel, rows, "level_percent", "latency_ms.p50", low="latency_ms.p50", high="latency_ms.p90")
        panel.set(xlabel="pruning level, %", title=engine)
        panel.set_ylim(bottom=0)
    where = "" if (demand["device"] != "cpu").any() else f", {threads} thread{'s' * (threads > 1)}"
    panels[0].set_ylabel(f"latency of a batch of {size}, ms (median, bars to p90)")
    panels[0].figure.suptitle(f"Latency by pruning level{where}", fontsize=11)
    _finish(panels[list(engines).index(first)], summary, demand)


def speedup_against_macs(axes, summary, demand):
    """A panel an engine: what removing MACs saves in time, against what it would save if time followed MACs."""
    threads, size = main_cell(demand)[2:]
    macs = summary.set_index(["method", "level_percent", "seed"])[["macs", "collapsed"]]
    parent = summary.loc[summary["method"] == "parent", "macs"].iloc[0]
    rows = demand.join(macs, on=["method", "level_percent", "seed"])
    rows = rows[~rows["collapsed"] & (rows["threads"] == threads) & (rows["batch_size"] == size)]
    rows = rows.assign(reduction=parent / rows["macs"])
    engines = rows["engine"].unique()
    panels, most = _panels(axes, len(engines)), rows["reduction"].max() * 1.1
    for panel, engine in zip(panels, engines):
        own = rows[rows["engine"] == engine]
        noise = own["speedup.noise_percent"].max() / 100
        panel.axhspan(1 / (1 + noise), 1 + noise, color="0.88", zorder=0, label="noise floor")
        panel.plot([1, most], [1, most], color="0.35", linewidth=1, linestyle=":", label="time as MACs")
        _lines(panel, own, "reduction", "speedup.mean", low="speedup.low", high="speedup.high", parent=False)
        for axis in (panel.xaxis, panel.yaxis):
            axis.axes.set_xscale("log") if axis is panel.xaxis else axis.axes.set_yscale("log")
            axis.set_major_formatter(FuncFormatter(_plain_number))
            axis.set_minor_formatter(FuncFormatter(_plain_number))
        panel.set(xlabel="MACs: parent / pruned", title=engine)
    panels[0].set_ylabel(f"speedup of a batch of {size} (95 % interval)")
    panels[0].figure.suptitle("Measured speedup against the reduction of MACs", fontsize=11)
    _finish(panels[0], summary, demand)


def _panels(axes, count, columns=4):
    """Replaces one pair of axes by `count` that share their scales, at most `columns` side by side."""
    figure, rows, columns = axes.figure, math.ceil(count / columns), min(count, columns)
    axes.remove()
    width, height = figure.get_size_inches()
    figure.set_size_inches(width * (1 + 0.45 * (columns - 1)), height * (1 + 0.6 * (rows - 1)))
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flatten()
    for spare in panels[count:]:
        spare.remove()
    return list(panels[:count])


def _noise_band(axes, rows, column):
    parent = rows.loc[rows["method"] == "parent", column].mean()
    noise = rows["speedup.noise_percent"].max() / 100
    axes.axhspan(parent / (1 + noise), parent * (1 + noise), color="0.88", zorder=0, label="noise floor (A/A)")


def accuracy_against_macs(axes, summary):
    _accuracy_against(
        axes, summary, "effective_macs", 1e6, "multiply-accumulates",
        "million MACs an object, zero weights not counted\n(what masks save here is saved on paper only)",
    )  # fmt: skip


def accuracy_against_parameters(axes, summary):
    _accuracy_against(
        axes, summary, "nonzero_parameters", 1e3, "parameters", "thousand parameters that are not zero"
    )  # fmt: skip


def accuracy_against_bytes(axes, summary):
    _accuracy_against(
        axes, summary, "compressed_bytes", 1e6, "stored size", "megabytes of the checkpoint, compressed (zstd)"
    )  # fmt: skip


def _accuracy_against(axes, summary, column, unit, what, label):
    summary = summary[~summary["collapsed"]].assign(cost=summary[column] / unit)
    _lines(axes, summary, "cost", "accuracy_percent")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(_plain_number))
    axes.xaxis.set_minor_formatter(FuncFormatter(_plain_number))
    axes.set(xlabel=label, ylabel="test accuracy, %", title=f"Accuracy against {what} (collapsed networks left out)")
    _finish(axes, summary)


def _plain_number(value, position):
    """20 for 2e1, on a logarithmic axis; only 1, 2, 3 and 5 of each decade, because more would crowd."""
    return f"{value:g}" if f"{value:e}"[0] in "1235" else ""


def learning_curves(axes, curves):
    """curves: {seed: table of training.csv}. Loss in full lines, validation accuracy dashed on the right."""
    right = axes.twinx()
    right.grid(False)
    for number, (seed, curve) in enumerate(curves.items()):
        colour = COLOURS[number % len(COLOURS)]
        axes.plot(curve["epoch"], curve["train_loss"], color=colour, label=f"seed {seed}")
        right.plot(curve["epoch"], curve["validation_accuracy_percent"], color=colour, linestyle="--", marker=".")
    axes.set(xlabel="epoch", ylabel="training loss (full lines)", title="Learning curves of the parents")
    axes.set_ylim(bottom=0)
    axes.xaxis.get_major_locator().set_params(integer=True)
    right.set_ylabel("validation accuracy, % (dashed)")
    right.set_ylim(0, 102)
    right.spines["right"].set_visible(True)
    axes.legend(loc="center right")


def retraining_curves(axes, retraining, summary):
    """A panel a method, a line a level: validation accuracy of the first seed while it is retrained.

    retraining: {(method, level): table of retraining.csv}; networks that were not retrained have an empty one.
    """
    methods = list(dict.fromkeys(method for method, _ in retraining))
    levels = sorted({level for _, level in retraining})
    parent = summary.loc[summary["method"] == "parent", "validation_accuracy_percent"].iloc[0]
    panels = _panels(axes, len(methods))
    for panel, method in zip(panels, methods):
        panel.axhline(parent, color="0.35", linewidth=1, linestyle=(0, (6, 3)), label="parent", zorder=1)
        for number, level in enumerate(levels):
            curve = retraining[method, level]
            panel.plot(
                range(1, len(curve) + 1), curve["validation_accuracy_percent"], label=f"{level} %", linewidth=1.4,
                color=matplotlib.colormaps["cividis"](0.9 * number / max(1, len(levels) - 1)),
                marker=MARKERS[number % len(MARKERS)], markersize=3,
            )  # fmt: skip
        panel.set_title(method)
        panel.xaxis.get_major_locator().set_params(integer=True)
    panels[-1].legend(loc="lower right", fontsize=8, title="level")
    figure = panels[0].figure
    figure.supylabel("validation accuracy, %", fontsize=10)
    figure.suptitle("Retraining, epoch by epoch", fontsize=11)
    note = f"{summary['experiment'].iloc[0]}, first seed, the parent's validation accuracy dashed; the best epoch is kept"
    figure.supxlabel(note, x=0.01, ha="left", fontsize=7.5, color="0.35")


def staircase(axes, table, note):
    """table: as measure_staircase writes it. Latency of each engine and MACs, in percent of the parent's, by width."""
    first = table[table["engine"] == table["engine"].iloc[0]]
    axes.plot(first["level_percent"], 100 * first["macs"] / first["macs"].max(), color="0.35", linestyle=":", label="MACs")
    for number, (engine, rows) in enumerate(table.groupby("engine", sort=False)):
        axes.step(
            rows["level_percent"], 100 * rows["latency_ms"] / rows["latency_ms"].iloc[0], where="post", label=engine,
            color=COLOURS[number], marker=MARKERS[number], markersize=3, linestyle=DASHES[number % len(DASHES)],
        )  # fmt: skip
    axes.set(
        xlabel="filters removed from every layer, %", ylabel="percent of the parent",
        title=f"Latency of a batch of {first['batch_size'].iloc[0]} by width",
    )  # fmt: skip
    axes.set_ylim(bottom=0)
    axes.legend(loc="best", fontsize=9)
    axes.figure.supxlabel(note, x=0.01, ha="left", fontsize=7.5, color="0.35")


def criteria_correlations(axes, table, note):
    """table: as from oracle.rank_correlations. One row a criterion, one mark a layer, the best mean on top."""
    means = table.groupby("criterion")["correlation"].mean().sort_values()
    places = {criterion: place for place, criterion in enumerate(means.index)}
    axes.axvline(0, color="0.35", linewidth=1)
    for number, (layer, rows) in enumerate(table.groupby("layer", sort=False)):
        axes.plot(
            rows["correlation"], rows["criterion"].map(places), linestyle="", label=layer, alpha=0.85,
            color=COLOURS[number % len(COLOURS)], marker=MARKERS[number % len(MARKERS)],
        )  # fmt: skip
    axes.set_yticks(range(len(means)), [f"{name}  ({mean:+.2f})" for name, mean in means.items()])
    axes.set(
        xlim=(-1.05, 1.05), title="How well each criterion foresees the loss without a filter",
        xlabel="Spearman's rank correlation with the loss's rise",
    )  # fmt: skip
    axes.legend(loc="lower left", fontsize=8)
    axes.figure.supxlabel(note, x=0.01, ha="left", fontsize=7.5, color="0.35")


OF_ACCURACY = (accuracy_by_level, accuracy_against_macs, accuracy_against_parameters, accuracy_against_bytes)
OF_DEMAND = (gpu_utilization_by_level, latency_by_level, speedup_against_macs)


def _lines(axes, summary, x, y, low=None, high=None, parent=True):
    """One line a method with its spread (over seeds, or from columns low to high), the parent as a reference line."""
    if parent:
        level = summary.loc[summary["method"] == "parent", y].mean()
        axes.axhline(level, color="0.35", linewidth=1, linestyle=(0, (6, 3)), label="parent", zorder=1)
    methods = [method for method in summary["method"].unique() if method != "parent"]
    for number, method in enumerate(methods):
        levels = summary[summary["method"] == method].groupby("level_percent")
        centre, at = levels[y].mean(), levels[x].mean()
        if x == "level_percent":  # side by side, so that bars don't hide each other
            at += min(0.9, 3 / len(methods)) * (number - (len(methods) - 1) / 2)
        bounds = pd.DataFrame({"low": levels[low or y].min(), "high": levels[high or y].max()})
        axes.errorbar(
            at, centre, yerr=[centre - bounds["low"], bounds["high"] - centre], capsize=2, elinewidth=0.8,
            color=COLOURS[number % len(COLOURS)], marker=MARKERS[number % len(MARKERS)],
            linestyle=DASHES[number % len(DASHES)], linewidth=1.4, label=method, alpha=0.9,
        )  # fmt: skip


def _finish(axes, summary, demand=None):
    """Legend, and a line below that says what was measured, on what, and what speaks against it."""
    axes.legend(loc="best", fontsize=9)
    one, count = summary.iloc[0], summary["seed"].nunique()
    spread = f"mean of {count} seeds, bars from the lowest to the highest" if count > 1 else "one seed"
    note = f"{one['experiment']}, {one['n_samples']} test objects, {spread}"
    if demand is not None:
        brief = ", measured briefly" if (demand["detail"] == "brief").any() else ""
        note = f"{one['experiment']}, one seed{brief}, {hardware(demand)}"
        if not demand["valid"].all():
            methods = ", ".join(demand.loc[~demand["valid"], "method"].unique())
            note += f"\nINVALID for {methods}: the machine wasn't steady; the tables say why"
    axes.figure.supxlabel(note, x=0.01, ha="left", fontsize=7.5, color="0.35")
