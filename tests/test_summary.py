"""The summary: every number of every network, the cell a deployment would choose, and what speaks against a figure."""

import pandas as pd
import pytest

from made_up import demand_row, experiment
from voxprune.answer import summary
from voxprune.core.errors import InputError
from voxprune.core.files import write_json


def demand(**more):
    return pd.DataFrame([demand_row("weight", 50, "torch") | more, demand_row("filter", 50, "torch")])


def test_a_full_valid_run_has_no_warnings():
    assert summary.warnings(demand()) == []  # removed filters may run faster


@pytest.mark.parametrize("wrong, sentence", [
    ({"detail": "brief"}, "Times were measured briefly and show large differences only"),
    ({"valid": False, "invalid_reasons": "the GPU throttled itself"}, 
     "INVALID times of weight (the GPU throttled itself). Run `snakemake --forcerun measure measure_parent` on a quiet machine."),
    ({"drift_percent": 66.4}, "The machine's own speed changed by 66 % while it measured, so a latency in ms stands for no one speed"),
    ({"speedup.verdict": "faster", "speedup.mean": 3.4},
     "1 masked network ran faster than the parent, which zeros can't cause: weight 50 % in torch, 1 thread, batch 64 (3.40x)."),
])  # fmt: skip
def test_what_speaks_against_a_figure_is_said(wrong, sentence):
    assert any(sentence in said for said in summary.warnings(demand(**wrong)))


def test_deployment_takes_the_engine_in_which_the_parent_is_fastest():
    _, _, demand = experiment(seeds=1, objects=6)
    assert summary.fastest_cell(demand) == ("openvino", "cpu", 1, 64)
    assert set(summary.at_cell(demand, summary.fastest_cell(demand))["engine"]) == {"openvino"}
    assert summary.main_cell(demand)[0] == "torch"


def test_a_parent_that_ran_nowhere_is_refused():
    _, _, demand = experiment(seeds=1, objects=6)
    with pytest.raises(InputError, match="the parent ran in no engine .* add `torch`"):
        summary.fastest_cell(demand.assign(**{"latency_ms.p50": float("nan")}))


def test_the_machine_of_a_cell_is_the_one_it_ran_on():
    both = pd.DataFrame(
        [demand_row("filter", 50, "torch") | {"hardware.gpu": "A GPU", "device": device} for device in ("cuda", "cpu")]
    )
    assert (summary.hardware(both), summary.hardware(both, "cpu")) == ("A GPU", "A CPU")


def test_every_figure_of_a_cell_has_a_column(tmp_path):
    cell = {
        "engine": "torch",
        "device": "cuda",
        "threads": 1,
        "batch_size": 64,
        "energy_ratio": {"mean": 0.5, "low": 0.4},
        "reasons": {},
    }
    demand = {
        "experiment": "made-up", "method": "weight", "level_percent": 50, "seed": 0, "apply": "mask", "detail": "full",
        "valid": True, "invalid_reasons": [], "drift_percent": 1.0, "peak_resident_bytes": 1, "idle_power_w": 50.0, "manifest": {"hardware": {"cpu": "A CPU"}},
        "cells": [cell, cell | {"batch_size": 1, "energy_ratio": None}],
    }  # fmt: skip
    write_json(tmp_path / "demand.json", demand)
    table = summary.gather_demand([tmp_path / "demand.json"])
    assert table["energy_ratio.mean"].tolist()[0] == 0.5 and pd.isna(table["energy_ratio.mean"].tolist()[1])


def test_every_number_has_a_column(tmp_path):
    for seed in (1, 0):
        content = {"method": "filter", "level_percent": 50, "seed": seed, "removed_percent": {"macs": 75.0}}
        write_json(tmp_path / f"{seed}.json", content)
    table = summary.summarise([tmp_path / "1.json", tmp_path / "0.json"])
    assert table["seed"].tolist() == [0, 1] and table["removed_percent.macs"].tolist() == [75, 75]


def test_a_summary_without_a_parent_is_refused(tmp_path):
    pd.DataFrame([{"method": "filter"}]).to_csv(tmp_path / "summary.csv")
    with pytest.raises(InputError, match="summary.csv: no row of the parent; delete it and run again"):
        summary.read_summary(tmp_path / "summary.csv")
