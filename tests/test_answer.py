"""The answer: right for known truths, sensible for thin evidence, the same every time."""

import json
import math
import re

import numpy as np
import pytest
import yaml
from docutils.core import publish_parts
from jsonschema import Draft202012Validator

from conftest import ROOT
from made_up import experiment, write_predictions
from voxprune.answer import comparison, findings, sentences

SCHEMA = Draft202012Validator(yaml.safe_load((ROOT / "schemas/answer.schema.yaml").read_text()))


def answered(**options):
    """(answer, its Markdown)."""
    outcomes, summary, demand = experiment(**options)
    levels = comparison.compare_levels(outcomes, summary, demand, 1.0, 0.95)
    budgets, _ = comparison.compare_at_budgets(outcomes, levels, 0.95)
    found = findings.find_answer(levels, budgets, summary, demand, 1.0, 0.95)
    return found, sentences.render(sentences.tell(found), "markdown")


def test_the_largest_saving_of_each_method_and_what_limits_it():
    found, text = answered()
    largest = found["methods"]["filter"]["largest"]
    assert (largest["level_percent"], found["methods"]["filter"]["limited_by"]["level_percent"]) == (50, 80)
    assert largest["saved_percent"] == pytest.approx(
        {"macs": 75, "parameters": 50, "compressed_bytes": 25, "latency_ms": 40, "energy_mj": None}
    )
    assert found["shown"] == {"method": "filter", "level_percent": 50, "non_inferior": True}
    assert (
        "**Without losing 1 point of accuracy, filter saves most MACs, 75 %; filter saves most stored bytes, 25 %.**" in text
    )
    assert "`filter`: 50 % of the filters can be removed: accuracy is 0." in text
    assert "That saves 75 % of the MACs, 50 % of the parameters and 25 % of the stored bytes; it runs at 1.67x" in text
    assert re.search(
        r"At 80 % accuracy is 1[78]\.\d points lower than the parent's \(.*\): more than the margin is lost", text
    )


def test_zeros_save_storage_alone_and_the_text_says_so():
    found, text = answered()
    assert found["methods"]["weight"]["largest"]["saved_percent"]["latency_ms"] == 0
    assert re.search(
        r"`weight`: 50 % of the weights of the convolutions can be set to zero: .* That saves 25 % of the stored bytes; it runs no faster",
        text,
    )


def test_the_studys_claims_stand_beside_what_was_found():
    _, text = answered(lost={"filter": {80: 20}, "weight": {60: 0}})
    assert re.search(
        r"Claimed: filter pruning keeps accuracy up to 80 %. Found: `filter` is non-inferior at no level, and at 80 %", text
    )
    assert "Claimed: weight pruning keeps accuracy up to 60 %. Found: `weight` is non-inferior up to 60 %" in text
    assert "speed against the parent's, `filter` at 80 %: 2.78x (2.72 to 2.83); `weight` at 60 %: no difference." in text


@pytest.mark.parametrize("options, sentence", [
    ({"seeds": 1}, "One seed says nothing about other parents"),
    ({"seeds": 2}, "2 seeds are few; 6 or more narrow the intervals"),
    ({"seeds": 1, "objects": 60}, "One seed is too few to decide this"),
    ({"lost": {"filter": {100: 90}}}, "At 100 % a layer has no filters or weights left"),
    ({"lost": {"filter": {100: 90}}}, "corrected for 0 tests (Holm)"),
    ({"lost": {"weight": {10: 0}}}, "accuracy equals the parent's (-0.1 to +0.1). That saves 5 % of the stored bytes; it runs no "
     "faster: the difference is smaller than the noise of measuring the parent twice. No higher level was tested."),
    ({"lost": {"weight": {10: 0}}, "objects": 2}, "No method and level tested here is shown to keep the parent's accuracy"),
    ({"lost": {"filter": {10: 0}}, "objects": 1, "seeds": 1}, "a true drop of"),
])  # fmt: skip
def test_thin_evidence_gives_a_sensible_sentence(options, sentence, recwarn):
    found, text = answered(**options)
    SCHEMA.validate(json.loads(json.dumps(found, allow_nan=False)))
    assert sentence in text and not re.search(r"\bnan\b|None", text) and not recwarn.list


def test_a_level_below_that_is_not_shown_is_named():
    found, text = answered(lost={"filter": {10: 20, 50: 0, 80: 20}})
    assert found["methods"]["filter"]["not_shown_below"] == [10]
    assert "The lower level 10 % is not shown to keep accuracy." in text
    assert "`filter` is non-inferior at 50 %, but not shown at 10 %, and at 80 %" in text


def test_a_method_that_trains_on_is_not_said_to_remove_nothing():
    _, text = answered(lost={"filter": {0: 0, 80: 20}})
    assert "`filter`: unpruned, trained on for as long: accuracy equals the parent's" in text


def test_the_only_method_that_gets_to_a_budget_is_not_the_best_of_one():
    _, text = answered()
    assert "- Only `filter` gets to 50 % of the parent's parameters: accuracy" in text
    assert "At 75 %" not in text


def test_a_saving_that_is_unknown_at_some_level_is_taken_from_the_others():
    outcomes, summary, demand = experiment()
    demand = demand[(demand["method"] != "filter") | (demand["level_percent"] != 50)]
    levels = comparison.compare_levels(outcomes, summary, demand, 1.0, 0.95)
    found = findings.find_answer(
        levels, comparison.compare_at_budgets(outcomes, levels, 0.95)[0], summary, demand, 1.0, 0.95
    )
    saving = found["methods"]["filter"]["largest_saving"]
    assert saving["latency_ms"]["level_percent"] == 10 and saving["macs"]["level_percent"] == 50


def test_seeds_that_would_decide_are_counted():
    outcomes, summary, demand = experiment(seeds=3, objects=3000, lost={"filter": {50: 0}}, right=0.9)
    rng = np.random.default_rng(1)
    for seed, percent in enumerate((0, 1.2, 0.2)):  # seeds differ, objects are plenty
        outcomes.correct["filter", 50][seed] &= rng.random(3000) >= percent / 100
    levels = comparison.compare_levels(outcomes, summary, demand, 1.0, 0.95)
    found = findings.find_answer(
        levels, comparison.compare_at_budgets(outcomes, levels, 0.95)[0], summary, demand, 1.0, 0.95
    )
    needed = found["methods"]["filter"]["limited_by"]["seeds_needed"]
    assert needed > 3
    assert f"inconclusive with 3 seeds; about {needed} would suffice" in sentences.render(sentences.tell(found), "markdown")


def test_the_same_predictions_give_the_same_answer(tmp_path):
    outcomes, summary, demand = experiment(seeds=2, objects=90)
    write_predictions(outcomes, tmp_path)
    texts = []
    for rows in (summary, summary.sample(frac=1, random_state=0)):
        loaded = comparison.load_outcomes(rows, tmp_path)
        levels = comparison.compare_levels(loaded, rows, demand, 1.0, 0.95)
        budgets, _ = comparison.compare_at_budgets(loaded, levels, 0.95)
        texts.append(json.dumps(findings.find_answer(levels, budgets, rows, demand, 1.0, 0.95)))
    assert texts[0] == texts[1]


def test_the_front_page_of_the_report_is_valid(capsys):
    found, _ = answered(seeds=1, objects=60)
    page = publish_parts(sentences.render(sentences.tell(found), "rst"), writer="html")["html_body"]
    assert page.count("<table") == 1 and "system-message" not in page and not capsys.readouterr().err
    assert all(math.isfinite(value) for value in found["parent"].values())
