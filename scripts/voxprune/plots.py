"""The plots of numbers: one style, one colour and marker a method everywhere, intervals always drawn.

The docstring of each is its caption in the report; the line below each plot says what it rests on.
"""

import inspect
import math
import textwrap
from contextlib import contextmanager

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator, ScalarFormatter

from voxprune.files import whole
from voxprune.summary import COSTS, at_cell, counted, hardware, main_cell, measured_on_gpu, named

STYLE = {
    "figure.figsize": (6.4, 4.2), "figure.dpi": 150, "font.size": 10, "axes.grid": True, "grid.alpha": 0.3,
    "axes.spines.top": False, "axes.spines.right": False, "legend.edgecolor": "none", "legend.framealpha": 0.85, "svg.hashsalt": "voxprune",
    "axes.titlesize": 11, "lines.markersize": 5, "text.parse_math": False,  # names may hold $
}  # fmt: skip
# Okabe and Ito's colours, told apart by colour-blind readers; markers and dashes tell them apart in grey.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*"]
DASHES = ["-", "--", ":", "-."]
NOTE_LETTERS_AN_INCH = 17  # of the line below each plot
PARENT_LOOK = {"color": "0.35", "marker": "*", "markersize": 9, "linestyle": ""}


def write_plots(summary, demand, statistics, answer, curves, retraining, sensitivity, folder):
    """Writes every plot as PNG and SVG, with its caption.

    summary, demand: as from `tables`. statistics: {name: table} of `comparison`. answer: as from `answer.find_answer`.
    curves: {seed: table of training.csv}. retraining: {(method, level): table of retraining.csv} of the first seed, empty
    where no method retrains. sensitivity: as from `sensitivity.by_layer`.
    """
    levels = statistics["levels"]
    for draw in OF_ACCURACY:
        write_plot(folder / draw.__name__, draw, levels, answer)
    write_plot(folder / "pareto_front", pareto_front, statistics["fronts"], method_looks(levels["method"]), answer)
    write_plot(folder / "classes_by_level", classes_by_level, statistics["classes"], answer)
    for draw in OF_DEMAND:
        write_plot(folder / draw.__name__, draw, summary, demand)
    write_plot(folder / "sensitivity_by_layer", sensitivity_by_layer, sensitivity, answer)
    write_plot(folder / "learning_curves", learning_curves, curves, answer)
    if retraining:
        write_plot(folder / "retraining_curves", retraining_curves, retraining, summary)


def write_plot(stem, draw, *data):
    """Writes `<stem>.png` and `.svg`; its caption, `.rst`, is the first part of the docstring, and the line below."""
    with drawn(draw, *data) as figure:
        for kind in ("png", "svg"):
            with whole(stem.with_name(f"{stem.name}.{kind}")) as temporary:
                figure.savefig(temporary, format=kind, metadata={"Date": None} if kind == "svg" else None)
        with whole(stem.with_name(f"{stem.name}.rst")) as temporary:
            caption = inspect.getdoc(draw).partition("\n\n")[0]
            temporary.write_text(f"{caption}\n\n{figure.get_supxlabel()}\n")


@contextmanager
def drawn(draw, *data):
    """A figure into whose axes `draw` has drawn, in the one style; closed at the end."""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(layout="constrained")
        draw(axes, *data)
        yield figure
        plt.close(figure)


# ---- accuracy ------------------------------------------------------------------------------------------------------


def accuracy_by_level(axes, levels, answer):
    """Test accuracy by pruning level. The shaded band reaches from the parent's accuracy down to the margin."""
    _lines(axes, levels, "level_percent", "accuracy_percent", *ACCURACY_INTERVAL)
    axes.set(xlabel="pruning level, %", ylabel="test accuracy, %", title="Accuracy by pruning level")
    _finish_accuracy(axes, answer)


def accuracy_against_macs(axes, levels, answer):
    """Test accuracy against the multiply-accumulates of one object. Weights that are zero are not counted: what masks
    save here is saved on paper only.
    """
    _accuracy_against(axes, levels, answer, "effective_macs", 1e6, "multiply-accumulates",
                      "million MACs an object, zero weights not counted\n(what masks save here is saved on paper only)")  # fmt: skip


def accuracy_against_parameters(axes, levels, answer):
    """Test accuracy against the parameters that are not zero."""
    _accuracy_against(
        axes, levels, answer, "nonzero_parameters", 1e3, "parameters", "thousand parameters that are not zero"
    )  # fmt: skip


def accuracy_against_bytes(axes, levels, answer):
    """Test accuracy against the bytes of the checkpoint, compressed by zstd: here zeros save as well."""
    _accuracy_against(
        axes, levels, answer, "compressed_bytes", 1e6, "stored size", "megabytes of the checkpoint, compressed (zstd)"
    )  # fmt: skip


def accuracy_against_latency(axes, levels, answer):
    """Test accuracy against the measured latency of a batch, in the engine that runs the parent fastest."""
    cell = answer["measured_in"]
    label = f"latency of a batch of {cell['batch_size']} in {cell['engine']}, ms"
    _accuracy_against(axes, levels, answer, "latency_ms", 1, "latency", label)


def accuracy_against_energy(axes, levels, answer):
    """Test accuracy against the measured energy of one inference, where this machine counts energy."""
    _accuracy_against(axes, levels, answer, "energy_mj", 1, "energy", "millijoules an inference")


def _accuracy_against(axes, levels, answer, column, unit, what, label):
    axes.set(xlabel=label, ylabel="test accuracy, %", title=f"Accuracy against {what} (collapsed networks left out)")
    looks, levels = method_looks(levels["method"]), levels[~levels["collapsed"]].assign(cost=levels[column] / unit)
    if levels["cost"].notna().any():
        _lines(axes, levels[levels["cost"].notna()], "cost", "accuracy_percent", *ACCURACY_INTERVAL, looks=looks)
        _log_scale(axes, "x")
    else:
        axes.text(0.5, 0.5, f"no {what} was measured on this machine", transform=axes.transAxes, ha="center")
    _finish_accuracy(axes, answer)


def pareto_front(axes, fronts, looks, answer):
    """Every network that runs, and the fronts of those that no other beats: none costs less and is as accurate."""
    known = [cost for cost in COSTS if fronts[cost].notna().any()]
    panels = make_panels(axes, len(known), columns=2, share_x=False)
    for panel, cost in zip(panels, known):
        first = fronts.loc[fronts["method"] == "parent", cost].iloc[0]
        for method, rows in fronts.groupby("method", sort=False):
            at = 100 * rows[cost] / first
            spread = [
                rows["accuracy_percent"] - rows[ACCURACY_INTERVAL[0]],
                rows[ACCURACY_INTERVAL[1]] - rows["accuracy_percent"],
            ]
            panel.errorbar(
                at, rows["accuracy_percent"], yerr=spread, label=method, elinewidth=0.6, alpha=0.8,
                **({**looks[method], "linestyle": ""} if method in looks else PARENT_LOOK),
            )  # fmt: skip
        front = fronts[fronts[f"front_{cost}"]].sort_values(cost)
        panel.step(100 * front[cost] / first, front["accuracy_percent"], where="post", color="0.35", linewidth=1.2)
        panel.set(xlabel=f"{COSTS[cost]}, % of the parent's")
        _log_scale(panel, "x")
    figure = panels[0].figure
    figure.supylabel("test accuracy, %", fontsize=10)
    figure.suptitle("Networks that no other beats (line)", fontsize=11)
    _legend(panels[-1])
    write_note(panels[0], evidence(answer))


def classes_by_level(axes, classes, answer):
    """Change of each class's accuracy against the parent, in points. A dot marks a change whose interval excludes zero."""
    own = classes[classes["method"] != "parent"]
    methods, names = list(own["method"].unique()), list(own["class"].unique())
    panels = make_panels(axes, len(methods))
    for panel, method in zip(panels, methods):
        rows = own[own["method"] == method]
        points = rows.pivot(index="class", columns="level_percent", values="difference_points").loc[names]
        image = panel.imshow(points, cmap="PuOr", vmin=-50, vmax=50, aspect="auto")
        sure = rows[(rows["difference_points_low"] > 0) | (rows["difference_points_high"] < 0)]
        places = (
            [list(points.columns).index(level) for level in sure["level_percent"]],
            [names.index(one) for one in sure["class"]],
        )
        panel.plot(*places, ".", color="black", markersize=3)
        panel.set_xticks(range(len(points.columns)), [f"{level:g}" for level in points.columns], fontsize=8)
        panel.set_yticks(range(len(names)), names, fontsize=8)
        panel.set_title(method)
        panel.grid(False)
    figure = panels[0].figure
    figure.colorbar(image, ax=panels, label="points of accuracy", extend="both", shrink=0.8)
    figure.suptitle("Change by class and level, %", fontsize=11)
    write_note(panels[0], evidence(answer, "dots: interval excludes zero"))


def sensitivity_by_layer(axes, sensitivity, answer):
    """Accuracy when filters of one layer alone are pruned (lowest L1 norm first), with Wilson's intervals: where the first
    seed's parent is sensitive. Judged on training objects kept apart, never on test objects.
    """
    looks = method_looks(sensitivity["layer"])
    for layer, rows in sensitivity.groupby("layer", sort=False):
        spread = [
            rows["accuracy_percent"] - rows[ACCURACY_INTERVAL[0]],
            rows[ACCURACY_INTERVAL[1]] - rows["accuracy_percent"],
        ]
        axes.errorbar(
            rows["level_percent"], rows["accuracy_percent"], yerr=spread, label=layer, capsize=2, elinewidth=0.6, linewidth=1.4,
            **looks[layer],
        )  # fmt: skip
    axes.set(xlabel="filters pruned in this layer, %", ylabel="accuracy, %", title="Sensitivity by layer")
    _legend(axes)
    count = sensitivity["n_samples"].iloc[0]
    write_note(
        axes,
        f"{answer['experiment']}, seed {answer['seeds'][0]}: {count} {sensitivity['objects'].iloc[0]} objects, 95 % intervals; "
        f"{answer['measured_in']['hardware']}",
    )


# ---- demand --------------------------------------------------------------------------------------------------------


def gpu_utilization_by_level(axes, summary, demand):
    """With a GPU the study's own way of reading beside the corrected one, else the processor's utilization."""
    engine, device, threads, size = main_cell(demand)
    rows = at_cell(demand, main_cell(demand))
    if measured_on_gpu(demand):
        left, right = make_panels(axes, 2)
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
    _finish_demand(drawn[-1], demand)


def latency_by_level(axes, summary, demand):
    """A panel an engine: median latency, bars to the 90th percentile, the parent's noise floor as a band."""
    threads, size = main_cell(demand)[2:]
    engines = demand["engine"].unique()
    panels = make_panels(axes, len(engines))
    for panel, engine in zip(panels, engines):
        rows = demand[(demand["engine"] == engine) & (demand["threads"] == threads) & (demand["batch_size"] == size)]
        _noise_band(panel, rows, "latency_ms.p50")
        _lines(panel, rows, "level_percent", "latency_ms.p50", low="latency_ms.p50", high="latency_ms.p90")
        panel.set(xlabel="pruning level, %", title=engine)
    panels[0].set_ylim(bottom=0)  # of all, and after all are drawn: before, it would keep later ones from being seen whole
    where = "" if (demand["device"] != "cpu").any() else f", {threads} thread{'s' * (threads > 1)}"
    panels[0].set_ylabel(f"latency of a batch of {size}, ms (median, bars to p90)")
    panels[0].figure.suptitle(f"Latency by pruning level{where}", fontsize=11)
    _finish_demand(panels[-1], demand)


def speedup_against_macs(axes, summary, demand):
    """A panel an engine: what removing MACs saves in time, against what it would save if time followed MACs."""
    threads, size = main_cell(demand)[2:]
    macs = summary.set_index(["method", "level_percent", "seed"])[["macs", "collapsed"]]
    parent = summary.loc[summary["method"] == "parent", "macs"].iloc[0]
    looks, rows = method_looks(demand["method"]), demand.join(macs, on=["method", "level_percent", "seed"])
    rows = rows[~rows["collapsed"] & (rows["threads"] == threads) & (rows["batch_size"] == size)]
    rows = rows.assign(reduction=parent / rows["macs"])
    engines = rows["engine"].unique()
    panels, most = make_panels(axes, len(engines)), rows["reduction"].max() * 1.1
    for panel, engine in zip(panels, engines):
        own = rows[rows["engine"] == engine]
        noise = own["speedup.noise_percent"].max() / 100
        panel.axhspan(1 / (1 + noise), 1 + noise, color="0.88", zorder=0, label="noise floor")
        panel.plot([1, most], [1, most], color="0.35", linewidth=1, linestyle=":", label="time as MACs")
        _lines(panel, own, "reduction", "speedup.mean", low="speedup.low", high="speedup.high", parent=False, looks=looks)
        _log_scale(panel, "x", "y")
        panel.set(xlabel="MACs: parent / pruned", title=engine)
    panels[0].set_ylabel(f"speedup of a batch of {size} (95 % interval)")
    panels[0].figure.suptitle("Measured speedup against the reduction of MACs", fontsize=11)
    _finish_demand(panels[-1], demand)


# ---- training ------------------------------------------------------------------------------------------------------


def learning_curves(axes, curves, answer):
    """The parents while they learn: training loss in full lines, accuracy on validation objects (if any) dashed, on the right."""
    validated = any(curve["validation_accuracy_percent"].notna().any() for curve in curves.values())
    if validated:
        right = axes.twinx()
        right.grid(False)
        right.set_ylabel("validation accuracy, % (dashed)")
        right.set_ylim(0, 102)
        right.spines["right"].set_visible(True)
    for number, (seed, curve) in enumerate(curves.items()):
        colour = COLOURS[number % len(COLOURS)]
        axes.plot(curve["epoch"], curve["train_loss"], color=colour, label=f"seed {seed}")
        if validated:
            right.plot(curve["epoch"], curve["validation_accuracy_percent"], color=colour, linestyle="--", marker=".")
    axes.set(xlabel="epoch", ylabel="training loss (full lines)" if validated else "training loss")
    axes.set_title("Learning curves of the parents")
    axes.set_ylim(bottom=0)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(loc="center right" if validated else "upper right", fontsize=8, ncols=1 + len(curves) // 7)
    write_note(axes, f"{answer['experiment']}; {_kept_epoch(validated)}; {answer['measured_in']['hardware']}")


def retraining_curves(axes, retraining, summary):
    """A panel a method, a line a level: accuracy on validation objects, without any the training loss, while retrained.

    retraining: {(method, level): table of retraining.csv}; networks that were not retrained have an empty one.
    """
    methods = list(dict.fromkeys(method for method, _ in retraining))
    levels = sorted({level for _, level in retraining})
    parent = summary.loc[summary["method"] == "parent", "validation_accuracy_percent"].iloc[0]
    validated = pd.notna(parent)
    column = "validation_accuracy_percent" if validated else "train_loss"
    panels = make_panels(axes, len(methods))
    for panel, method in zip(panels, methods):
        if validated:
            panel.axhline(parent, color="0.35", linewidth=1, linestyle=(0, (6, 3)), label="parent", zorder=1)
        for number, level in enumerate(levels):
            curve = retraining[method, level]
            panel.plot(
                range(1, len(curve) + 1), curve[column], label=f"{level} %", linewidth=1.4,
                color=matplotlib.colormaps["cividis"](0.9 * number / max(1, len(levels) - 1)),
                marker=MARKERS[number % len(MARKERS)], markersize=3,
            )  # fmt: skip
        panel.set_title(method)
        panel.xaxis.get_major_locator().set_params(integer=True)
    panels[-1].legend(loc="lower right" if validated else "upper right", fontsize=8, title="level")
    figure = panels[0].figure
    figure.supylabel("validation accuracy, %" if validated else "training loss", fontsize=10)
    figure.suptitle("Retraining, epoch by epoch", fontsize=11)
    dashed = "the parent's validation accuracy dashed; " if validated else ""
    write_note(panels[0], f"{summary['experiment'].iloc[0]}, first seed; {dashed}{_kept_epoch(validated)}")


def _kept_epoch(validated):
    return "the best epoch on validation objects is kept" if validated else "no validation objects, the last epoch is kept"


# ---- optional targets ----------------------------------------------------------------------------------------------


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
    write_note(axes, note)


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
    write_note(axes, note)


OF_ACCURACY = (
    accuracy_by_level, accuracy_against_macs, accuracy_against_parameters, accuracy_against_bytes, accuracy_against_latency,
    accuracy_against_energy,
)  # fmt: skip
OF_DEMAND = (gpu_utilization_by_level, latency_by_level, speedup_against_macs)

# ---- what they share -----------------------------------------------------------------------------------------------

ACCURACY_INTERVAL = ("accuracy_percent_low", "accuracy_percent_high")


def evidence(answer, bars="bars: {confidence:g} % intervals over seeds and objects"):
    """What accuracies rest on, in one line."""
    return (
        f"{answer['experiment']}: {answer['n_samples']} test objects, {named(answer['seeds'], 'seed')}; "
        f"{bars.format(confidence=answer['confidence_percent'])}; margin {counted(answer['margin_points'], 'point')}; {answer['measured_in']['hardware']}"
    )


def make_panels(axes, count, columns=4, share_x=True):
    """Replaces one pair of axes by `count` that share their scales, at most `columns` side by side."""
    figure, rows, columns = axes.figure, math.ceil(count / columns), min(count, columns)
    axes.remove()
    width, height = figure.get_size_inches()
    figure.set_size_inches(width * (1 + 0.45 * (columns - 1)), height * (1 + 0.6 * (rows - 1)))
    panels = figure.subplots(rows, columns, sharex=share_x, sharey=True, squeeze=False).flatten()
    for spare in panels[count:]:
        spare.remove()
    return list(panels[:count])


def _noise_band(axes, rows, column):
    parent = rows.loc[rows["method"] == "parent", column].mean()
    noise = rows["speedup.noise_percent"].max() / 100
    axes.axhspan(parent / (1 + noise), parent * (1 + noise), color="0.88", zorder=0, label="noise floor (A/A)")


def _lines(axes, table, x, y, low=None, high=None, parent=True, looks=None):
    """One line a method with its interval (columns low to high), the parent as a reference line.

    looks: of all methods, where the table may lack some.
    """
    if parent:
        level = table.loc[table["method"] == "parent", y].mean()
        axes.axhline(level, color="0.35", linewidth=1, linestyle=(0, (6, 3)), label="parent", zorder=1)
    looks = {
        name: look for name, look in (looks or method_looks(table["method"])).items() if (table["method"] == name).any()
    }
    gap = table[x].drop_duplicates().sort_values().diff().min()
    for number, (method, look) in enumerate(looks.items()):
        levels = table[table["method"] == method].groupby("level_percent")
        centre, at = levels[y].mean(), levels[x].mean()
        if x == "level_percent":  # side by side, so that bars don't hide each other
            at += min(0.9, 0.5 * gap / len(looks)) * (number - (len(looks) - 1) / 2)
        bounds = pd.DataFrame({"low": levels[low or y].min(), "high": levels[high or y].max()})
        axes.errorbar(
            at, centre, yerr=[(centre - bounds["low"]).clip(lower=0), (bounds["high"] - centre).clip(lower=0)], capsize=2,
            elinewidth=0.8, linewidth=1.4, label=method, alpha=0.9, **look,
        )  # fmt: skip


def method_looks(names):
    """{name: colour, marker and dashes}, the parent left out; in the order of first mention, the same in every plot."""
    kept = [name for name in dict.fromkeys(names) if name != "parent"]
    return {
        name: {
            "color": COLOURS[number % len(COLOURS)],
            "marker": MARKERS[number % len(MARKERS)],
            "linestyle": DASHES[number % len(DASHES)],
        }
        for number, name in enumerate(kept)
    }


def _log_scale(axes, *names):
    for name in names:
        axes.set(**{f"{name}scale": "log"})
        axis, (low, high) = getattr(axes, f"{name}axis"), getattr(axes, f"get_{name}lim")()
        if high < 10 * low:  # too narrow for the steps of a logarithmic axis to hold more than a number or two
            axis.set_major_locator(MaxNLocator(5))
            axis.set_minor_locator(NullLocator())
            axis.set_major_formatter(ScalarFormatter())
            continue
        axis.set_major_formatter(FuncFormatter(_plain_number))
        axis.set_minor_formatter(FuncFormatter(_plain_number))


def _plain_number(value, position):
    """20 for 2e1, on a logarithmic axis; only 1, 2, 3 and 5 of each decade, because more would crowd."""
    return f"{value:g}" if f"{value:e}"[0] in "1235" else ""


def _finish_accuracy(axes, answer):
    """The margin below the parent's accuracy, legend and note."""
    parent = answer["parent"]["mean"]
    axes.axhspan(
        parent - answer["margin_points"],
        parent,
        color="0.88",
        zorder=0,
        label=f"margin, {counted(answer['margin_points'], 'point')}",
    )
    axes.set_ylim(0, 102)
    _legend(axes)
    write_note(axes, evidence(answer))


def _finish_demand(axes, demand):
    """Legend, and a line below that says what was measured, on what, and what speaks against it."""
    _legend(axes)
    brief = ", measured briefly" if (demand["detail"] == "brief").any() else ""
    seeds = named(sorted(demand["seed"].unique()), "seed")
    calls = counted(int(demand["latency_ms.n"].min()), "call")
    note = f"{demand['experiment'].iloc[0]}, {seeds}: {calls} or more a network and engine{brief}; {hardware(demand)}"
    if not demand["valid"].all():
        methods = ", ".join(demand.loc[~demand["valid"], "method"].unique())
        note += f"\nINVALID for {methods}: the machine wasn't steady; the tables say why"
    write_note(axes, note)


def _legend(axes):
    """Inside where few, beside the plot where many."""
    handles, labels = axes.get_legend_handles_labels()
    if len(labels) > 6:
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=8)
    else:
        axes.legend(loc="best", fontsize=9)


def write_note(axes, text):
    """The line below a figure, broken where it would be wider."""
    width = int(NOTE_LETTERS_AN_INCH * axes.figure.get_figwidth())
    text = "\n".join(textwrap.fill(line, width) for line in text.splitlines())
    axes.figure.supxlabel(text, x=0.01, ha="left", fontsize=7.5, color="0.35")
