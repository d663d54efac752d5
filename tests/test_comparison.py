"""Comparisons: known truths are found, budgets are equal, and nothing but stored predictions is needed."""

import warnings

import numpy as np
import pandas as pd
import pytest

from made_up import CLASSES, experiment, write_predictions
from voxprune.answer import comparison, statistics
from voxprune.core.errors import InputError


def levels_of(**options):
    outcomes, summary, demand = experiment(**options)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return comparison.compare_levels(outcomes, summary, demand, 1.0, 0.95).set_index(["method", "level_percent"])


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


def test_time_is_that_of_the_job_that_measured_parent_and_child_side_by_side():
    """On another day, in another job, the same parent takes longer: that makes no network faster."""
    outcomes, summary, demand = experiment()
    demand.loc[demand["method"] == "parent", "latency_ms.p50"] *= 1.2
    found = comparison.costs(summary, demand)["latency_ms"]
    assert found["weight", 50] == found["parent", 0] == 24 and found["filter", 50] == pytest.approx(24 * 0.6)


def test_energy_inside_the_noise_is_the_parents():
    outcomes, summary, demand = experiment()
    filters = demand["method"] == "filter"
    demand["energy_mj_per_inference"], demand["energy_noise_percent"] = 5.0, 4.0
    demand["energy_share"] = np.where(filters, 0.5, 1.03)
    found = comparison.costs(summary, demand)["energy_mj"]
    assert found["weight", 50] == found["parent", 0] == 5 and found["filter", 50] == 2.5


def test_seeds_that_disagree_about_the_speed_are_judged_together():
    outcomes, summary, demand = experiment()
    other = demand.assign(**{"seed": 1, "speedup.mean": 0.9, "speedup.low": 0.1, "speedup.verdict": "no difference"})
    row = comparison.costs(summary, pd.concat([demand, other], ignore_index=True)).loc[("filter", 50)]
    assert row["speedup_verdict"] == "no difference" and row["latency_ms"] == 20


def test_a_method_that_trains_on_starts_from_its_own_level_0():
    """Between its levels 0 and 50, both always right, it is never worse than that."""
    outcomes, summary, demand = experiment(lost={"filter": {0: 0, 50: 0}}, right=0.7)
    for level in (0, 50):
        outcomes.correct["filter", level][:] = True
    levels = comparison.compare_levels(outcomes, summary, demand, 1.0, 0.95)
    singles, _ = comparison.compare_at_budgets(outcomes, levels, 0.95)
    assert singles["accuracy_percent"].unique() == [100]


def test_where_every_level_collapses_tables_have_columns_all_the_same():
    outcomes, summary, demand = experiment(lost={"filter": {100: 90}})
    levels = comparison.compare_levels(outcomes, summary, demand, 1.0, 0.95)
    assert list(comparison.hypervolumes(outcomes, levels)) == ["cost"]
    assert [list(table) for table in comparison.compare_at_budgets(outcomes, levels, 0.95)] == [["cost"]] * 2


def test_too_little_data_is_undecided_and_says_what_would_decide():
    row = levels_of(seeds=3, objects=150, lost={"weight": {50: 1}}).loc[("weight", 50)]
    assert row["verdict"] == "undecided" and row["detectable_drop_points"] > 1
    assert row["seeds_needed"] is None or row["seeds_needed"] > 3 or np.isnan(row["seeds_needed"])


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
    known = levels.drop(columns=["p_holm", "seeds_needed", "energy_mj", "unit", "apply"])
    assert not known.isna().any().any()
    assert set(levels["verdict"]) <= {"parent", "non-inferior", "inferior", "undecided"}
    assert levels["difference_points"].between(levels["difference_points_low"], levels["difference_points_high"]).all()


def test_a_collapsed_level_is_inferior_and_costs_the_others_no_power():
    levels = levels_of(lost={"filter": {10: 0, 100: 90}})
    assert levels.loc[("filter", 100), "verdict"] == "inferior"
    assert levels.loc[("filter", 10), "p_holm"] == levels.loc[("filter", 10), "p_non_inferior"]


def test_a_level_better_than_the_parent_is_non_inferior():
    outcomes, summary, demand = experiment(lost={"filter": {10: 0}}, right=0.7)
    outcomes.correct["filter", 10][:] = True
    row = comparison.compare_levels(outcomes, summary, demand, 1.0, 0.95).set_index("method").loc["filter"]
    assert row["verdict"] == "non-inferior" and row["difference_points_low"] > 25


def test_every_object_is_compared_by_class_and_by_seed():
    outcomes, *_ = experiment(seeds=2, objects=60)
    classes, seeds = comparison.compare_classes(outcomes, 0.95), comparison.compare_seeds(outcomes, 0.95)
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
    levels = comparison.compare_levels(outcomes, summary, demand, 1.0, 0.95)
    singles, pairs = comparison.compare_at_budgets(outcomes, levels, 0.95)
    at = singles[(singles["cost"] == "parameters") & (singles["budget_percent"] == 50)]
    assert at["method"].tolist() == ["filter"]
    assert at["accuracy_percent"].iloc[0] == pytest.approx(100 * outcomes.correct["filter", 50].mean())
    stored = singles[(singles["cost"] == "compressed_bytes") & (singles["budget_percent"] == 75)]
    assert stored["method"].tolist() == ["filter", "weight"] and stored["among_best"].tolist()[1]
    pair = pairs[(pairs["cost"] == "compressed_bytes") & (pairs["budget_percent"] == 75)].iloc[0]
    found = statistics.difference(outcomes.correct["filter", 50], outcomes.correct["weight", 50])
    assert (pair["method"], pair["other"]) == ("filter", "weight")
    assert pair["difference_points"] == pytest.approx(100 * found.mean)


def test_fronts_and_hypervolumes():
    outcomes, summary, demand = experiment(lost={"filter": {50: 0, 80: 20}, "weight": {50: 5}})
    levels = comparison.compare_levels(outcomes, summary, demand, 1.0, 0.95)
    fronts = comparison.fronts(levels).set_index(["method", "level_percent"])
    assert fronts["front_macs"].to_dict() == {
        ("parent", 0): False, ("filter", 50): True, ("filter", 80): True, ("weight", 50): False,
    }  # fmt: skip
    volumes = comparison.hypervolumes(outcomes, levels).set_index(["cost", "method"])["hypervolume"]
    assert volumes["macs", "filter"] > volumes["macs", "weight"] == 0


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
