"""Plots of accuracy: by level, against cost, by class."""

from voxprune.answer.summary import COSTS, counted
from voxprune.report.figure import (
    ACCURACY_INTERVAL,
    PARENT_LOOK,
    captioned,
    evidence,
    legend,
    lines,
    log_scale,
    make_panels,
    method_looks,
    write_note,
)


@captioned("Test accuracy by pruning level. The shaded band reaches from the parent's accuracy down to the margin.")
def accuracy_by_level(axes, levels, answer):
    lines(axes, levels, "level_percent", "accuracy_percent", *ACCURACY_INTERVAL)
    axes.set(xlabel="pruning level, %", ylabel="test accuracy, %", title="Accuracy by pruning level")
    _finish_accuracy(axes, answer)


@captioned(
    "Test accuracy against the multiply-accumulates of one object. Weights that are zero are not counted: what"
    " masks save here is saved on paper only."
)
def accuracy_against_macs(axes, levels, answer):
    _accuracy_against(axes, levels, answer, "effective_macs", 1e6, "multiply-accumulates",
                      "million MACs an object, zero weights not counted\n(what masks save here is saved on paper only)")  # fmt: skip


@captioned("Test accuracy against the parameters that are not zero.")
def accuracy_against_parameters(axes, levels, answer):
    _accuracy_against(
        axes, levels, answer, "nonzero_parameters", 1e3, "parameters", "thousand parameters that are not zero"
    )  # fmt: skip


@captioned("Test accuracy against the bytes of the checkpoint, compressed by zstd: here zeros save as well.")
def accuracy_against_bytes(axes, levels, answer):
    _accuracy_against(
        axes, levels, answer, "compressed_bytes", 1e6, "stored size", "megabytes of the checkpoint, compressed (zstd)"
    )  # fmt: skip


@captioned("Test accuracy against the measured latency of a batch, in the engine that runs the parent fastest.")
def accuracy_against_latency(axes, levels, answer):
    cell = answer["measured_in"]
    label = f"latency of a batch of {cell['batch_size']} in {cell['engine']}, ms"
    _accuracy_against(axes, levels, answer, "latency_ms", 1, "latency", label)


@captioned("Test accuracy against the measured energy of one inference, where this machine counts energy.")
def accuracy_against_energy(axes, levels, answer):
    _accuracy_against(axes, levels, answer, "energy_mj", 1, "energy", "millijoules an inference")


def _accuracy_against(axes, levels, answer, column, unit, what, label):
    axes.set(xlabel=label, ylabel="test accuracy, %", title=f"Accuracy against {what} (collapsed networks left out)")
    looks, levels = method_looks(levels["method"]), levels[~levels["collapsed"]].assign(cost=levels[column] / unit)
    if levels["cost"].notna().any():
        lines(axes, levels[levels["cost"].notna()], "cost", "accuracy_percent", *ACCURACY_INTERVAL, looks=looks)
        log_scale(axes, "x")
    else:
        axes.text(0.5, 0.5, f"no {what} was measured on this machine", transform=axes.transAxes, ha="center")
    _finish_accuracy(axes, answer)


@captioned("Every network that runs, and the fronts of those that no other beats: none costs less and is as accurate.")
def pareto_front(axes, fronts, looks, answer):
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
        log_scale(panel, "x")
    figure = panels[0].figure
    figure.supylabel("test accuracy, %", fontsize=10)
    figure.suptitle("Networks that no other beats (line)", fontsize=11)
    legend(panels[-1])
    write_note(panels[0], evidence(answer))


@captioned(
    "Change of each class's accuracy against the parent, in points. A dot marks a change whose interval excludes zero."
)
def classes_by_level(axes, classes, answer):
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


OF_ACCURACY = (
    accuracy_by_level, accuracy_against_macs, accuracy_against_parameters, accuracy_against_bytes, accuracy_against_latency,
    accuracy_against_energy,
)  # fmt: skip


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
    legend(axes)
    write_note(axes, evidence(answer))
