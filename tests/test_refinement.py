"""Refinement: the gap is found on validation accuracy, halved, and closed where validation objects show no more."""

import pandas as pd
import pytest

from voxprune.answer.refinement import Gap, gaps, next_level, resolution_points
from voxprune.core.errors import InputError


def summary(levels, parent=90.0, objects=400):
    rows = [{"method": "parent", "level_percent": 0, "validation_accuracy_percent": parent}]
    rows += [{"method": "filter", "level_percent": level, "validation_accuracy_percent": value}
             for level, value in levels.items()]  # fmt: skip
    return pd.DataFrame(rows).assign(seed=0, n_validation=objects)


@pytest.mark.parametrize("levels, gap", [
    ({10: 90, 20: 89, 30: 80, 40: 70}, Gap(20, 30, 9.0)),
    ({10: 50}, Gap(0, 10, 40.0)),
    ({10: 95, 20: 89.5}, None),
    ({10: 88.8, 20: 90.2, 30: 80}, Gap(20, 30, 9.5)),  # a dip that the next level doesn't share is no edge
])  # fmt: skip
def test_the_gap_lies_before_the_first_level_that_loses(levels, gap):
    found = gaps(summary(levels), 1.0)["filter"]
    assert found == (gap and Gap(gap.kept, gap.lost, pytest.approx(gap.drop_points, abs=0.01)))


def test_seeds_are_averaged():
    table = pd.concat([summary({10: 92}), summary({10: 87}).assign(seed=1)])
    assert gaps(table, 1.0) == {"filter": None}


def test_without_validation_objects_nothing_is_chosen():
    with pytest.raises(InputError, match="validation_share"):
        gaps(summary({10: None}), 1.0)


def test_halving_ends_at_one_percent():
    kept, lost, steps = 40, 50, 0
    while (level := next_level(Gap(kept, lost, 5.0), 1.0)) is not None:
        kept, lost, steps = (level, lost, steps + 1) if level < 47 else (kept, level, steps + 1)
    assert (kept, lost) == (46, 47) and steps <= 4


def test_halving_ends_where_validation_objects_show_no_difference():
    """400 objects of which 4 % change their answer: a standard error of 1 point."""
    assert resolution_points(summary({10: 90})) == pytest.approx(2.0)
    assert next_level(Gap(20, 30, 1.9), 2.0) is None and next_level(Gap(20, 30, 2.1), 2.0) == 25
