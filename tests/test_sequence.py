"""Levels in sequence: brute force agrees, one level a method is Holm, and no set of truths is wrongly called safe too often."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from voxprune.answer import sequence, statistics

chains = st.lists(st.lists(st.floats(0, 1), min_size=1, max_size=4), min_size=1, max_size=4)


def shown_by_hand(p_values, allowed):
    """The procedure step by step: equal shares, the next level of any method that passes, shares handed over at the end."""
    places, open_methods = [0] * len(p_values), set(range(len(p_values)))
    while True:
        share = allowed / len(open_methods) if open_methods else 0
        passed = next((one for one in open_methods if p_values[one][places[one]] <= share), None)
        if passed is None:
            return places
        places[passed] += 1
        if places[passed] == len(p_values[passed]):
            open_methods.discard(passed)


@given(chains, st.sampled_from([0.01, 0.05, 0.2, 0.5]))
def test_a_level_is_shown_where_the_procedure_step_by_step_shows_it(p_values, allowed):
    """Floating-point ties aside: allowed is moved a hair up in one and down in the other."""
    adjusted = sequence.adjusted(p_values)
    for hair, agrees in ((1 - 1e-9, np.less_equal), (1 + 1e-9, np.greater_equal)):
        by_hand = shown_by_hand(p_values, allowed * hair)
        counted = [int(sum(p <= allowed for p in values)) for values in adjusted]
        assert agrees(by_hand, counted).all()


@given(chains)
def test_adjusted_values_rise_with_the_level_and_never_lie_below_the_raw_ones(p_values):
    for raw, adjusted in zip(p_values, sequence.adjusted(p_values)):
        assert (np.diff(adjusted) >= 0).all() and (np.array(adjusted) >= np.array(raw) - 1e-12).all() and max(adjusted) <= 1


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_one_level_a_method_is_holms_correction(p_values):
    adjusted = [values[0] for values in sequence.adjusted([[p] for p in p_values])]
    assert adjusted == pytest.approx(statistics.holm(p_values))


def test_a_method_that_is_through_hands_its_share_over():
    p_values = [[0.01, 0.02], [0.04, 0.3], [0.2]]
    adjusted = sequence.adjusted(p_values)
    assert adjusted == [pytest.approx([0.03, 0.06]), pytest.approx([0.08, 0.4]), pytest.approx([0.4])]
    assert sequence.strictness(adjusted, 0.06) == pytest.approx([0.02, 0.03, 0.03])
    assert sequence.strictness(adjusted, 0.05) == pytest.approx([0.05 / 3] * 3)


@pytest.mark.parametrize("truths", [[[0, 0, 0], [0, 0, 0]], [[3, 0, 0], [3, 3, 0]], [[3, 0, 3], [0, 3, 3]]])
def test_the_chance_of_any_wrong_level_stays_below_what_is_allowed(truths):
    """truths: how far each level lies inside the margin, in standard errors; 0 lies just on it, and mustn't be shown."""
    rng, wrong, experiments = np.random.default_rng(0), 0, 4000
    for _ in range(experiments):
        p_values = [stats.norm.sf(rng.normal(chain)).tolist() for chain in truths]
        shown = [[p <= 0.05 for p in values] for values in sequence.adjusted(p_values)]
        wrong += any(is_shown and truth == 0 for found, chain in zip(shown, truths) for is_shown, truth in zip(found, chain))
    assert wrong / experiments <= 0.05 + 3 * (0.05 * 0.95 / experiments) ** 0.5
