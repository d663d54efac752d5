"""Power: how often an experiment of some size would show that a network is non-inferior which loses nothing."""

from collections.abc import Iterable
from dataclasses import astuple, replace

import numpy as np
import pandas as pd
from scipy import special

from voxprune.answer.comparison import PARENT, Outcomes, methods_that_share
from voxprune.answer.statistics import Spread, spread_of_difference

SEEDS = (3, 6, 10, 20)  # that a plan tells the power of
# What is assumed before anything is trained: pruned and trained again, small voxel networks answered 2 to 8 % of the objects
# otherwise than their parents, and seeds differed by 0.3 points beyond that (docs/statistics.md).
DISAGREEMENT_PERCENT = 4.0
SEED_SD_POINTS = 0.3
DRAWS = 400


def power(seeds: int, objects: int, margin_points: float, strictness: float, spread: Spread) -> float:
    """The share of experiments in which the first level of a method is shown, if it loses nothing: 0 to 1.

    The cautious test of `statistics.difference`, with the seeds' mean square drawn from its chi-square distribution and the others
    taken as expected, the half pairs that the test adds included. strictness: the error the test is allowed.
    """
    chances = (np.arange(DRAWS) + 0.5) / DRAWS if seeds > 1 else np.full(1, 0.5)
    of_objects = spread.rest + seeds * spread.objects + seeds / (objects + 1)
    if seeds == 1:
        parts, freedoms = np.array([[of_objects]]), [max(1, objects - 1)]
    else:
        of_seeds = (spread.rest + objects * spread.seeds) * special.chdtri(seeds - 1, 1 - chances) / (seeds - 1)
        parts = np.stack([np.maximum(of_seeds, spread.rest), *(np.full(DRAWS, one) for one in (of_objects, -spread.rest))])
        freedoms = [seeds - 1, max(1, objects - 1), (seeds - 1) * max(1, objects - 1)]
    total = parts.sum(axis=0)
    freedom = np.maximum(1, total**2 / (parts**2 / np.array(freedoms)[:, None]).sum(axis=0))
    reach = margin_points / 100 + special.stdtrit(freedom, strictness) * np.sqrt(total / (seeds * objects))
    truth = np.sqrt((spread.seeds if seeds > 1 else 0) / seeds + spread.objects / objects + spread.rest / (seeds * objects))
    return float(special.ndtr(reach / max(truth, 1e-12)).mean())


def assumed_spread(disagreement_percent: float = DISAGREEMENT_PERCENT, seed_sd_points: float = SEED_SD_POINTS) -> Spread:
    """The Spread where so many percent of the answers change, half to right and half to wrong, and seeds differ by so much."""
    return Spread((seed_sd_points / 100) ** 2, 0.0, disagreement_percent / 100)


def power_by_seeds(
    objects: int, methods: int, margin_points: float, allowed: float, spread: Spread, seeds: Iterable[int] = SEEDS
) -> pd.DataFrame:
    """A row a number of seeds: `seeds`, `power_percent` of the first level of a method. allowed: the error of all methods together."""
    shares = [100 * power(count, objects, margin_points, allowed / methods, spread) for count in seeds]
    return pd.DataFrame({"seeds": list(seeds), "power_percent": shares})


def power_found(outcomes: Outcomes, levels: pd.DataFrame, margin_points: float, allowed: float) -> pd.DataFrame:
    """`power_by_seeds` with the spread that was found at the methods' first levels; the experiment's own number of seeds among the rows.

    levels: from `comparison.compare`. allowed: the error of all methods together. From one seed, what seeds differ by is assumed.
    """
    tested = levels[(levels["method"] != "parent") & ~levels["collapsed"] & (levels["level_percent"] > 0)]
    first = tested.groupby("method", sort=False)["level_percent"].first().items()
    found = [spread_of_difference(outcomes.correct[key], outcomes.correct[PARENT]) for key in first]
    assumed, count = assumed_spread(), len(outcomes.seeds)
    spread = Spread(*np.mean([astuple(one) for one in found or [assumed]], axis=0).tolist())
    if count == 1:
        spread = replace(spread, seeds=assumed.seeds)
    return power_by_seeds(
        len(outcomes.labels), len(methods_that_share(levels)), margin_points, allowed, spread, sorted({count, *SEEDS})
    )
