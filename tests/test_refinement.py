"""Refinement: the gap is found on validation accuracy, halved, and closed at one percent."""

import pandas as pd
import pytest

from voxprune.answer.refinement import gaps, next_level
from voxprune.core.errors import InputError


def summary(levels, parent=90.0):
    rows = [{"method": "parent", "level_percent": 0, "seed": 0, "validation_accuracy_percent": parent}]
    rows += [{"method": "filter", "level_percent": level, "seed": 0, "validation_accuracy_percent": value}
             for level, value in levels.items()]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize("levels, gap", [
    ({10: 90, 20: 89, 30: 80, 40: 90}, (20, 30)),
    ({10: 50}, (0, 10)),
    ({10: 95, 20: 89.5}, None),
])  # fmt: skip
def test_the_gap_lies_before_the_first_level_that_loses(levels, gap):
    assert gaps(summary(levels), 1.0) == {"filter": gap}


def test_seeds_are_averaged():
    table = pd.concat([summary({10: 92}), summary({10: 87}).assign(seed=1)])
    assert gaps(table, 1.0) == {"filter": None}


def test_without_validation_objects_nothing_is_chosen():
    with pytest.raises(InputError, match="validation_share"):
        gaps(summary({10: None}), 1.0)


def test_halving_ends_at_one_percent():
    kept, lost, steps = 40, 50, 0
    while (level := next_level(kept, lost)) is not None:
        kept, lost, steps = (level, lost, steps + 1) if level < 47 else (kept, level, steps + 1)
    assert (kept, lost) == (46, 47) and steps <= 4
