"""Finer levels where they matter: between the last level that keeps the parent's accuracy and the first that loses it."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import isotonic_regression

from voxprune.answer.power import DISAGREEMENT_PERCENT
from voxprune.core.errors import InputError


@dataclass(frozen=True)
class Gap:
    """Levels in percent between which a method loses accuracy, and by how many points the fitted accuracy drops there."""

    kept: int
    lost: int
    drop_points: float


def gaps(summary: pd.DataFrame, tolerance_points: float) -> dict[str, Gap | None]:
    """The Gap of each method, None where no level loses accuracy.

    summary: a table with method, level_percent, seed, validation_accuracy_percent, n_validation. A level keeps accuracy when its
    mean over seeds lies at most `tolerance_points` below the parents', on a curve that never rises with the level (isotonic
    regression): a single dip is no edge. Judged on validation objects, never on test objects.
    Raises InputError where no validation objects were kept apart.
    """
    if summary["validation_accuracy_percent"].isna().any():
        raise InputError("levels are chosen on validation objects, but there are none; set `training: validation_share`")
    accuracy = summary.groupby(["method", "level_percent"])["validation_accuracy_percent"].mean()
    parent = accuracy["parent"].iloc[0]
    return {name: _gap(accuracy[name], parent, tolerance_points) for name in summary["method"].unique() if name != "parent"}


def _gap(accuracy, parent, tolerance_points):
    """accuracy: of one method, by level."""
    points = pd.concat([pd.Series({0: parent}), accuracy[accuracy.index != 0]]).sort_index()
    fitted = isotonic_regression(points.to_numpy(float), weights=np.where(points.index == 0, 1e6, 1.0), increasing=False).x
    lost = next((place for place, value in enumerate(fitted) if value < parent - tolerance_points), None)
    if lost is None:
        return None
    return Gap(int(points.index[lost - 1]), int(points.index[lost]), float(fitted[lost - 1] - fitted[lost]))


def resolution_points(summary: pd.DataFrame) -> float:
    """The least difference in points that the validation objects of all seeds can show: two standard errors of a paired difference."""
    parent = summary[summary["method"] == "parent"]
    return 200 * math.sqrt(DISAGREEMENT_PERCENT / 100 / parent["n_validation"].sum())


def next_level(gap: Gap, resolution: float) -> int | None:
    """The whole percent halfway, None where the gap is 1 already, or holds no difference that validation objects can show."""
    if gap.lost - gap.kept <= 1 or gap.drop_points < resolution:
        return None
    return math.floor((gap.kept + gap.lost) / 2)
