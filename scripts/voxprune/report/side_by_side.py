"""Several experiments side by side: what each found, where their settings differ, and their networks against cost."""

import pandas as pd

from voxprune.answer.sentences import decision_text
from voxprune.answer.words import at_worst, points_text, speed_text
from voxprune.core.record import differences
from voxprune.report.figure import (
    ACCURACY_INTERVAL,
    PARENT_LOOK,
    captioned,
    lines,
    log_scale,
    make_panels,
    method_looks,
    write_note,
)

NOT_COMPARED = ("experiment",)  # settings that differ anyway


def page(experiments: dict[str, tuple], picture: str) -> str:
    """Markdown. experiments: {name: (config, answer, levels)}; picture: the name of the plot beside the page."""
    names = list(experiments)
    parts = [
        f"# {', '.join(names)} side by side",
        *[f"## {name}\n\n{decision_text(answer)}" for name, (_, answer, _) in experiments.items()],
        "## What was found\n\n" + _table([_row(name, answer) for name, (_, answer, _) in experiments.items()]),
        f"![Accuracy against MACs of each experiment]({picture})",
        "## Settings that differ\n\n" + _table(_settings(experiments)),
        "## Networks that no other of their experiment beats in both accuracy and MACs\n\n" + _table(_fronts(experiments)),
    ]
    return "\n\n".join(parts) + "\n"


def _table(rows):
    return pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True) if rows else "None."


def _row(name, answer):
    network, parent, cell = answer["decision"]["network"], answer["parent"], answer["measured_in"]
    return {
        "experiment": name,
        "data set": answer["dataset"],
        "network": answer["network"],
        "parent, %": f"{parent['mean']:.1f} ({parent['low']:.1f} to {parent['high']:.1f})",
        "seeds": str(len(answer["seeds"])),
        "take": _taken(answer),
        "difference, points": points_text(network["difference_points"]) if network else "-",
        "at worst": at_worst(network["at_worst_points"]) if network else "-",
        "speed": speed_text(network["speedup"]) if network else "-",
        "measured on": f"{cell['hardware']}, {cell['engine']}, batch {cell['batch_size']}",
    }


def _taken(answer):
    network, kind = answer["decision"]["network"], answer["decision"]["kind"]
    if network is None:
        return "nothing"
    return f"{network['method']} at {network['level_percent']:g} %{'' if kind == 'shown' else ' (a guess)'}"


def _settings(experiments):
    """A row a setting that any experiment has otherwise than the first."""
    configs = {name: config for name, (config, _, _) in experiments.items()}
    first = next(iter(configs.values()))
    keys = dict.fromkeys(key for config in configs.values() for key, _, _ in differences(first, config))
    keys = [key for key in keys if key.split(".")[0] not in NOT_COMPARED]
    return [{"setting": key, **{name: str(_value(config, key)) for name, config in configs.items()}} for key in keys]


def _value(config, key):
    for part in key.split("."):
        config = config.get(part) if isinstance(config, dict) else None
    return config


def _fronts(experiments):
    rows = []
    for name, (_, _, levels) in experiments.items():
        best = float("-inf")
        for _, row in (
            levels[~levels["collapsed"]].sort_values(["macs", "accuracy_percent"], ascending=[True, False]).iterrows()
        ):
            if row["accuracy_percent"] > best:
                best = row["accuracy_percent"]
                rows.append(
                    {
                        "experiment": name, "network": f"{row['method']} {row['level_percent']:g} %", "MACs, million": f"{row['macs'] / 1e6:.2f}",
                        "parameters, thousand": f"{row['parameters'] / 1e3:.1f}", "accuracy, %": f"{best:.1f}", "verdict": row["verdict"],
                    }
                )  # fmt: skip
    return rows


@captioned("A panel an experiment: test accuracy against multiply-accumulates, with intervals; the star is the parent.")
def accuracy_against_macs(axes, experiments):
    panels = make_panels(axes, len(experiments), columns=3)
    looks = method_looks([name for _, _, levels in experiments.values() for name in levels["method"]])
    for panel, (name, (_, _, levels)) in zip(panels, experiments.items()):
        rows = levels[~levels["collapsed"]].assign(macs=lambda table: table["macs"] / 1e6)
        lines(panel, rows, "macs", "accuracy_percent", *ACCURACY_INTERVAL, parent=False, looks=looks)
        parent = rows[rows["method"] == "parent"]
        panel.plot(parent["macs"], parent["accuracy_percent"], label="parent", zorder=5, **PARENT_LOOK)
        log_scale(panel, "x")
        panel.set(title=name, xlabel="million MACs an object")
        panel.legend(loc="lower right", fontsize=8)
    panels[0].set_ylabel("test accuracy, %")
    write_note(
        panels[0],
        "bars: intervals over seeds and objects; experiments may differ in data, network and training: the page says in what",
    )
