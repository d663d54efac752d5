"""Tables: what stands in them is what was measured, with its interval, and what speaks against it."""

import pandas as pd
import pytest

from voxprune import tables
from voxprune.files import InputError


def row(method, level, engine="torch", threads=1, batch_size=64, p50=100.0, verdict="no difference", **more):
    return {
        "method": method, "level_percent": level, "seed": 0, "realise": None, "detail": "full", "valid": True,
        "invalid_reasons": "", "engine": engine, "device": "cpu", "threads": threads, "batch_size": batch_size,
        "latency_ms.p50": p50, "speedup.mean": 3.4, "speedup.low": 3.2, "speedup.high": 3.6, "speedup.noise_percent": 4.0,
        "speedup.verdict": verdict, "throughput_per_s": 640.0, "cpu_utilization_percent": 50.0, "hardware.cpu": "A CPU", **more,
    }  # fmt: skip


def test_a_difference_inside_the_noise_is_printed_as_none():
    demand = pd.DataFrame([
        row("filter", 50, p50=29.41, verdict="faster"), row("filter", 50, "openvino", p50=None),
        row("filter", 10), row("filter", 10, "openvino", p50=8.0, verdict="slower"), row("parent", 0),
    ])  # fmt: skip
    found = tables.demand_tables(demand, "filter")
    assert list(found) == ["batch 64, 1 CPU thread"]
    assert found["batch 64, 1 CPU thread"].values.tolist() == [
        ["noise floor", "", "±4.0 %", "±4.0 %"],
        ["50", 0, "29.4 ms, 3.40x (3.20 to 3.60)", "-"],
        ["10", 0, "100 ms, no difference", "8 ms, 3.40x (3.20 to 3.60)"],
    ]
    assert tables.demand_tables(demand, "parent")["batch 64, 1 CPU thread"]["torch"][1] == "100 ms, 640/s"


def test_conditions_have_tables_of_their_own():
    demand = pd.DataFrame([row("filter", 50, threads=threads, batch_size=size) for threads in (1, 2) for size in (1, 64)])
    titles = [f"batch {size}, {threads} CPU thread{'s' * (threads > 1)}" for threads in (1, 2) for size in (1, 64)]
    assert list(tables.demand_tables(demand, "filter")) == titles


def test_a_full_valid_run_has_no_warnings():
    assert tables.warnings(pd.DataFrame([row("weight", 50, realise="mask"), row("filter", 50, realise="remove")])) == ""


@pytest.mark.parametrize("wrong, sentence", [
    ({"detail": "brief"}, "Measured briefly"),
    ({"valid": False, "invalid_reasons": "the GPU throttled itself"}, "INVALID for weight: the GPU throttled itself."),
    ({"verdict": "faster", "realise": "mask"},
     "LOOK: masks ran faster than their parent: weight 50 % in torch, 1 thread, batch 64 (3.40x)."),
])  # fmt: skip
def test_what_speaks_against_a_figure_stands_beside_it(wrong, sentence):
    assert sentence in tables.warnings(pd.DataFrame([row("weight", 50, **wrong)]))


def test_removed_filters_may_run_faster():
    assert tables.warnings(pd.DataFrame([row("filter", 50, verdict="faster", realise="remove")])) == ""


def test_the_studys_table_takes_the_first_engine_and_the_largest_batch():
    metrics = {"method": "filter", "level_percent": 50, "accuracy_percent": 80.0, "macs": 2e6, "parameters": 3e3,
               "nonzero_parameters": 2e3, "compressed_bytes": 1e6}  # fmt: skip
    summary = pd.DataFrame([{**metrics, "seed": 0}, {**metrics, "seed": 1, "accuracy_percent": 90.0}])
    demand = pd.DataFrame([
        row("filter", 50, engine, threads, size, p50=10.0 * threads + size + len(engine))
        for engine in ("torch", "openvino") for threads in (1, 2) for size in (1, 64)
    ])  # fmt: skip
    table = tables.study_table(summary, demand, "filter").iloc[0]
    assert (table["accuracy_percent"], table["seeds"], table["macs_million"]) == (85, 2, 2)
    assert (table["latency_ms_batch1"], table["latency_ms_batch64"]) == (10 + 1 + 5, 10 + 64 + 5)
    assert table["cpu_utilization_percent"] == 50


def test_a_summary_without_a_parent_is_refused(tmp_path):
    pd.DataFrame([{"method": "filter"}]).to_csv(tmp_path / "summary.csv")
    with pytest.raises(InputError, match="summary.csv: no row of the parent; delete it and run again"):
        tables.read_summary(tmp_path / "summary.csv")
