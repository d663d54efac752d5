"""Statistics: intervals cover as often as they claim, and differences count only outside the noise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from voxprune.answer import statistics
from voxprune.measurement.noise import Ratio, paired_ratio, percent_apart, verdict


def test_a_ratio_is_paired_by_round():
    """A slow round slows both: it doesn't widen the interval."""
    ratio = paired_ratio([2.0, 20.0, 6.0], [1.0, 10.0, 3.0])
    assert (ratio.mean, ratio.low, ratio.high) == pytest.approx((2, 2, 2))


@given(st.lists(st.tuples(st.floats(0.1, 100), st.floats(0.1, 100)), min_size=2, max_size=8))
def test_turning_a_ratio_round_turns_its_interval_round(pairs):
    one, other = zip(*pairs)
    there, back = paired_ratio(one, other), paired_ratio(other, one)
    assert there.low <= there.mean <= there.high
    assert (1 / there.mean, 1 / there.high, 1 / there.low) == pytest.approx((back.mean, back.low, back.high), rel=1e-6)


def test_the_interval_covers_the_truth_95_times_in_100():
    rng = np.random.default_rng(0)
    ratios = [paired_ratio(2 * rng.lognormal(0, 0.2, 5), rng.lognormal(0, 0.2, 5)) for _ in range(2000)]
    assert 0.935 <= np.mean([ratio.low <= 2 <= ratio.high for ratio in ratios]) <= 0.965


def test_a_single_round_has_no_interval():
    ratio = paired_ratio([2.0], [1.0])
    assert ratio.mean == 2 and np.isnan([ratio.low, ratio.high]).all() and verdict(ratio, 0) == "no difference"


def test_one_disturbed_round_of_ten_decides_nothing():
    """A tenth is left out at each end; without it, the interval would hold everything."""
    rng = np.random.default_rng(0)
    own, parent = rng.lognormal(0, 0.01, (2, 10))
    quiet, disturbed = paired_ratio(2 * parent, own), paired_ratio(2 * parent, np.where(np.arange(10) == 4, 20 * own, own))
    assert 1.95 < disturbed.low and disturbed.high < 2.05 and disturbed.mean == pytest.approx(quiet.mean, rel=0.02)


def test_the_trimmed_interval_covers_the_truth_95_times_in_100():
    rng = np.random.default_rng(0)
    ratios = [paired_ratio(2 * rng.lognormal(0, 0.2, 10), rng.lognormal(0, 0.2, 10)) for _ in range(2000)]
    assert 0.935 <= np.mean([ratio.low <= 2 <= ratio.high for ratio in ratios]) <= 0.965


def test_how_far_the_parent_lies_from_itself_is_told_whichever_way():
    assert percent_apart(Ratio(1.25, 1, 2)) == pytest.approx(25) == pytest.approx(percent_apart(Ratio(0.8, 0.5, 1)))


@pytest.mark.parametrize("low, high, noise, said", [
    (1.2, 1.4, 10, "faster"), (1.05, 1.4, 10, "no difference"), (0.8, 1.4, 0, "no difference"),
    (0.7, 0.8, 10, "slower"), (0.7, 0.95, 10, "no difference"),
])  # fmt: skip
def test_a_difference_counts_outside_the_least_that_does(low, high, noise, said):
    assert verdict(Ratio((low * high) ** 0.5, low, high), noise) == said


# ---- accuracy over seeds and test objects --------------------------------------------------------------------------


def test_wilsons_interval_is_the_published_one():
    """Newcombe (1998), Table I, method 3: 81 of 263 gives 0.2553 to 0.3662; 0 of 20 gives 0 to 0.1611."""
    assert statistics.wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert statistics.wilson(0, 20) == pytest.approx((0, 0.1611), abs=5e-5)


def test_one_seed_is_the_t_interval_over_objects():
    values = np.random.default_rng(0).random((1, 40))
    found = statistics.crossed_mean(values)
    expected = stats.t.interval(0.95, 39, values.mean(), stats.sem(values[0]))
    assert (found.low, found.high) == pytest.approx(expected) and found.freedom == 39


def test_equal_objects_leave_the_t_interval_over_seeds():
    by_seed = np.array([0.5, 0.7, 0.9, 0.4])
    found = statistics.crossed_mean(np.repeat(by_seed[:, None], 30, axis=1))
    expected = stats.t.interval(0.95, 3, by_seed.mean(), stats.sem(by_seed))
    assert (found.low, found.high) == pytest.approx(expected) and found.freedom == pytest.approx(3)


def test_seeds_that_agree_by_chance_leave_an_interval_for_new_objects():
    """Three seeds lose and gain other objects each, equally many: the sum of the mean squares is negative here."""
    values = np.zeros((3, 60))
    for seed in range(3):
        values[seed, 10 * seed : 10 * seed + 5], values[seed, 30 + 10 * seed : 33 + 10 * seed] = -1, 1
    found, squares = statistics.crossed_mean(values), statistics.mean_squares(values)
    assert squares.seeds + squares.objects < squares.rest
    expected = stats.t.interval(0.95, 59, values.mean(), stats.sem(values.mean(axis=0)))
    assert (found.low, found.high) == pytest.approx(expected)


def simulated(rng, seeds, objects, drop, experiments):
    """Correctness (experiments, seeds, objects) of parents and children whose difficulty and seeds vary."""
    hard = rng.normal(0, 1, (experiments, 1, objects))
    parent_luck, child_luck = rng.normal(0, 0.1, (2, experiments, seeds, 1))
    noise = rng.normal(0, 0.5, (2, experiments, seeds, objects))
    parent, child = hard + parent_luck + noise[0] + 1.5, hard + child_luck + noise[1] + 1.5 - drop
    return parent > 0, child > 0


@pytest.mark.parametrize("seeds, most", [(2, 1.0), (3, 0.97), (6, 0.97)])
@pytest.mark.parametrize("drop", [0.0, 0.3])
def test_intervals_cover_the_truth_95_times_in_100(seeds, most, drop):
    """2,000 experiments, each with seeds and objects of its own; the truth from the same model in closed form.

    Two seeds tell so little of their variance that their intervals are wider than they would need to be.
    """
    rng, spread = np.random.default_rng(seeds), np.sqrt(1 + 0.1**2 + 0.5**2)
    truth = stats.norm.cdf((1.5 - drop) / spread) - stats.norm.cdf(1.5 / spread)
    covered = []
    for _ in range(20):
        parents, children = simulated(rng, seeds, 300, drop, 100)
        for parent, child in zip(parents, children):
            found = statistics.difference(child, parent)
            covered.append(found.low <= truth <= found.high)
    assert 0.93 <= np.mean(covered) <= most


def test_the_interval_of_an_accuracy_covers_the_truth():
    rng, truth = np.random.default_rng(1), stats.norm.cdf(1.5 / np.sqrt(1 + 0.1**2 + 0.5**2))
    found = [statistics.accuracy(one) for _ in range(20) for one in simulated(rng, 3, 300, 0, 100)[0]]
    assert 0.93 <= np.mean([one.low <= truth <= one.high for one in found]) <= 0.97


def test_a_true_loss_of_the_margin_passes_once_in_twenty():
    """Non-inferiority is claimed wrongly in at most 5 of 100 experiments, whose true loss is the margin itself."""
    rng, spread = np.random.default_rng(2), np.sqrt(1 + 0.1**2 + 0.5**2)
    margin = stats.norm.cdf(1.5 / spread) - stats.norm.cdf(1.2 / spread)
    claimed = []
    for _ in range(20):
        for parent, child in zip(*simulated(rng, 3, 300, 0.3, 100)):
            claimed.append(statistics.non_inferiority(statistics.difference(child, parent), 100 * margin) <= 0.05)
    assert 0.03 <= np.mean(claimed) <= 0.07


@pytest.mark.parametrize("seeds", [3, pytest.param(6, marks=pytest.mark.slow)])
def test_a_cautious_test_keeps_its_level_far_out_in_the_tail(seeds):
    """Where Holm's correction asks for p below 0.05 / 30, three seeds that agree by chance would pass too often."""
    rng, spread, level = np.random.default_rng(4), np.sqrt(1 + 0.1**2 + 0.5**2), 0.05 / 30
    margin = stats.norm.cdf(1.5 / spread) - stats.norm.cdf(1.2 / spread)
    passed = {True: 0, False: 0}
    for _ in range(40):
        for parent, child in zip(*simulated(rng, seeds, 300, 0.3, 100)):
            for conservative in passed:
                found = statistics.difference(child, parent, conservative=conservative)
                passed[conservative] += statistics.non_inferiority(found, 100 * margin) <= level
    assert passed[True] <= 4000 * level < passed[False]


def test_equal_answers_to_few_objects_are_no_certainty():
    same = np.ones((1, 24), dtype=bool)
    found = statistics.difference(same, same)
    assert found.mean == 0 and found.low < -0.01
    assert statistics.non_inferiority(found, 1.0) > 0.05
    assert statistics.non_inferiority(statistics.difference(np.ones((3, 10_000)), np.ones((3, 10_000))), 1.0) < 0.001


def test_mcnemar_is_the_exact_binomial():
    """Example of Fagerland et al. (2013): 1 and 7 discordant pairs give p = 0.0703."""
    parent = np.array([True] + [False] * 7 + [True] * 10)
    child = np.array([False] + [True] * 7 + [True] * 10)
    assert statistics.mcnemar(child, parent) == (1, 7, pytest.approx(0.0703, abs=5e-5))
    assert statistics.mcnemar(parent, parent) == (0, 0, 1.0)


@given(st.integers(1, 400).flatmap(lambda count: st.tuples(st.integers(0, count), st.just(count))), st.floats(0.5, 300))
def test_shares_pairs_and_tails_are_those_of_scipys_distributions(found, freedom):
    """They are computed by SciPy's special functions, which load five times as fast as its distributions."""
    correct, count = found
    expected = stats.binomtest(correct, count).proportion_ci(0.95, method="wilson")
    assert statistics.wilson(correct, count) == pytest.approx(tuple(expected), abs=1e-12)
    child = np.arange(count) < correct
    assert statistics.mcnemar(child, ~child)[2] == pytest.approx(stats.binomtest(correct, count).pvalue)
    estimate = statistics.Estimate(correct / count, 0.3, freedom, 0, 1)
    assert statistics.non_inferiority(estimate, 1) == pytest.approx(stats.t.sf((correct / count + 0.01) / 0.3, freedom))
    expected = max(-1, correct / count - stats.t.isf(0.01, freedom) * 0.3)
    assert statistics.at_worst(estimate, 0.01) == pytest.approx(expected)


def test_holms_adjustment_is_the_published_example():
    """R's p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")."""
    assert statistics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert statistics.holm([0.9, 0.8]) == [1, 1] and statistics.holm([]) == []


def test_the_bound_lies_above_the_margin_exactly_where_the_test_passes():
    rng = np.random.default_rng(4)
    for parent, child in zip(*simulated(rng, 3, 200, 0.02, 50)):
        found = statistics.difference(child, parent, conservative=True)
        for allowed in (0.05, 0.01):
            passes = statistics.non_inferiority(found, 3.0) <= allowed
            assert passes == (statistics.at_worst(found, allowed) >= -0.03)


@pytest.mark.parametrize("count, of, most", [(0, 3, 0.632), (0, 6, 0.393), (0, 10, 0.259), (1, 6, 0.582), (3, 3, 1.0)])
def test_the_share_of_new_seeds_that_may_break_is_the_exact_bound(count, of, most):
    """Clopper and Pearson (1934), one-sided 95 %: of none seen 1 - 0.05^(1/n)."""
    assert statistics.share_at_most(count, of) == pytest.approx(most, abs=5e-4)


# ---- cost against accuracy -----------------------------------------------------------------------------------------


def test_values_between_levels_are_interpolated():
    costs, values = [10, 2, 6], [[1.0], [0.0], [0.5]]
    assert [statistics.at_cost(costs, values, cost)[0] for cost in (10, 8, 6, 2)] == [1, 0.75, 0.5, 0]
    assert statistics.at_cost(costs, values, 1) is None and statistics.at_cost(costs, values, 11) is None
