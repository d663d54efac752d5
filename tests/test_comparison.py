"""Comparisons: known truths are found, budgets are equal, and nothing but stored predictions is needed."""

import warnings

import numpy as np
import pandas as pd
import pytest

from made_up import CLASSES, experiment, write_predictions
from voxprune.answer import budgets, comparison, statistics
from voxprune.core.errors import InputError


def levels_of(**options):
    outcomes, summary, demand = experiment(**options)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return comparison.compare(outcomes, summary, demand, 1.0, 0.95)["levels"].set_index(["method", "level_percent"])


def test_known_losses_are_found():
    levels = levels_of()
    assert levels["verdict"].to_dict() == {
        ("parent", 0): "parent", ("filter", 10): "non-inferior", ("filter", 50): "non-inferior", ("filter", 80): "inferior",
        ("weight", 10): "non-inferior", ("weight", 50): "non-inferior", ("weight", 80): "inferior",
    }  # fmt: skip
    row = levels.loc[("filter", 80)]
    assert row["difference_points_low"] < -18 < row["difference_points_high"]  # 20 % of the 90 % that were right
    assert row["difference_points"] == pytest.approx(-18, abs=1) and row["lost"] > 0 == row["gained"]


def test_equal_cost_goes_with_the_mean_over_seeds_and_the_fastest_engine():
    row = levels_of().loc[("filter", 50)]
    assert (row["macs"], row["parameters"]) == (0.25e6, 0.5e5)
    assert row["latency_ms"] == pytest.approx(20 * 0.6) and row["speedup_mean"] == pytest.approx(1 / 0.6)


def test_latency_is_the_parents_over_the_speed_also_inside_the_noise():
    """A machine twice as slow in the network's job changes nothing: its milliseconds aren't compared with another job's."""
    outcomes, summary, demand = experiment()
    masked = demand["method"] == "weight"
    demand.loc[masked, ["latency_ms.p50", "speedup.mean", "speedup.low", "speedup.high"]] = 40.4, 0.99, 0.97, 1.01
    row = comparison.costs(summary, demand).loc[("weight", 50)]
    assert row["latency_ms"] == pytest.approx(20 / 0.99) and row["speedup_verdict"] == "no difference"


def test_energy_is_told_by_its_ratio_to_the_parents():
    outcomes, summary, demand = experiment()
    filters = demand["method"] == "filter"
    demand["energy_mj_per_inference"] = np.where(filters, 2.5, 5.1)
    for part, saving, same in (("mean", 0.5, 1.03), ("low", 0.45, 0.98), ("high", 0.55, 1.08), ("least_percent", 1.0, 1.0)):
        demand[f"energy_ratio.{part}"] = np.where(filters, saving, same)
    found = comparison.costs(summary, demand)
    assert found.loc[("filter", 50), ["energy_mj", "energy_ratio_verdict"]].tolist() == [2.5, "less"]
    assert found.loc[("weight", 50), "energy_ratio_verdict"] == "no difference"


def test_seeds_that_disagree_about_the_speed_are_judged_together():
    outcomes, summary, demand = experiment()
    other = demand.assign(**{"seed": 1, "speedup.mean": 0.9, "speedup.low": 0.1, "speedup.verdict": "no difference"})
    row = comparison.costs(summary, pd.concat([demand, other], ignore_index=True)).loc[("filter", 50)]
    assert row["speedup_verdict"] == "no difference"


def test_a_method_that_trains_on_starts_from_its_own_level_0():
    """Between its levels 0 and 50, both always right, it is never worse than that."""
    outcomes, summary, demand = experiment(lost={"filter": {0: 0, 50: 0}}, right=0.7)
    for level in (0, 50):
        outcomes.correct["filter", level][:] = True
    levels = comparison.compare(outcomes, summary, demand, 1.0, 0.95)["levels"]
    assert budgets.compare_at_budgets(outcomes, levels, 0.95)["accuracy_percent"].unique() == [100]


def test_where_every_level_collapses_tables_have_columns_all_the_same():
    outcomes, summary, demand = experiment(lost={"filter": {100: 90}})
    levels = comparison.compare(outcomes, summary, demand, 1.0, 0.95)["levels"]
    assert list(budgets.compare_at_budgets(outcomes, levels, 0.95)) == ["cost"]


def test_too_little_data_is_undecided_and_the_bound_says_so():
    row = levels_of(seeds=3, objects=150, lost={"weight": {50: 1}}).loc[("weight", 50)]
    assert row["verdict"] == "undecided" and row["at_worst_points"] < -1 < row["difference_points_high"]


def test_the_class_that_suffers_is_named():
    row = levels_of(unlucky={("weight", 50): ["sofa"]}).loc[("weight", 50)]
    assert row["worst_class"] == "sofa" and row["worst_class_points"] < -80
    assert row["balanced_difference_points"] == pytest.approx(row["worst_class_points"] / 3, abs=1)


@pytest.mark.parametrize("options", [
    {"seeds": 1, "objects": 60}, {"seeds": 2, "objects": 60}, {"lost": {"filter": {100: 90}}, "objects": 60},
    {"lost": {"weight": {10: 0}}, "objects": 60}, {"right": 1.0, "objects": 60}, {"right": 0.0, "objects": 60},
    {"objects": 2}, {"objects": 1, "seeds": 1},
])  # fmt: skip
def test_thin_evidence_gives_numbers_and_no_warnings(options):
    """One seed, two seeds, a collapsed level, equal predictions, all right, all wrong, a class without objects."""
    levels = levels_of(**options)
    known = levels.drop(columns=["p_sequence", "unit", "apply", "criterion", *[name for name in levels if "energy" in name]])
    assert not known.isna().any().any()
    assert set(levels["verdict"]) <= {"parent", "non-inferior", "inferior", "undecided"}
    assert levels["difference_points"].between(levels["difference_points_low"], levels["difference_points_high"]).all()


def test_a_collapsed_level_is_inferior_and_costs_the_others_no_power():
    levels = levels_of(lost={"filter": {10: 0, 100: 90}})
    assert levels.loc[("filter", 100), "verdict"] == "inferior"
    assert levels.loc[("filter", 10), "p_sequence"] == levels.loc[("filter", 10), "p_non_inferior"]


def test_more_levels_of_a_method_cost_no_power_and_more_methods_do():
    one = levels_of(seeds=3, objects=600, lost={"filter": {10: 0.1, 50: 0.3}})
    more_levels = levels_of(seeds=3, objects=600, lost={"filter": {10: 0.1, 50: 0.3, 80: 20, 90: 40}})
    more_methods = levels_of(seeds=3, objects=600, lost={"filter": {10: 0.1, 50: 0.3}, "weight": {80: 20}})
    key = ("filter", 10)
    assert (
        one.loc[key, "at_worst_points"] == more_levels.loc[key, "at_worst_points"] > more_methods.loc[key, "at_worst_points"]
    )


def test_a_control_costs_the_methods_no_power():
    outcomes, summary, demand = experiment(seeds=3, objects=600, lost={"filter": {50: 0.3}, "weight": {50: 20}})
    found = {}
    for criterion in ("l1", "random"):
        summary.loc[summary["method"] == "weight", "criterion"] = criterion
        table = comparison.compare(outcomes, summary, demand, 1.0, 0.95)["levels"].set_index("method")
        found[criterion] = table["at_worst_points"]
    alone = levels_of(seeds=3, objects=600, lost={"filter": {50: 0.3}})
    assert found["random"]["filter"] > found["l1"]["filter"]
    assert found["random"]["filter"] == alone.loc[("filter", 50), "at_worst_points"]


@pytest.mark.parametrize("options", [{}, {"seeds": 3, "objects": 600}, {"seeds": 1, "objects": 300}, {"objects": 60}])
def test_the_bound_and_the_adjusted_p_decide_alike(options):
    """Non-inferior: the bounds of this level and of all lower ones of its method lie above minus the margin."""
    levels = levels_of(**options).reset_index()
    for _, rows in levels[levels["method"] != "parent"].groupby("method"):
        by_bound = (rows["at_worst_points"] > -1).cummin() & ~rows["collapsed"]
        assert by_bound.tolist() == (rows["p_sequence"] <= 0.05).tolist()


def test_a_level_better_than_the_parent_is_non_inferior():
    outcomes, summary, demand = experiment(lost={"filter": {10: 0}}, right=0.7)
    outcomes.correct["filter", 10][:] = True
    row = comparison.compare(outcomes, summary, demand, 1.0, 0.95)["levels"].set_index("method").loc["filter"]
    assert row["verdict"] == "non-inferior" and row["difference_points_low"] > 25


def test_every_object_is_compared_by_class_and_by_seed():
    outcomes, *_ = experiment(seeds=2, objects=60)
    classes, seeds = comparison.compare_classes(outcomes, 0.95), comparison.compare_seeds(outcomes, 1.0, 0.95)
    assert len(classes) == 7 * 3 and len(seeds) == 7 * 2
    own = classes[classes["method"] == "parent"]
    assert own["n_samples"].sum() == 60 and own["accuracy_percent"].mean() == pytest.approx(
        100 * outcomes.correct["parent", 0].mean()
    )
    one = seeds.iloc[0]
    low, high = statistics.wilson(outcomes.correct["parent", 0][0].sum(), 60)
    assert (one["accuracy_percent_low"], one["accuracy_percent_high"]) == pytest.approx((100 * low, 100 * high))


def test_methods_are_compared_at_equal_cost():
    """`filter` at 50 % of the parameters is its level 50; `weight` never costs less than the parent there."""
    outcomes, summary, demand = experiment()
    levels = comparison.compare(outcomes, summary, demand, 1.0, 0.95)["levels"]
    singles = budgets.compare_at_budgets(outcomes, levels, 0.95)
    at = singles[(singles["cost"] == "parameters") & (singles["budget_percent"] == 50)]
    assert at["method"].tolist() == ["filter"]
    assert at["accuracy_percent"].iloc[0] == pytest.approx(100 * outcomes.correct["filter", 50].mean())
    stored = singles[(singles["cost"] == "compressed_bytes") & (singles["budget_percent"] == 75)]
    assert stored["method"].tolist() == ["filter", "weight"] and stored["among_best"].tolist()[1]
    assert at["interpolated"].tolist() == [False] and stored["interpolated"].tolist() == [False, False]
    assert singles.loc[(singles["cost"] == "macs") & (singles["budget_percent"] == 50), "interpolated"].tolist() == [True]


def test_a_method_that_is_clearly_worse_is_told_apart_and_equals_are_not():
    outcomes, summary, demand = experiment(lost={"filter": {50: 0}, "weight": {50: 0.01}, "worse": {50: 5}})
    summary = summary.assign(macs=summary["level_percent"].map({0: 2e6, 50: 1e6}))
    levels = comparison.compare(outcomes, summary, demand, 1.0, 0.95)["levels"]
    rows = (
        budgets.compare_at_budgets(outcomes, levels, 0.95)
        .query("cost == 'macs' and budget_percent == 50")
        .set_index("method")
    )
    assert rows["among_best"].to_dict() == {"filter": True, "weight": True, "worse": False}


def test_predictions_are_read_and_must_be_of_the_same_objects(tmp_path):
    outcomes, summary, _ = experiment(seeds=2, objects=30)
    write_predictions(outcomes, tmp_path)
    found = comparison.load_outcomes(summary, tmp_path)
    assert found.seeds == [0, 1] and found.classes == CLASSES and list(found.correct)[0] == ("parent", 0)
    assert all(np.array_equal(found.correct[key], own) for key, own in outcomes.correct.items())
    with pytest.raises(InputError, match="weight 80 % lacks a seed"):
        comparison.load_outcomes(summary.drop(summary.index[-1]), tmp_path)
    path = tmp_path / "seed1/weight/level050/predictions.npz"
    stored = dict(np.load(path))
    np.savez(path, **{**stored, "files": stored["files"][::-1]})
    with pytest.raises(InputError, match="level050/predictions.npz: tested on other objects than the rest; delete it"):
        comparison.load_outcomes(summary, tmp_path)
