"""Tables: what stands in them is what was measured, with its interval, and what speaks against it."""

import re

import pandas as pd
import pytest

from made_up import answer, experiment
from voxprune.report import tables


def row(method, level, engine="torch", threads=1, batch_size=64, p50=100.0, verdict="no difference", **more):
    return {
        "method": method, "level_percent": level, "seed": 0, "apply": None, "detail": "full", "valid": True,
        "invalid_reasons": "", "engine": engine, "device": "cpu", "threads": threads, "batch_size": batch_size,
        "latency_ms.p50": p50, "speedup.mean": 3.4, "speedup.low": 3.2, "speedup.high": 3.6, "speedup.least_percent": 4.0,
        "speedup.verdict": verdict, "throughput_per_s": 640.0, "cpu_utilization_percent": 50.0, "hardware.cpu": "A CPU", **more,
    }  # fmt: skip


def test_a_difference_inside_the_noise_is_printed_as_none():
    demand = pd.DataFrame([
        row("filter", 50, p50=29.41, verdict="faster"), row("filter", 50, "openvino", p50=None),
        row("filter", 10), row("filter", 10, "openvino", p50=8.0, verdict="slower"), row("parent", 0),
    ])  # fmt: skip
    assert tables.demand_table(demand, "filter").values.tolist() == [
        ["batch 64, 1 thread", "least that counts", "", "±4.0 %", "±4.0 %"],
        ["batch 64, 1 thread", "50", "0", "29.4 ms, 3.40x (3.20 to 3.60)", "-"],
        ["batch 64, 1 thread", "10", "0", "100 ms, not told apart", "8 ms, 3.40x (3.20 to 3.60)"],
    ]
    assert tables.demand_table(demand, "parent")["torch"][1] == "100 ms, 640/s"


def test_conditions_have_rows_of_their_own():
    demand = pd.DataFrame([row("filter", 50, threads=threads, batch_size=size) for threads in (1, 2) for size in (1, 64)])
    conditions = [f"batch {size}, {threads} thread{'s' * (threads > 1)}" for threads in (1, 2) for size in (1, 64)]
    assert list(tables.demand_table(demand, "filter")["conditions"].unique()) == conditions


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


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Every table of a made-up experiment: {file name: text}."""
    folder = tmp_path_factory.mktemp("tables")
    outcomes, summary, demand = experiment(seeds=3, objects=300)
    statistics, found = answer(outcomes, summary, demand)
    skipped = pd.DataFrame([{"split": "test", "class": "bed", "file": "bed_1.off", "reason": "it has no faces"}])
    tables.write_tables(summary, demand, statistics, found, skipped, folder)
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.*")}


def test_every_table_is_there_for_reading_for_print_and_for_the_browser(report):
    names = ["levels", "equal_cost", "classes", "seeds", "power", "skipped_meshes"]
    names += [f"methods/{method}{kind}" for method in ("parent", "filter", "weight") for kind in ("", "_demand")]
    assert {name for name in report if not name.endswith(".csv")} == {
        f"{name}.{kind}" for name in names for kind in ("md", "tex", "html")
    }
    for name, text in report.items():
        assert "nan" not in text.lower().replace("non-inferior", ""), name
        if name.endswith(".tex"):
            assert all(rule in text for rule in (r"\toprule", r"\midrule", r"\bottomrule")) and not re.search(
                r"(?<!\\)[%_]", text
            ), name
        if name.endswith(".html"):
            assert text.count("<table") == 1 and "http" not in text


def test_every_table_says_what_it_rests_on(report):
    evidence = "made-up: 300 test objects, seeds 0, 1, 2; differences to the parent"
    assert all(evidence in report[f"{name}.md"] for name in ("levels", "equal_cost", "classes"))
    assert "made-up: 300 test objects, 3 seeds" in report["methods/filter.md"]


def test_meshes_left_out_are_listed_with_the_reason(report):
    assert re.search(r"\| test +\| +bed \| +bed_1.off \| +it has no faces \|", report["skipped_meshes.md"])


def test_the_verdict_the_interval_and_the_bound_that_decides_stand_side_by_side(report):
    number = r"[+-]\d+\.\d"
    assert re.search(
        rf"\| filter +\| +80 \| +inferior \| +7\d\.\d\d \| +{number} \({number} to {number}\) \| +-\d\d\.\d \| +3 of 3 \|",
        report["levels.md"],
    )
    assert re.search(r"\| parent +\| +0 \| +parent \| +9\d\.\d\d \| +- \| +- \|", report["levels.md"])


def test_what_is_interpolated_and_what_is_not_told_apart_is_marked(report):
    number = r"[+-]\d\.\d"
    value = rf"{number} \({number} to {number}\)"
    assert re.search(rf"\| 50 % of MACs +\| +{value} ~ \| +- \|", report["equal_cost.md"])  # alone, so no best of several
    assert re.search(rf"\| 75 % of stored bytes, compressed \| +{value} = \| +{value} = \|", report["equal_cost.md"])


def test_each_checkpoint_by_itself_has_its_own_bound(report):
    assert re.search(r"\| filter +\| +80 \| +2 \| .* \| +-\d\d\.\d \| +yes \|", report["seeds.md"])
    assert "it says nothing of other seeds" in report["seeds.md"]


def test_nothing_is_interpolated_between_the_parent_and_the_lowest_level():
    """No network between them was tested: 80 % of the filters are gone at the lowest level, 4 % of the MACs left."""
    tables, _ = answer(*experiment(seeds=3, objects=300, lost={"filter": {80: 20.0}}))
    budgets = tables["budgets"]
    assert not len(budgets) or budgets["budget_percent"].max() < 25
