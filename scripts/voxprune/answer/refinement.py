"""Finer levels where they matter: between the last level that keeps the parent's accuracy and the first that loses it."""

import math

import pandas as pd

from voxprune.core.errors import InputError


def gaps(summary: pd.DataFrame, tolerance_points: float) -> dict[str, tuple[int, int] | None]:
    """For each method the levels (kept, lost) between which accuracy is lost, or None where no level loses it.

    summary: a table with method, level_percent, seed, validation_accuracy_percent. A level keeps accuracy when its mean
    over seeds is at most `tolerance_points` below the parents'. Judged on validation objects, never on test objects.
    Raises InputError where no validation objects were kept apart.
    """
    if summary["validation_accuracy_percent"].isna().any():
        raise InputError("levels are chosen on validation objects, but there are none; set `training: validation_share`")
    accuracy = summary.groupby(["method", "level_percent"])["validation_accuracy_percent"].mean()
    least = accuracy["parent"].iloc[0] - tolerance_points
    found = {}
    for method in summary["method"].unique():
        if method == "parent":
            continue
        levels = accuracy[method].sort_index()
        lost = next((level for level, value in levels.items() if value < least), None)
        kept = max([level for level in levels.index if lost is not None and level < lost], default=0)
        found[method] = None if lost is None else (kept, lost)
    return found


def next_level(kept: int, lost: int) -> int | None:
    """The whole percent halfway between, None where the gap is 1 already."""
    return None if lost - kept <= 1 else math.floor((kept + lost) / 2)
