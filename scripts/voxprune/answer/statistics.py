"""What measurements and predictions allow to say: intervals and tests. Numbers in, numbers out."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import special

from voxprune.measurement.noise import CONFIDENCE

HALF_PAIRS = (0.5**0.5, -(0.5**0.5))  # Agresti and Min's: half a pair in each cell of the paired table


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds and objects with its standard error, degrees of freedom and two-sided confidence interval."""

    mean: float
    error: float
    freedom: float
    low: float
    high: float


def wilson(correct: int, count: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson's interval of a share (Wilson 1927): (low, high)."""
    share, quantile = correct / count, float(special.ndtri((1 + confidence) / 2))
    centre = (correct + quantile**2 / 2) / (count + quantile**2)
    reach = quantile / (count + quantile**2) * (count * share * (1 - share) + quantile**2 / 4) ** 0.5
    return max(0.0, centre - reach), min(1.0, centre + reach)


def crossed_mean(values: Any, pseudo: Any = (), confidence: float = CONFIDENCE, conservative: bool = False) -> Estimate:
    """Mean of values (seeds, objects) where both seeds and objects are samples: a new seed and new objects, what then?

    Two-way random effects without replication: Var(mean) = (MS_seeds + MS_objects - MS_rest) / (S N), with Satterthwaite's
    degrees of freedom (Brennan 2001, Generalizability Theory, ch. 6). A bootstrap over seeds and objects is too narrow for
    few seeds: three resampled seeds hold two thirds of their variance (benchmarks/interval_coverage.py shows both).
    From a single seed the interval speaks of that seed alone.
    The interval is at least as wide as one for new objects and these seeds alone: seeds that agree by chance can make the sum of the
    three small, and even negative.
    pseudo: values of objects added for the interval only, so that equal answers to few objects don't look like certainty.
    conservative: MS_seeds counts as at least MS_rest, which it is in expectation. Few seeds may by chance agree; tests far out in
    the tail, as a correction for many tests asks for, keep their level only so. Intervals become wider than they claim.
    """
    values = np.asarray(values, float)
    padded = np.concatenate([values, np.broadcast_to(pseudo, (len(values), len(pseudo)))], axis=1)
    seeds, objects = padded.shape
    found = mean_squares(padded)
    if seeds == 1:
        parts, freedoms = [found.objects], [max(1, objects - 1)]
    else:
        of_seeds = found.seeds
        if conservative or seeds == 2:  # of two seeds 9 intervals of 10 would cover the truth, not 19 of 20
            of_seeds = max(of_seeds, found.rest)
        parts = [of_seeds, found.objects, -found.rest]
        freedoms = [seeds - 1, max(1, objects - 1), (seeds - 1) * max(1, objects - 1)]
    total, spread = max(0.0, sum(parts)), sum(part**2 / freedom for part, freedom in zip(parts, freedoms))
    freedom = max(1.0, total**2 / spread) if total else float(max(1, objects - 1))
    mean, error = float(values.mean()), float(np.sqrt(total / (seeds * objects)))
    of_objects = float(np.sqrt(found.objects / (seeds * objects)))
    reach = max(_reach(freedom, confidence) * error, _reach(max(1, objects - 1), confidence) * of_objects)
    return Estimate(mean, error, float(freedom), mean - reach, mean + reach)


def _reach(freedom, confidence):
    """How many standard errors an interval reaches to each side."""
    return float(special.stdtrit(freedom, (1 + confidence) / 2))


@dataclass(frozen=True)
class MeanSquares:
    """What values (seeds, objects) vary by: expected are rest + N Var(seeds), rest + S Var(objects), and rest."""

    seeds: float  # 0 of a single seed
    objects: float
    rest: float  # 0 of a single seed


def mean_squares(values: Any) -> MeanSquares:
    """MeanSquares of a two-way layout without replication. values: float (seeds, objects)."""
    values = np.asarray(values, float)
    seeds, objects = values.shape
    by_seed, by_object = values.mean(axis=1), values.mean(axis=0)
    of_objects = float(seeds * by_object.var(ddof=1)) if objects > 1 else 0.0
    if seeds == 1:
        return MeanSquares(0.0, of_objects, 0.0)
    rest = values - by_seed[:, None] - by_object + values.mean()
    return MeanSquares(
        float(objects * by_seed.var(ddof=1)), of_objects, float((rest**2).sum()) / ((seeds - 1) * max(1, objects - 1))
    )


def accuracy(correct: Any, confidence: float = CONFIDENCE) -> Estimate:
    """Estimate of the accuracy. correct: bool (seeds, objects). With Agresti and Coull's (1998) two successes and failures."""
    return _within(crossed_mean(correct, (1.0, 1.0, 0.0, 0.0), confidence), 0, 1)


def difference(child: Any, parent: Any, confidence: float = CONFIDENCE, conservative: bool = False) -> Estimate:
    """Estimate of child's accuracy minus parent's, paired by seed and object. bool (seeds, objects) each.

    With Agresti and Min's (2005) half a pair in each cell of the paired table. conservative: as in `crossed_mean`.
    """
    return _within(crossed_mean(_paired(child, parent), HALF_PAIRS, confidence, conservative), -1, 1)


@dataclass(frozen=True)
class Spread:
    """Variances of the difference of one object's correctness, of one seed: -1, 0 or 1."""

    seeds: float  # of the mean of a seed
    objects: float  # of the mean of an object, over seeds
    rest: float


def spread_of_difference(child: Any, parent: Any) -> Spread:
    """The variance components of child minus parent (Brennan 2001, ch. 3). bool (seeds, objects) each; of one seed all is rest."""
    found, (seeds, objects) = mean_squares(_paired(child, parent)), np.shape(child)
    if seeds == 1:
        return Spread(0.0, 0.0, found.objects)
    return Spread(max(0.0, found.seeds - found.rest) / objects, max(0.0, found.objects - found.rest) / seeds, found.rest)


def _paired(child, parent):
    return np.asarray(child, float) - np.asarray(parent, float)


def _within(estimate, least, most):
    """With the interval cut off where no value can be."""
    return replace(estimate, low=max(least, estimate.low), high=min(most, estimate.high))


def non_inferiority(estimate: Estimate, margin_points: float) -> float:
    """One-sided p-value of 'the accuracy is lower by the margin or more': small means that less than that is lost.

    margin_points: in points of percent, while the estimate holds shares from -1 to 1.

    estimate: of a `difference`, conservative where p is to be corrected for many tests.
    """
    return upper_tail((estimate.mean + margin_points / 100) / max(estimate.error, 1e-12), estimate.freedom)


def mcnemar(child: Any, parent: Any) -> tuple[int, int, float]:
    """Exact two-sided McNemar test of one seed: (lost, gained, p). bool (objects,) each."""
    child, parent = np.asarray(child, bool), np.asarray(parent, bool)
    lost, gained = int((parent & ~child).sum()), int((child & ~parent).sum())
    return lost, gained, min(1.0, 2 * float(special.bdtr(min(lost, gained), lost + gained, 0.5)))


def upper_tail(value: float, freedom: float) -> float:
    """The probability that Student's t is greater than a value."""
    return float(special.stdtr(freedom, -value))


def holm(values: Any) -> list[float]:
    """Holm's (1979) adjustment of p-values for all being tested at once, in their order."""
    values = np.asarray(values, float)
    order = values.argsort(kind="stable")
    adjusted = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1)).clip(max=1)
    found = np.empty_like(adjusted)
    found[order] = adjusted
    return found.tolist()


def at_cost(costs: Any, values: Any, cost: float) -> np.ndarray | None:
    """Values at a cost between levels, linear between the two nearest; None outside what was measured.

    costs: (levels,). values: (levels, ...) such as the correctness of each seed and object.
    """
    order = np.argsort(costs, kind="stable")
    costs, values = np.asarray(costs, float)[order], np.asarray(values, float)[order]
    if not costs[0] <= cost <= costs[-1]:
        return None
    above = int(np.searchsorted(costs, cost))
    if costs[above] == cost:
        return values[above]
    share = (cost - costs[above - 1]) / (costs[above] - costs[above - 1])
    return (1 - share) * values[above - 1] + share * values[above]


def at_worst(estimate: Estimate, strictness: float) -> float:
    """The lower end of a one-sided interval: the truth lies below in `strictness` (0.05: 5 %) of such experiments.

    It lies above minus the margin exactly where `non_inferiority` gives a p of at most `strictness`.
    """
    return max(-1.0, estimate.mean + float(special.stdtrit(estimate.freedom, strictness)) * max(estimate.error, 1e-12))


def share_at_most(count: int, of: int, confidence: float = CONFIDENCE) -> float:
    """The upper end of the exact one-sided interval of a share of which `count` of `of` were seen (Clopper, Pearson 1934)."""
    return float(special.betaincinv(count + 1, of - count, confidence)) if count < of else 1.0
