"""choose.py: the most accurate network within a budget, or what comes nearest."""

import json
import subprocess
import sys

import choose as choose_command
import pytest

from conftest import ROOT
from made_up import experiment
from voxprune.answer import comparison
from voxprune.core.errors import InputError
from voxprune.deploy.choosing import candidates, choose, told

OUTCOMES, SUMMARY, DEMAND = experiment()
LEVELS = comparison.compare(OUTCOMES, SUMMARY, DEMAND, 1.0, 0.95)["levels"]


def chosen(**limits):
    return choose(LEVELS, DEMAND, limits, batch_size=64)


def name(choice):
    return choice.row["method"], choice.row["level_percent"], choice.row["engine"]


def test_without_a_budget_the_most_accurate_wins_in_its_fastest_engine():
    choice = chosen()
    rows = candidates(LEVELS, DEMAND, 64)
    assert (
        choice.fits
        and choice.row["accuracy_percent"] == rows["accuracy_percent"].max()
        and choice.row["engine"] == "openvino"
    )


def test_a_network_that_answers_the_same_for_every_object_is_no_choice():
    outcomes, summary, demand = experiment(lost={"filter": {50: 1, 100: 60}})
    levels = comparison.compare(outcomes, summary, demand, 1.0, 0.95)["levels"]
    choice = choose(levels, demand, {"macs": 1e5}, 64)
    assert not choice.fits and name(choice)[:2] == ("filter", 50)


def test_the_parent_is_not_compared_with_itself():
    levels, demand = (table[table["method"] == "parent"] for table in (LEVELS, DEMAND))
    said = told(choose(levels, demand, {}, 64), {}, 64)
    assert said.startswith("the parent in ") and "to the parent" not in said


@pytest.mark.parametrize("number", ["nan", "-1", "few"])
def test_a_limit_is_a_number_from_0(number, capsys):
    with pytest.raises(SystemExit):
        choose_command.parse().parse_args(["--results", "results/quick", "--latency-ms", number])
    assert "--latency-ms: invalid limit value" in capsys.readouterr().err


def test_a_choice_by_times_that_cannot_be_trusted_says_so():
    said = [told(choose(LEVELS, DEMAND.assign(valid=valid), {}, 64), {}, 64) for valid in (True, False)]
    assert "INVALID" not in said[0] and said[1].endswith("on a quiet one and choose again.") and "INVALID" in said[1]


@pytest.mark.parametrize(
    "limits", [{"latency_ms": 13}, {"macs": 3e5}, {"bytes": 8e4, "latency_ms": 19}, {"latency_ms": 70, "macs": 1e5}]
)
def test_the_choice_is_the_best_of_all_that_fit(limits):
    choice, rows = chosen(**limits), candidates(LEVELS, DEMAND, 64)
    columns = {"latency_ms": "latency_ms.p50", "macs": "macs", "bytes": "compressed_bytes"}
    for key, most in limits.items():
        rows = rows[rows[columns[key]] <= most]
    assert choice.fits and len(rows) and choice.row["accuracy_percent"] == rows["accuracy_percent"].max()


def test_a_loss_of_accuracy_is_a_limit_too():
    choice = chosen(loss_points=1, macs=3e5)
    assert name(choice)[:2] == ("filter", 50) and choice.row["difference_points"] >= -1
    assert not chosen(loss_points=1, macs=1e5).fits


def test_none_fits_and_what_comes_nearest():
    choice = chosen(latency_ms=5)
    assert (choice.fits, choice.over, name(choice)) == (False, ["latency_ms"], ("filter", 80, "openvino"))
    assert told(choice, {"latency_ms": 5}, 64).startswith(
        "No network fits. Nearest is filter at 80 % in openvino (cpu, 1 thread, batch 64), with 7.2 ms where 5 ms are allowed: accuracy"
    )


def test_what_was_not_measured_is_said():
    with pytest.raises(InputError, match="energy_mj was not measured in this experiment at batch size 64"):
        chosen(energy_mj=1)
    with pytest.raises(InputError, match="nothing was measured at batch size 1; choose one of 64"):
        choose(LEVELS, DEMAND, {}, 1)


def test_the_command(tmp_path):
    (tmp_path / "statistics").mkdir()
    LEVELS.to_csv(tmp_path / "statistics/levels.csv", index=False)
    DEMAND.to_csv(tmp_path / "demand.csv", index=False)

    def run(*arguments):
        command = [sys.executable, ROOT / "scripts/choose.py", "--results", tmp_path, "--batch", "64", *arguments]
        return subprocess.run(command, capture_output=True, text=True)

    plain = run("--macs", "3e5", "--loss-points", "1").stdout
    assert plain.startswith("filter at 50 % in openvino") and "non-inferior" in plain and "nan" not in plain
    assert json.loads(run("--json", "--macs", "3e5").stdout)["fits"] is True
    (tmp_path / "demand.csv").unlink()
    assert run().stderr.count("\n") == 1 and "no such table" in run().stderr
