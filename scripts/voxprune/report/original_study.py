"""The original study's published claims and figures, beside what its protocol gives here and what the correction finds."""

import numpy as np
import pandas as pd

from voxprune.answer.findings import found_at
from voxprune.answer.words import against_parent, reach, speed_text
from voxprune.report.figure import evidence, make_panels, method_looks, write_note

SOURCE = "https://github.com/katifrahim/Reducing-the-computational-demand-of-3D-CNNs"
# Level in percent: (accuracy in percent of 908 objects, "GPU utilization per inference" in percent). Filter pruning's table
# was published as a picture only.
PUBLISHED = {
    0: (79.07, 0.832), 10: (78.96, 0.777), 20: (79.07, 0.608), 30: (79.07, 0.673), 40: (78.96, 0.685), 50: (78.85, 0.824),
    60: (78.41, 0.217), 70: (78.63, 0.738), 80: (73.57, 0.652), 90: (65.75, 0.360), 100: (11.01, 0.516),
}  # fmt: skip
N_PUBLISHED = 908


def page(reproduction, correction, commands):
    """The page as Markdown. reproduction, correction: (levels, answer) of two experiments. commands: how they were run."""
    return f"""# The original study, its protocol run again, and the correction

The [study]({SOURCE}) asked how far filters and weights of a 3D CNN can be pruned on ModelNet10. It set weights to zero, tested one
network on {N_PUBLISHED} objects, and read the GPU's utilization once after each batch. This page puts each claim beside two experiments:
the same protocol again (`{reproduction[1]["experiment"]}`: masks only, no fine-tuning, one seed) and the corrected one
(`{correction[1]["experiment"]}`: filters really removed, {len(correction[1]["seeds"])} seeds, demand measured alone, the parent twice).
The networks differ in size, {_size(reproduction)} against {_size(correction)} million parameters, because their voxels do.
Figures and sentences are generated from their results:

```sh
{chr(10).join(commands)}
```

{_claims_table(reproduction, correction)}

Levels are percent of the weights or filters of each convolution. Differences are points of accuracy to the parent, with
{correction[1]["confidence_percent"]:g} % intervals; non-inferior means that a loss of {correction[1]["margin_points"]:g} point or more is excluded (one-sided
test, the levels of each method in sequence).

![Accuracy by level: published, protocol again, corrected](pictures/original_study_accuracy.png)

![Demand by level: published, protocol again, corrected](pictures/original_study_demand.png)

## Why the published conclusion did not stand

- **Zeros run as fast as weights.** All masked networks execute the same dense kernels, so their demand is the same. The published
  column of utilization has mean {_published()[1].mean():.3f} and standard deviation {_published()[1].std(ddof=1):.3f} over levels 10 to 100: noise. 'Half the GPU' is its one low reading, 0.217 at 60 %.
- **Utilization is no measure of demand.** NVML's figure is the share of the last 1/6 to 1 s in which any kernel ran, and dividing
  it by the batch size gives it no meaning.
- **One run of {N_PUBLISHED} objects can't see a point.** Its 95 % interval is 5 points wide; levels 0 to 70 % differ by one to six objects.
- **Equal levels are not equal cost.** The convolutions hold 0.02 % of the original network's parameters. Methods are compared at equal MACs,
  parameters and bytes in the experiment's `tables/equal_cost.md`.

What stands: pruning at moderate levels costs little accuracy, and the two families trade differently. The study's own list of
future work (other criteria, several measures, other data, finer levels) is part of this project.
"""


def _size(experiment):
    levels = experiment[0]
    return f"{levels.loc[levels['method'] == 'parent', 'parameters'].iloc[0] / 1e6:.1f}"


def _claims_table(reproduction, correction):
    columns = {"again": reproduction, "corrected": correction}
    rows = [
        {"claim": "The parent reaches 79.07 %", **{name: _parent(one) for name, one in columns.items()}},
        {"claim": "Weights: no loss up to 60 %", **{name: _level(one, "weight", 60) for name, one in columns.items()}},
        {"claim": "Filters: no loss up to 80 %", **{name: _level(one, "filter", 80) for name, one in columns.items()}},
        {
            "claim": "Filter pruning goes further than weight pruning",
            **{name: _further(one) for name, one in columns.items()},
        },
        {
            "claim": "Weight pruning at 60 % needs half the GPU of filter pruning at 80 %",
            **{name: _demand(one) for name, one in columns.items()},
        },
    ]
    table = pd.DataFrame(rows).rename(columns={"again": "the protocol again", "corrected": "corrected"})
    return table.to_markdown(index=False, disable_numparse=True)


def _parent(experiment):
    parent = experiment[1]["parent"]
    return f"{parent['mean']:.1f} % ({parent['low']:.1f} to {parent['high']:.1f}) of {experiment[1]['n_samples']} objects"


def _of_unit(experiment, unit):
    """The experiment's method of a unit: (name, its rows); of filters the one that removes, where there is one."""
    rows = experiment[0][experiment[0]["unit"] == unit]
    name = rows.sort_values("apply", ascending=False, kind="stable")["method"].iloc[0]
    return name, rows[rows["method"] == name]


def _level(experiment, unit, level):
    name, rows = _of_unit(experiment, unit)
    found = found_at(rows, level)
    kept = reach(found["largest_level_percent"])
    at = f"{against_parent(found['difference_points'])}, {found['verdict']}" if found["verdict"] else "not tested"
    return f"`{name}` at {level} %: {at}; non-inferior {kept}"


def _further(experiment):
    """How far each is shown to go; that one goes further than the other would need a test of their difference."""
    said = []
    for unit in ("filter", "weight"):
        name, rows = _of_unit(experiment, unit)
        kept = rows.loc[rows["verdict"] == "non-inferior", "level_percent"]
        said.append(f"`{name}` {'is shown ' * (not said)}{reach(float(kept.max()) if len(kept) else None)}")
    return ", ".join(said)


def _demand(experiment):
    said = []
    for unit, level in (("weight", 60), ("filter", 80)):
        name, rows = _of_unit(experiment, unit)
        said.append(f"`{name}` at {level} %: {speed_text(found_at(rows, level)['speedup'])}")
    return "speed against the parent's: " + ", ".join(said)


def _published():
    """(levels, utilizations) of the pruned networks, int and float (10,)."""
    levels = [level for level in PUBLISHED if level]
    return np.array(levels), np.array([PUBLISHED[level][1] for level in levels])


def accuracy(axes, reproduction, correction):
    """Test accuracy by level as published (one run), with the same protocol again, and corrected."""
    panels = make_panels(axes, 3)
    levels, values = list(PUBLISHED), [accuracy for accuracy, _ in PUBLISHED.values()]
    panels[0].plot(levels, values, label="weight", **method_looks(["filter", "filter-masked", "weight"])["weight"])
    panels[0].set(title=f"published, one run, n = {N_PUBLISHED}", ylabel="test accuracy, %")
    for panel, title, (table, answer) in zip(panels[1:], ("the protocol again", "corrected"), (reproduction, correction)):
        _intervals(panel, table, "accuracy_percent")
        panel.axhline(answer["parent"]["mean"], color="0.35", linewidth=1, linestyle=(0, (6, 3)), label="parent", zorder=1)
        panel.set(title=f"{title}, {len(answer['seeds'])} seed{'s' * (len(answer['seeds']) > 1)}, n = {answer['n_samples']}")
    for panel in panels:
        panel.set_xlabel("pruning level, %")
        panel.legend(loc="lower left", fontsize=8)
    panels[0].set_ylim(0, 102)
    write_note(panels[0], evidence(correction[1]))


def demand(axes, reproduction, correction):
    """What was published as demand, beside measured latency, each in percent of its parent's."""
    panels = make_panels(axes, 3)
    levels, utilization = _published()
    panels[0].plot(
        levels,
        100 * utilization / PUBLISHED[0][1],
        label="weight",
        **method_looks(["filter", "filter-masked", "weight"])["weight"],
    )
    panels[0].set(title="published: 'GPU utilization\nper inference', one reading a batch", ylabel="percent of the parent's")
    for panel, title, (table, answer) in zip(panels[1:], ("the protocol again", "corrected"), (reproduction, correction)):
        cell = answer["measured_in"]
        speed = table[table["method"] != "parent"].dropna(subset="speedup_mean")
        speed = speed.assign(
            share=100 / speed["speedup_mean"], share_low=100 / speed["speedup_high"], share_high=100 / speed["speedup_low"]
        )
        _intervals(panel, speed, "share")
        panel.set(title=f"{title}: latency of a\nbatch of {cell['batch_size']} in {cell['engine']}")
    for panel in panels:
        panel.axhline(100, color="0.35", linewidth=1, linestyle=(0, (6, 3)), label="parent", zorder=1)
        panel.set_xlabel("pruning level, %")
        panel.legend(loc="lower left", fontsize=8)
    panels[0].set_ylim(0, 135)
    write_note(panels[0], evidence(correction[1], "latency: 95 % intervals over rounds"))


def _intervals(axes, table, column):
    """A line a method with the intervals of a column."""
    for method, look in method_looks(["filter", "filter-masked", *table["method"]]).items():
        rows = table[table["method"] == method]
        if len(rows):
            spread = [
                (rows[column] - rows[f"{column}_low"]).clip(lower=0),
                (rows[f"{column}_high"] - rows[column]).clip(lower=0),
            ]
            axes.errorbar(rows["level_percent"], rows[column], yerr=spread, capsize=2, elinewidth=0.8, label=method, **look)
