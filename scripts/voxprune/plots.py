"""The plots: one style, one colour and marker a method everywhere, spread over seeds always drawn."""

import re

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.ticker import FuncFormatter

from voxprune.files import whole
from voxprune.tables import batch_sizes, measured_on_gpu

STYLE = {
    "figure.figsize": (6.4, 4.2), "figure.dpi": 150, "font.size": 10, "axes.grid": True, "grid.alpha": 0.3,
    "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False, "svg.hashsalt": "voxprune",
    "axes.titlesize": 11, "lines.markersize": 5,
}  # fmt: skip
# Okabe and Ito's colours, told apart by colour-blind readers; markers and dashes tell them apart in grey.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*"]
DASHES = ["-", "--", ":", "-."]


def write_plots(summary, curves, folder):
    """Writes every plot of `PLOTS` as PNG and SVG. summary: as from tables.read_summary; curves: {seed: learning curve}."""
    for name, draw in PLOTS.items():
        write_plot(folder / name, draw, curves if draw is learning_curves else summary)


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
    _finish(axes, summary, seeds=True)


def gpu_utilization_by_level(axes, summary):
    if measured_on_gpu(summary):
        _lines(axes, summary, "level_percent", "gpu_utilization_per_inference_percent")
        axes.set(ylabel="mean GPU utilization / batch size, %", title="GPU utilization per inference, the study's figure")
        axes.set_ylim(bottom=0)
    else:
        _lines(axes, summary, "level_percent", "cpu_utilization_percent")
        cores, threads = (int(summary[column].dropna().iloc[0]) for column in ("provenance.hardware.cores", "threads"))
        axes.set(
            ylabel=f"CPU utilization, % of {cores} core{'s' * (cores > 1)}",
            title=f"CPU utilization by pruning level (no GPU here; {threads} thread{'s' * (threads > 1)})",
        )
        axes.set_ylim(0, 105)
    axes.set(xlabel="pruning level, %")
    _finish(axes, summary)


def latency_by_level(axes, summary):
    size = batch_sizes(summary)[-1]
    column = f"latency_ms.{size}.p50"
    control = summary.filter(regex=rf"^parent_control\.\d\.{re.escape(column)}$").stack()
    axes.axhspan(control.min(), control.max(), color="0.9", zorder=0, label="parent measured again and again")
    _lines(axes, summary, "level_percent", column, low=column, high=f"latency_ms.{size}.p90")
    axes.set(
        xlabel="pruning level, %",
        ylabel=f"latency of a batch of {size}, ms",
        title="Latency by pruning level (median, bars to the 90th percentile)",
    )
    axes.set_ylim(bottom=0)
    _finish(axes, summary)


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
    _finish(axes, summary, seeds=True)


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


PLOTS = {
    draw.__name__: draw
    for draw in (
        accuracy_by_level, gpu_utilization_by_level, latency_by_level, accuracy_against_macs, accuracy_against_parameters,
        accuracy_against_bytes, learning_curves,
    )
}  # fmt: skip


def _lines(axes, summary, x, y, low=None, high=None):
    """One line a method with its spread (over seeds, or from columns low to high), the parent as a reference line."""
    parent = summary.loc[summary["method"] == "parent", y]
    axes.axhline(parent.mean(), color="0.35", linewidth=1, linestyle=(0, (6, 3)), label="parent", zorder=1)
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


def _finish(axes, summary, seeds=False):
    axes.legend(loc="best")
    one, count = summary.iloc[0], summary["seed"].nunique()
    device = one.get("provenance.hardware.gpu")
    device = device if isinstance(device, str) else one["provenance.hardware.cpu"]
    spread = f"mean of {count} seeds, bars from the lowest to the highest" if count > 1 else "one seed"
    note = f"{one['experiment']}, {one['n_samples']} test objects, " + (spread if seeds else f"one seed, {device}")
    axes.figure.supxlabel(note, x=0.01, ha="left", fontsize=7.5, color="0.35")
