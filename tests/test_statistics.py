"""Statistics: intervals that hold what they promise, differences only outside the noise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxprune.statistics import Ratio, noise_percent, paired_ratio, verdict


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


def test_the_noise_floor_is_the_worst_round():
    assert noise_percent([10, 10, 12], [10, 11, 10]) == pytest.approx(20)
    assert noise_percent([10, 11, 10], [10, 10, 12]) == pytest.approx(20)
    assert noise_percent([10, 10], [10, 10]) == 0


@pytest.mark.parametrize("low, high, noise, said", [
    (1.2, 1.4, 10, "faster"), (1.05, 1.4, 10, "no difference"), (0.8, 1.4, 0, "no difference"),
    (0.7, 0.8, 10, "slower"), (0.7, 0.95, 10, "no difference"),
])  # fmt: skip
def test_a_difference_is_one_outside_the_noise(low, high, noise, said):
    assert verdict(Ratio((low * high) ** 0.5, low, high), noise) == said
