"""Plots of training and layers."""

import matplotlib
import numpy as np
import pandas as pd

from voxprune.answer.statistics import wilson
from voxprune.report.figure import COLOURS, MARKERS, captioned, legend, make_panels, method_looks, write_note


@captioned(
    "Accuracy when filters of one layer alone are pruned (lowest L1 norm first), with Wilson's intervals: "
    "where the first seed's parent is sensitive. Judged on training objects kept apart, never on test objects."
)
def sensitivity_by_layer(axes, sensitivity, answer):
    if sensitivity.empty:
        axes.set(title="Sensitivity by layer: this network has no filter that can be removed")
        return
    looks = method_looks(sensitivity["layer"])
    for layer, rows in sensitivity.groupby("layer", sort=False):
        accuracy = 100 * rows["correct"] / rows["n_samples"]
        low, high = 100 * np.array([wilson(*pair) for pair in zip(rows["correct"], rows["n_samples"])]).T
        axes.errorbar(
            rows["level_percent"], accuracy, yerr=[accuracy - low, high - accuracy], label=layer, capsize=2, elinewidth=0.6, linewidth=1.4,
            **looks[layer],
        )  # fmt: skip
    axes.set(xlabel="filters pruned in this layer, %", ylabel="accuracy, %", title="Sensitivity by layer")
    legend(axes)
    count = sensitivity["n_samples"].iloc[0]
    write_note(
        axes,
        f"{answer['experiment']}, seed {answer['seeds'][0]}: {count} {sensitivity['objects'].iloc[0]} objects, 95 % intervals; "
        f"{answer['measured_in']['hardware']}",
    )


@captioned(
    "The parents while they learn: the training loss, and beside it the accuracy on validation objects, if there are any."
)
def learning_curves(axes, curves, answer):
    validated = any(curve["validation_accuracy_percent"].notna().any() for curve in curves.values())
    labels = {"train_loss": "training loss"} | (
        {"validation_accuracy_percent": "validation accuracy, %"} if validated else {}
    )
    panels = make_panels(axes, len(labels), share_y=False)
    for panel, (column, label) in zip(panels, labels.items()):
        for number, (seed, curve) in enumerate(curves.items()):
            panel.plot(curve["epoch"], curve[column], color=COLOURS[number % len(COLOURS)], marker=".", label=f"seed {seed}")
        panel.set(xlabel="epoch", ylabel=label)
        panel.xaxis.get_major_locator().set_params(integer=True)
    panels[0].set_ylim(bottom=0)
    panels[0].legend(loc="upper right", fontsize=8, ncols=1 + len(curves) // 7)
    panels[0].figure.suptitle("Learning curves of the parents", fontsize=11)
    write_note(panels[0], f"{answer['experiment']}; {_kept_epoch(validated)}; {answer['measured_in']['hardware']}")


@captioned(
    "A panel a method, a line a level: accuracy on validation objects, without any the training loss, while retrained."
)
def retraining_curves(axes, retraining, summary):
    """retraining: {(method, level): table of retraining.csv}; networks that were not retrained have an empty one."""
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
            if not len(curve):
                continue
            panel.plot(
                range(1, len(curve) + 1), curve[column], label=f"{level} %", linewidth=1.4,
                color=matplotlib.colormaps["cividis"](0.9 * number / max(1, len(levels) - 1)),
                marker=MARKERS[number % len(MARKERS)], markersize=3,
            )  # fmt: skip
        panel.set(title=method, xlabel="epoch")
        panel.xaxis.get_major_locator().set_params(integer=True)
    figure = panels[0].figure
    handles = {label: line for panel in panels for line, label in zip(*panel.get_legend_handles_labels())}
    figure.legend(handles.values(), handles.keys(), loc="outside right center", fontsize=8, title="level")
    figure.supylabel("validation accuracy, %" if validated else "training loss", fontsize=10)
    figure.suptitle("Retraining, epoch by epoch", fontsize=11)
    dashed = "the parent's validation accuracy dashed; " if validated else ""
    write_note(panels[0], f"{summary['experiment'].iloc[0]}, first seed; {dashed}{_kept_epoch(validated)}")


def _kept_epoch(validated):
    return "the best epoch on validation objects is kept" if validated else "no validation objects, the last epoch is kept"


@captioned(
    "Epochs that each method's networks were trained for in all, the parent's included; compare methods of equal totals."
)
def training_budgets(axes, levels, answer):
    totals = levels.groupby("method", sort=False)["total_epochs"].max()
    axes.figure.set_size_inches(6.4, max(2.4, 1.2 + 0.3 * len(totals)))
    axes.barh(range(len(totals)), totals, color=["0.55", *[look["color"] for look in method_looks(totals.index).values()]])
    axes.set_yticks(range(len(totals)), totals.index)
    axes.invert_yaxis()
    axes.set(xlabel="epochs in all", title="How long each method was trained")
    axes.xaxis.get_major_locator().set_params(integer=True)
    write_note(axes, f"{answer['experiment']}; the parent: {answer['epochs']} epochs")


@captioned("table: as from leave_one_out.rank_correlations. One row a criterion, one mark a layer, the best mean on top.")
def criteria_correlations(axes, table, note):
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
    axes.figure.legend(loc="outside right center", fontsize=8)
    write_note(axes, note)
