"""Plots of accuracy: by level, against cost, against the margin, by class, and what more seeds would show."""

import numpy as np

from voxprune.answer.summary import counted
from voxprune.report.figure import (
    ACCURACY_INTERVAL,
    PARENT_LOOK,
    captioned,
    evidence,
    invalid,
    legend,
    lines,
    log_scale,
    make_panels,
    method_looks,
    places_beside,
    write_note,
)

NEAR_MARGINS = 12  # so many margins below the parent are worth a closer look
COSTS_DRAWN = {  # column: (unit, label)
    "macs": (1e6, "million MACs an object"),
    "nonzero_parameters": (1e3, "thousand parameters that are not zero"),
    "compressed_bytes": (1e6, "megabytes, compressed (zstd)"),
    "latency_ms": (1, "ms for a batch of {batch}, {engine}"),
    "latency_one_ms": (1, "ms for one object, {engine_one}"),
    "energy_mj": (1, "millijoules an inference"),
}


@captioned(
    "Test accuracy by pruning level, whole and near the parent. Lines are means with their intervals, dots are single seeds. The shaded band "
    "reaches from the parent's accuracy down to the margin."
)
def accuracy_by_level(axes, levels, seeds, answer):
    panels, near = make_panels(axes, 2, share_y=False), _near(levels, answer)
    looks = method_looks(levels["method"])
    beside = places_beside(levels, looks)
    for panel, down_to in zip(panels, (None, near[0])):
        lines(panel, levels, "level_percent", "accuracy_percent", *ACCURACY_INTERVAL, down_to=down_to)
        for method, look in looks.items():
            own = seeds[seeds["method"] == method]
            at = own["level_percent"] + beside[method]
            panel.plot(at, own["accuracy_percent"], ".", color=look["color"], alpha=0.45, markersize=3)
        _draw_margin(panel, answer)
        panel.set(xlabel="pruning level, %")
    panels[0].set(ylim=(0, 102), ylabel="test accuracy, %", title="the whole range")
    panels[1].set(ylim=near, title="near the parent")
    panels[0].figure.suptitle("Accuracy by pruning level", fontsize=11)
    legend(panels[-1])
    write_note(panels[0], evidence(answer) + "; dots: single seeds; marks of a level stand side by side")


@captioned(
    "Test accuracy, near the parent's, against what a network costs: counted, stored, and measured. The star is the parent. Hollow marks ran no "
    "faster than the parent outside the noise. Collapsed networks are left out."
)
def accuracy_against_cost(axes, levels, answer):
    drawn = {
        cost: told for cost, told in COSTS_DRAWN.items() if levels[cost].notna().any() and not _same_batch(cost, answer)
    }
    panels, near = make_panels(axes, len(drawn), columns=3, share_x=False), _near(levels, answer)
    looks, runs = method_looks(levels["method"]), levels[~levels["collapsed"]]
    for panel, (cost, (unit, label)) in zip(panels, drawn.items()):
        rows = runs[runs[cost].notna()].assign(cost=lambda table, name=cost, scale=unit: table[name] / scale)
        lines(panel, rows, "cost", "accuracy_percent", *ACCURACY_INTERVAL, parent=False, looks=looks, down_to=near[0])
        _hollow_where_no_faster(panel, rows, cost, looks)
        parent = rows[rows["method"] == "parent"]
        panel.plot(parent["cost"], parent["accuracy_percent"], label="parent", zorder=5, **PARENT_LOOK)
        _draw_margin(panel, answer)
        shown = rows.loc[rows["accuracy_percent"] >= near[0], "cost"]
        panel.set(xlabel=label.format(**_measured(answer)), ylim=near, xlim=(0.9 * shown.min(), 1.1 * shown.max()))
        log_scale(panel, "x")
    panels[0].figure.supylabel("test accuracy, %", fontsize=10)
    panels[0].figure.suptitle("Accuracy against cost", fontsize=11)
    legend(panels[-1])
    hollow = f"; hollow: no faster than the parent; {answer['measured_in']['hardware']}"
    write_note(panels[0], evidence(answer) + hollow + invalid(answer))


def _same_batch(cost, answer):
    return cost == "latency_one_ms" and answer["measured_one"]["batch_size"] == answer["measured_in"]["batch_size"]


def _measured(answer):
    return {
        "batch": answer["measured_in"]["batch_size"],
        "engine": answer["measured_in"]["engine"],
        "engine_one": answer["measured_one"]["engine"],
    }


def _hollow_where_no_faster(panel, rows, cost, looks):
    ratio = {"latency_ms": "speedup", "latency_one_ms": "speedup_one", "energy_mj": "energy_ratio"}.get(cost)
    if ratio is None:
        return
    same = rows[(rows[f"{ratio}_verdict"] == "no difference") & (rows["method"] != "parent")]
    for method, own in same.groupby("method"):
        panel.plot(own["cost"], own["accuracy_percent"], linestyle="", marker=looks[method]["marker"], markerfacecolor="white",
                   markeredgecolor=looks[method]["color"], zorder=4)  # fmt: skip


@captioned(
    "Every level against the margin: the difference to the parent with its interval, and as a tick the bound that decides. A level whose tick, and "
    "those of all lower levels of its method, lie right of the dashed line is non-inferior (full marks). Collapsed networks are left out."
)
def margin_by_level(axes, levels, answer):
    rows = levels[(levels["method"] != "parent") & ~levels["collapsed"]]
    margin, looks = answer["margin_points"], method_looks(levels["method"])
    bounds = rows[["difference_points_low", "at_worst_points", "difference_points_high"]]
    left = max(-NEAR_MARGINS * margin, min([-2 * margin, *bounds.min()]))
    right = min(NEAR_MARGINS * margin, max([margin, *bounds.max()]))
    axes.figure.set_size_inches(6.4, max(3.2, 1.6 + 0.2 * len(rows)))
    for place, (_, row) in enumerate(rows.iterrows()):
        colour, shown = looks[row["method"]]["color"], row["verdict"] == "non-inferior"
        low, high = (float(np.clip(row[f"difference_points_{end}"], left, right)) for end in ("low", "high"))
        axes.plot([low, high], [place, place], color=colour, linewidth=1.2)
        axes.plot(
            np.clip(row["difference_points"], left, right), place, marker=_verdict_mark(row, left), color=colour,
            markerfacecolor=colour if shown else "white", markersize=5,
        )  # fmt: skip
        if row["difference_points_low"] < left:
            axes.plot(left, place, marker="<", color=colour, markersize=5)
        if row["difference_points"] < left:
            number = {"fontsize": 6.5, "va": "center", "bbox": {"pad": 0.5, "fc": "white", "ec": "none"}}
            axes.text(left + 0.03 * (right - left), place, f"{row['difference_points']:.0f}", **number)
        if row["difference_points_high"] > right:
            axes.plot(right, place, marker=">", color=colour, markersize=5)
        if row["at_worst_points"] > left:
            axes.plot(row["at_worst_points"], place, marker="|", color="black", markersize=9)
    axes.axvline(0, color="0.35", linewidth=1)
    axes.axvline(-margin, color="0.35", linewidth=1, linestyle="--")
    axes.set_yticks(
        range(len(rows)), [f"{row['method']} {row['level_percent']:g} %" for _, row in rows.iterrows()], fontsize=8
    )
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set(
        xlim=(left * 1.03, right * 1.05), xlabel="points of accuracy to the parent",
        title=f"Difference to the parent, and the margin of {counted(margin, 'point')}",
    )  # fmt: skip
    write_note(
        axes,
        evidence(
            answer,
            "lines: {confidence:g} % intervals; ticks: at worst; full: non-inferior, hollow: undecided, cross: inferior",
        )
        + "; arrow: this goes on; number: estimate beyond the axis"
        * bool((bounds.min().min() < left) or (bounds.max().max() > right)),
    )


def _verdict_mark(row, left):
    if row["difference_points"] <= left:
        return "<"
    return "x" if row["verdict"] == "inferior" else "o"


@captioned(
    "In how many of 100 such experiments the first level of a method would be shown, if it loses nothing, by the number of seeds."
)
def power_by_seeds(axes, power, answer):
    axes.plot(power["seeds"], power["power_percent"], marker="o", color="#0072B2")
    now = power[power["seeds"] == len(answer["seeds"])]
    axes.plot(now["seeds"], now["power_percent"], label="this experiment", **{**PARENT_LOOK, "color": "#D55E00"})
    axes.axhline(80, color="0.35", linewidth=1, linestyle="--", label="80 %, a usual aim")
    axes.set_xticks(power["seeds"].tolist())
    axes.set(
        xlabel="seeds",
        ylabel="experiments of 100 that show it",
        ylim=(0, 103),
        title="How often a network that loses nothing is shown to",
    )
    axes.legend(loc="lower right", fontsize=9)
    write_note(axes, evidence(answer, "from the spread found here"))


@captioned(
    "Change of each class's accuracy against the parent, in points. A dot above a number marks a change whose interval excludes zero."
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
        panel.plot(places[0], [place - 0.3 for place in places[1]], ".", color="black", markersize=3)
        for row, column in np.argwhere(points.notna().to_numpy()):
            value = points.iloc[row, column]
            colour = "white" if abs(value) > 35 else "black"
            panel.text(
                column, row, f"{value:+.0f}" if round(value) else "0", ha="center", va="center", fontsize=6, color=colour
            )
        panel.set_xticks(range(len(points.columns)), [f"{level:g}" for level in points.columns], fontsize=8)
        panel.set_yticks(range(len(names)), names, fontsize=8)
        panel.set(title=method, xlabel="level, %")
        panel.grid(False)
    figure = panels[0].figure
    figure.colorbar(image, ax=panels, label="points of accuracy", extend="both", shrink=0.8)
    figure.suptitle("Change of each class by level", fontsize=11)
    write_note(
        panels[0], evidence(answer, "dots: interval excludes zero, each class and level by itself; colours end at 50 points")
    )


def _near(levels, answer):
    """The range of accuracy near the parent's: what is worth a closer look, the margin and the best network in it."""
    parent, margin = answer["parent"]["mean"], answer["margin_points"]
    bottom = max(0.0, parent - max(NEAR_MARGINS * margin, 2 * (parent - answer["parent"]["low"])))
    top = levels.loc[levels["accuracy_percent"] >= bottom, "accuracy_percent_high"].max()
    return bottom, min(101.0, top + margin)


def _draw_margin(axes, answer):
    parent, margin = answer["parent"]["mean"], answer["margin_points"]
    axes.axhspan(parent - margin, parent, color="0.88", zorder=0, label=f"margin, {counted(margin, 'point')}")
