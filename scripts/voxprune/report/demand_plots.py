"""Plots of demand: utilization, latency, speedup."""

from voxprune.answer.summary import at_cell, counted, hardware, main_cell, measured_on_gpu, named
from voxprune.report.figure import (
    COLOURS,
    DASHES,
    MARKERS,
    captioned,
    least_band,
    legend,
    lines,
    log_scale,
    make_panels,
    method_looks,
    write_note,
)


@captioned("The original study's own way of reading the GPU's utilization beside the corrected one.")
def gpu_utilization_by_level(axes, summary, demand):
    rows = at_cell(demand, main_cell(demand))
    left, right = make_panels(axes, 2)
    if measured_on_gpu(demand):
        lines(left, rows, "level_percent", "legacy_gpu_utilization_per_inference_percent")
        lines(right, rows, "level_percent", "gpu_utilization_per_inference_percent")
    else:
        right.text(0.5, 0.5, "no utilization was measured", transform=right.transAxes, ha="center")
    left.set(title="legacy: nvidia-smi after each batch", ylabel="mean GPU utilization / batch size, %")
    right.set(title="corrected: sampled while saturated")
    left.set_ylim(bottom=0)
    for one in (left, right):
        one.set(xlabel="pruning level, %")
    _finish_demand(right, demand)


@captioned(
    "A row a batch size, a panel an engine: time over the parent's in the same round, with its interval. Within the band, differences don't "
    "count."
)
def latency_by_level(axes, summary, demand):
    threads = main_cell(demand)[2]
    panels = _panels_of_cells(axes, demand, "row")
    for panel, size, engine, rows in panels:
        rows, parent = rows[rows["threads"] == threads], rows["method"] == "parent"
        times = {
            name: (1 / rows[f"speedup.{bound}"]).mask(parent, 1)
            for name, bound in (("time", "mean"), ("least", "high"), ("most", "low"))
        }
        least_band(panel, rows)
        lines(panel, rows.assign(**times), "level_percent", "time", low="least", high="most")
        milliseconds = rows.loc[parent, "latency_ms.p50"].mean()
        panel.set(xlabel="pruning level, %", title=f"{engine}, {_batch(size)}\nparent {milliseconds:.3g} ms")
    for panel, *_ in panels:
        panel.set_ylim(bottom=0)  # after all are drawn: before, it would keep later ones from being seen whole
    where = "" if (demand["device"] != "cpu").any() else f", {counted(threads, 'thread')}"
    panels[0][0].figure.supylabel("time over the parent's (95 % interval)", fontsize=10)
    panels[0][0].figure.suptitle(f"Latency by pruning level{where}", fontsize=11)
    _finish_demand(panels[-1][0], demand)


@captioned(
    "A row a batch size, a panel an engine: what removing MACs saves in time, against what it would save if time followed MACs."
)
def speedup_against_macs(axes, summary, demand):
    threads = main_cell(demand)[2]
    macs = summary.set_index(["method", "level_percent", "seed"])[["macs", "collapsed"]]
    parent = summary.loc[summary["method"] == "parent", "macs"].iloc[0]
    looks, rows = method_looks(demand["method"]), demand.join(macs, on=["method", "level_percent", "seed"])
    rows = rows[~rows["collapsed"] & (rows["threads"] == threads)]
    rows = rows.assign(reduction=parent / rows["macs"])
    panels, most = _panels_of_cells(axes, rows, True), rows["reduction"].max() * 1.1
    for panel, size, engine, own in panels:
        least = own["speedup.least_percent"].max() / 100
        panel.axhspan(1 / (1 + least), 1 + least, color="0.88", zorder=0, label="not told apart")
        panel.plot([1, most], [1, most], color="0.35", linewidth=1, linestyle=":", label="if time followed MACs")
        lines(panel, own, "reduction", "speedup.mean", low="speedup.low", high="speedup.high", parent=False, looks=looks)
        log_scale(panel, "x", "y")
        panel.set(xlabel="MACs: parent / pruned", title=f"{engine}, {_batch(size)}")
    panels[0][0].figure.supylabel("speedup (95 % interval)", fontsize=10)
    panels[0][0].figure.suptitle("Measured speedup against the reduction of MACs", fontsize=11)
    _finish_demand(panels[-1][0], demand)


def _panels_of_cells(axes, demand, share_y):
    """[(panel, batch size, engine, rows)]: a row of panels for the smallest and for the largest batch, a column an engine."""
    engines, sizes = list(demand["engine"].unique()), sorted({demand["batch_size"].min(), demand["batch_size"].max()})
    cells = [(size, engine) for size in sizes for engine in engines]
    panels = make_panels(axes, len(cells), columns=len(engines), share_y=share_y)
    return [
        (panel, size, engine, demand[(demand["engine"] == engine) & (demand["batch_size"] == size)])
        for panel, (size, engine) in zip(panels, cells)
    ]


def _batch(size):
    return "one object" if size == 1 else f"batch of {size}"


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
        xlabel="filters removed, %", ylabel="percent of the parent",
        title=f"Latency of a batch of {first['batch_size'].iloc[0]} by width",
    )  # fmt: skip
    axes.set_ylim(bottom=0)
    axes.legend(loc="best", fontsize=9)
    write_note(axes, note)


OF_DEMAND = (latency_by_level, speedup_against_macs)


def _finish_demand(axes, demand):
    """Legend, and a line below that says what was measured, on what, and what speaks against it."""
    legend(axes)
    brief = ", measured briefly" if (demand["detail"] == "brief").any() else ""
    seeds = named(sorted(demand["seed"].unique()), "seed")
    calls = counted(int(demand["latency_ms.n"].min()), "call")
    note = f"{demand['experiment'].iloc[0]}, {seeds}: {calls} or more a network and engine{brief}; {hardware(demand)}"
    if not demand["valid"].all():
        methods = ", ".join(demand.loc[~demand["valid"], "method"].unique())
        note += f"\nINVALID for {methods}: the machine wasn't steady; run `snakemake --forcerun measure measure_parent` on a quiet one"
    write_note(axes, note)
