"""Plots of demand: utilization, latency, speedup."""

from voxprune.answer.summary import at_cell, counted, hardware, main_cell, measured_on_gpu, named
from voxprune.report.figure import (
    COLOURS,
    DASHES,
    MARKERS,
    captioned,
    legend,
    lines,
    log_scale,
    make_panels,
    method_looks,
    noise_band,
    write_note,
)


@captioned("With a GPU the study's own way of reading beside the corrected one, else the processor's utilization.")
def gpu_utilization_by_level(axes, summary, demand):
    engine, device, threads, size = main_cell(demand)
    rows = at_cell(demand, main_cell(demand))
    if measured_on_gpu(demand):
        left, right = make_panels(axes, 2)
        lines(left, rows, "level_percent", "legacy_gpu_utilization_per_inference_percent")
        lines(right, rows, "level_percent", "gpu_utilization_per_inference_percent")
        left.set(title="legacy: nvidia-smi after each batch", ylabel="mean GPU utilization / batch size, %")
        right.set(title="corrected: sampled while saturated")
        left.set_ylim(bottom=0)
        drawn = [left, right]
    else:
        lines(axes, rows, "level_percent", "cpu_utilization_percent")
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


@captioned("A panel an engine: median latency, bars to the 90th percentile, the parent's noise floor as a band.")
def latency_by_level(axes, summary, demand):
    threads, size = main_cell(demand)[2:]
    engines = demand["engine"].unique()
    panels = make_panels(axes, len(engines))
    for panel, engine in zip(panels, engines):
        rows = demand[(demand["engine"] == engine) & (demand["threads"] == threads) & (demand["batch_size"] == size)]
        noise_band(panel, rows, "latency_ms.p50")
        lines(panel, rows, "level_percent", "latency_ms.p50", low="latency_ms.p50", high="latency_ms.p90")
        panel.set(xlabel="pruning level, %", title=engine)
    panels[0].set_ylim(bottom=0)  # of all, and after all are drawn: before, it would keep later ones from being seen whole
    where = "" if (demand["device"] != "cpu").any() else f", {threads} thread{'s' * (threads > 1)}"
    panels[0].set_ylabel(f"latency of a batch of {size}, ms (median, bars to p90)")
    panels[0].figure.suptitle(f"Latency by pruning level{where}", fontsize=11)
    _finish_demand(panels[-1], demand)


@captioned("A panel an engine: what removing MACs saves in time, against what it would save if time followed MACs.")
def speedup_against_macs(axes, summary, demand):
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
        lines(panel, own, "reduction", "speedup.mean", low="speedup.low", high="speedup.high", parent=False, looks=looks)
        log_scale(panel, "x", "y")
        panel.set(xlabel="MACs: parent / pruned", title=engine)
    panels[0].set_ylabel(f"speedup of a batch of {size} (95 % interval)")
    panels[0].figure.suptitle("Measured speedup against the reduction of MACs", fontsize=11)
    _finish_demand(panels[-1], demand)


@captioned("table: as measure_staircase writes it. Latency of each engine and MACs, in percent of the parent's, by width.")
def staircase(axes, table, note):
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


OF_DEMAND = (gpu_utilization_by_level, latency_by_level, speedup_against_macs)


def _finish_demand(axes, demand):
    """Legend, and a line below that says what was measured, on what, and what speaks against it."""
    legend(axes)
    brief = ", measured briefly" if (demand["detail"] == "brief").any() else ""
    seeds = named(sorted(demand["seed"].unique()), "seed")
    calls = counted(int(demand["latency_ms.n"].min()), "call")
    note = f"{demand['experiment'].iloc[0]}, {seeds}: {calls} or more a network and engine{brief}; {hardware(demand)}"
    if not demand["valid"].all():
        methods = ", ".join(demand.loc[~demand["valid"], "method"].unique())
        note += f"\nINVALID for {methods}: the machine wasn't steady; the tables say why"
    write_note(axes, note)
