"""What measurements and predictions allow to say: intervals, tests, fronts. Numbers in, numbers out."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import stats

from voxprune.measurement.noise import CONFIDENCE


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds and objects with its standard error, degrees of freedom and two-sided confidence interval."""

    mean: float
    error: float
    freedom: float
    low: float
    high: float
    seed_variance: float  # the part of error^2 that more seeds would lower; more objects would lower the rest


def wilson(correct: int, count: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson's interval of a share (Wilson 1927): (low, high)."""
    interval = stats.binomtest(int(correct), int(count)).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def crossed_mean(values: Any, pseudo: Any = (), confidence: float = CONFIDENCE, conservative: bool = False) -> Estimate:
    """Mean of values (seeds, objects) where both seeds and objects are samples: a new seed and new objects, what then?

    Two-way random effects without replication: Var(mean) = (MS_seeds + MS_objects - MS_rest) / (S N), with Satterthwaite's
    degrees of freedom (Brennan 2001, Generalizability Theory, ch. 6). A bootstrap over seeds and objects is too narrow for
    few seeds: three resampled seeds hold two thirds of their variance (benchmarks/interval_coverage.py shows both).
    From a single seed the interval speaks of that seed alone.
    pseudo: values of objects added for the interval only, so that equal answers to few objects don't look like certainty.
    conservative: MS_seeds counts as at least MS_rest, which it is in expectation. Few seeds may by chance agree; tests far out in
    the tail, as a correction for many tests asks for, keep their level only so. Intervals become wider than they claim.
    """
    values = np.asarray(values, float)
    padded = np.concatenate([values, np.broadcast_to(pseudo, (len(values), len(pseudo)))], axis=1)
    seeds, objects = padded.shape
    by_seed, by_object = padded.mean(axis=1), padded.mean(axis=0)
    of_objects = seeds * by_object.var(ddof=1) if objects > 1 else 0.0
    if seeds == 1:
        parts, freedoms, seed_variance = [of_objects], [max(1, objects - 1)], 0.0
    else:
        rest = padded - by_seed[:, None] - by_object + padded.mean()
        of_rest = float((rest**2).sum()) / ((seeds - 1) * max(1, objects - 1))
        of_seeds = objects * by_seed.var(ddof=1)
        if conservative or seeds == 2:  # of two seeds 9 intervals of 10 would cover the truth, not 19 of 20
            of_seeds = max(of_seeds, of_rest)
        parts = [of_seeds, of_objects, -of_rest]
        freedoms = [seeds - 1, max(1, objects - 1), (seeds - 1) * max(1, objects - 1)]
        seed_variance = of_seeds / (seeds * objects)
    total, spread = max(0.0, sum(parts)), sum(part**2 / freedom for part, freedom in zip(parts, freedoms))
    freedom = max(1.0, total**2 / spread) if total else float(max(1, objects - 1))
    mean, error = float(values.mean()), float(np.sqrt(total / (seeds * objects)))
    reach = float(stats.t.ppf((1 + confidence) / 2, freedom)) * error
    return Estimate(mean, error, float(freedom), mean - reach, mean + reach, float(min(seed_variance, error**2)))


def accuracy(correct: Any, confidence: float = CONFIDENCE) -> Estimate:
    """Estimate of the accuracy. correct: bool (seeds, objects). With Agresti and Coull's (1998) two successes and failures."""
    return _within(crossed_mean(correct, (1.0, 1.0, 0.0, 0.0), confidence), 0, 1)


def difference(child: Any, parent: Any, confidence: float = CONFIDENCE, conservative: bool = False) -> Estimate:
    """Estimate of child's accuracy minus parent's, paired by seed and object. bool (seeds, objects) each.

    With Agresti and Min's (2005) half a pair in each cell of the paired table. conservative: as in `crossed_mean`.
    """
    paired = np.asarray(child, float) - np.asarray(parent, float)
    return _within(crossed_mean(paired, (0.5**0.5, -(0.5**0.5)), confidence, conservative), -1, 1)


def _within(estimate, least, most):
    """With the interval cut off where no value can be."""
    return replace(estimate, low=max(least, estimate.low), high=min(most, estimate.high))


def non_inferiority(estimate: Estimate, margin_points: float) -> float:
    """One-sided p-value of 'the accuracy is lower by the margin or more': small means that less than that is lost.

    margin_points: in points of percent, while the estimate holds shares from -1 to 1.

    estimate: of a `difference`, conservative where p is to be corrected for many tests.
    """
    return float(stats.t.sf((estimate.mean + margin_points / 100) / max(estimate.error, 1e-12), estimate.freedom))


def detectable_drop(estimate: Estimate, confidence: float = CONFIDENCE, power: float = 0.8) -> float:
    """The smallest true drop that a one-sided test of this precision notices in 80 of 100 experiments."""
    return float(estimate.error * stats.t.ppf([confidence, power], estimate.freedom).sum())


def seeds_needed(
    estimate: Estimate, seeds: int, margin_points: float, confidence: float = CONFIDENCE, most: int = 50
) -> int | None:
    """How many seeds would show non-inferiority if mean and variances stayed as they are; None where `most` wouldn't do."""
    for count in range(seeds + 1, most + 1):
        error = np.sqrt(estimate.seed_variance * seeds / count + max(0.0, estimate.error**2 - estimate.seed_variance))
        if estimate.mean + margin_points / 100 > stats.t.ppf(confidence, max(estimate.freedom, count - 1)) * error:
            return count
    return None


def mcnemar(child: Any, parent: Any) -> tuple[int, int, float]:
    """Exact two-sided McNemar test of one seed: (lost, gained, p). bool (objects,) each."""
    child, parent = np.asarray(child, bool), np.asarray(parent, bool)
    lost, gained = int((parent & ~child).sum()), int((child & ~parent).sum())
    return lost, gained, float(stats.binomtest(gained, lost + gained).pvalue) if lost + gained else 1.0


def sign_flip(differences: list) -> float:
    """Two-sided permutation test that differences (seeds,) are symmetric about 0, exact up to 16 seeds.

    5 seeds reach 0.0625 at best, 6 reach 0.03125.
    """
    if len(differences) == 1:
        return 1.0
    test = stats.permutation_test(
        (np.asarray(differences, float),), np.sum, permutation_type="samples", n_resamples=2**16, vectorized=True, rng=0
    )
    return float(test.pvalue)


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


def pareto(costs: Any, accuracies: Any) -> np.ndarray:
    """Bool (points,): no other point has at most this cost and at least this accuracy, and one of them better."""
    costs, accuracies = np.asarray(costs, float), np.asarray(accuracies, float)
    no_worse = (costs[None] <= costs[:, None]) & (accuracies[None] >= accuracies[:, None])
    better = (costs[None] < costs[:, None]) | (accuracies[None] > accuracies[:, None])
    return ~(no_worse & better).any(axis=1)


def hypervolume(costs: Any, accuracies: Any, cost_limit: float, least_accuracy: float) -> float:
    """Area that the points dominate between a cost limit and a least accuracy, as a share of the best possible area.

    1 would be full accuracy (1.0) at no cost.
    """
    front = sorted((cost, value) for cost, value in zip(costs, accuracies) if cost <= cost_limit and value > least_accuracy)
    area, best = 0.0, least_accuracy
    for cost, value in front:
        if value > best:
            area += (cost_limit - cost) * (value - best)
            best = value
    return area / (cost_limit * (1 - least_accuracy))
