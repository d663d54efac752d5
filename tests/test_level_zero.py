"""Level 0, the parent trained on, is a control: it decides nothing about other levels."""

import sys

import pandas as pd
import pytest
import refine_levels
import yaml

from made_up import answer, experiment
from voxprune.answer import sentences
from voxprune.answer.comparison import _in_sequence
from voxprune.answer.refinement import Gap
from voxprune.report.tables import shown_levels

P_VALUES = {"l1": {10: 0.01}, "taylor": {10: 0.01}}


def table(p_values):
    rows = [("parent", 0, 1.0)] + [
        (name, level, p) for name, levels in p_values.items() for level, p in sorted(levels.items())
    ]
    found = pd.DataFrame(rows, columns=["method", "level_percent", "p_non_inferior"])
    return found.assign(collapsed=False, control=False)


@pytest.mark.parametrize("name", ["l1", "taylor"])
def test_whichever_method_has_it_the_levels_of_all_are_judged_alike(name):
    plain, _ = _in_sequence(table(P_VALUES), 0.05)
    with_zero = table(P_VALUES | {name: {0: 0.06, **P_VALUES[name]}})
    found, strictness = _in_sequence(with_zero, 0.05)
    at_ten = found[with_zero["level_percent"] == 10]
    assert at_ten.tolist() == pytest.approx(plain[1:].tolist())
    assert found[(with_zero["level_percent"] == 0) & (with_zero["method"] != "parent")] == pytest.approx([0.12])
    assert len(strictness) == len(with_zero)


def test_it_may_be_the_only_level():
    found, strictness = _in_sequence(table({"l1": {0: 0.03}}), 0.05)
    assert found[1] == pytest.approx(0.03) and strictness[1] == pytest.approx(0.05)


@pytest.mark.parametrize(
    "drop, sentence",
    [(5.0, "kept at 0 %, lost at 20 %"), (1.0, "kept at 0 %, 1.0 points less, too few to be shown, at 20 %")],
)
def test_refining_calls_nothing_lost_that_the_objects_can_not_show(drop, sentence):
    assert refine_levels.told(Gap(0, 20, drop), 2.0) == sentence


@pytest.mark.parametrize("methods_with_it, levels", [(1, [20, 40, 60]), (2, [0, 20, 40, 60])])
def test_refining_asks_for_it_only_where_every_method_has_it(tmp_path, monkeypatch, methods_with_it, levels):
    rows = [("parent", 0, 90.0)] + [(name, 0, 90.0) for name in ("one", "two")[:methods_with_it]]
    rows += [(name, level, accuracy) for name in ("one", "two") for level, accuracy in ((20, 90.0), (60, 50.0))]
    summary = pd.DataFrame(rows, columns=["method", "level_percent", "validation_accuracy_percent"])
    summary.assign(seed=0, n_validation=1000, collapsed=False).to_csv(tmp_path / "summary.csv")
    monkeypatch.setattr(
        sys,
        "argv",
        ["refine_levels", "--summary", str(tmp_path / "summary.csv"), "--config", str(tmp_path / "refined.yaml")],
    )
    refine_levels.main(refine_levels.parse().parse_args())
    assert yaml.safe_load((tmp_path / "refined.yaml").read_text()) == {"levels": levels}


@pytest.mark.parametrize(
    "lost", [{"filter": {0: 2, 60: 0}, "taylor": {60: 0}}, {"taylor": {60: 0}, "filter": {0: 2, 60: 0}}]
)
def test_the_sentences_tell_of_the_pruned_networks_whichever_method_has_it(lost):
    tables, found = answer(*experiment(seeds=2, objects=100, lost=lost))
    text = sentences.render(sentences.tell(found), "markdown")
    assert {name: method["limited_by"]["level_percent"] for name, method in found["methods"].items()} == {
        "filter": 60,
        "taylor": 60,
    }
    assert shown_levels(tables["levels"]) == {"filter": 60, "taylor": 60}
    assert "At 0 %" not in text and found["shown"]["level_percent"] == 60
    assert tables["budgets"].empty  # nothing is interpolated between level 0, which only one has, and 60 %


def test_alone_it_is_what_the_sentences_tell_of():
    _, found = answer(*experiment(lost={"filter": {0: 30}}))
    assert found["methods"]["filter"]["limited_by"]["level_percent"] == 0 == found["shown"]["level_percent"]
