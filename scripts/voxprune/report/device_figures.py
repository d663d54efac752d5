"""What other devices measured of exported networks, as a table and a plot beside the experiment's own."""

import pandas as pd

from voxprune.deploy.choosing import KEYS
from voxprune.report.figure import COLOURS, captioned, legend, log_scale, make_panels, write_note
from voxprune.report.tables import as_text, write_table

ABOUT = (
    "{experiment}: medians of single calls, batch 1, as bench_device.py or the C program measured them on each device; ratios to the first "
    "network of its file, paired by round, with 95 % intervals. Accuracy was tested in float32 where the networks were trained."
)


def write_device_table(devices, levels, answer, folder):
    """devices: rows of `deploy.choosing.read_device`. levels: `statistics/levels.csv`, for the accuracy."""
    write_table(
        folder / "devices",
        "Measured on other devices",
        ABOUT.format(experiment=answer["experiment"]),
        device_table(devices, levels),
    )


def device_table(devices, levels):
    """A row a device, network and engine: latency, how many times as fast as the first network, accuracy; the fastest first."""
    rows = devices.merge(levels[[*KEYS, "accuracy_percent"]], on=KEYS, how="left")
    rows = rows.sort_values(["device", "latency_ms.p50"], kind="stable")
    return as_text(
        pd.DataFrame(
            {
                "device": rows["device"],
                "network": [_network(row) for _, row in rows.iterrows()],
                "engine": rows["engine"],
                "arithmetic": rows["precision"],
                "latency, ms": [f"{value:.3g}" for value in rows["latency_ms.p50"]],
                "times as fast": [_ratio(row) for _, row in rows.iterrows()],
                "accuracy_percent": rows["accuracy_percent"],
            }
        )
    )


@captioned("Median latency of one object on each device that was measured, in every engine that it has.")
def latency_on_devices(axes, devices, answer):
    names = list(dict.fromkeys(devices["device"]))
    networks = list(dict.fromkeys(_network(row) for _, row in devices.iterrows()))
    engines = list(dict.fromkeys(zip(devices["engine"], devices["precision"])))
    panels = make_panels(axes, len(names), columns=3, share_x=False)
    for panel, name in zip(panels, names):
        own = devices[devices["device"] == name]
        for number, (engine, precision) in enumerate(engines):  # all in each panel, so that colours and legend hold for all
            rows = own[(own["engine"] == engine) & (own["precision"] == precision)]
            at = [networks.index(_network(row)) for _, row in rows.iterrows()]
            colour = COLOURS[number % len(COLOURS)]
            panel.plot(rows["latency_ms.p50"], at, "o", label=f"{engine} {precision}", color=colour, alpha=0.9)
        panel.set(title=name, xlabel="median latency, ms", yticks=range(len(networks)), ylim=(len(networks) - 0.5, -0.5))
        panel.set_yticklabels(networks)
        log_scale(panel, "x")
    legend(panels[0])
    write_note(panels[0], f"{answer['experiment']}: batch 1, as each device measured it")


def _network(row):
    return "parent" if row["method"] == "parent" else f"{row['method']} at {row['level_percent']:g} %"


def _ratio(row):
    if pd.isna(row["ratio.p50"]):
        return "-"
    bounds = "" if pd.isna(row["ratio.low"]) else f" ({row['ratio.low']:.2f} to {row['ratio.high']:.2f})"
    return f"{row['ratio.p50']:.2f}x{bounds}"
