"""What measurements and predictions allow to say: intervals, tests, fronts. Numbers in, numbers out."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Ratio:
    """A geometric mean of paired ratios and its 95 % confidence interval; low and high are nan from a single pair."""

    mean: float
    low: float
    high: float


def paired_ratio(numerators, denominators):
    """Ratio of two series that were measured in the same repetitions, by Student's t of the logarithms.

    The logarithm makes 'twice as fast' and 'twice as slow' equally far from 1, and pairing takes out what slows a
    whole repetition down.
    """
    logs = np.log(np.asarray(numerators, float) / np.asarray(denominators, float))
    mean, low = logs.mean(), float("nan")
    if len(logs) > 1:
        low = mean - stats.t.ppf((1 + CONFIDENCE) / 2, len(logs) - 1) * stats.sem(logs)
    return Ratio(*np.exp([mean, low, 2 * mean - low]).tolist())


def noise_percent(one, other):
    """The noise floor in percent: the most that two measurements of the same network differed by in one repetition."""
    return 100 * float(np.expm1(np.abs(np.log(np.asarray(one, float) / np.asarray(other, float))).max()))


def verdict(speedup, noise):
    """'faster', 'slower', or 'no difference' where the interval of a speedup touches the noise floor (in percent)."""
    if speedup.low > 1 + noise / 100:
        return "faster"
    if speedup.high < 1 / (1 + noise / 100):
        return "slower"
    return "no difference"


# ---- accuracy over seeds and test objects --------------------------------------------------------------------------


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds and objects with its standard error, degrees of freedom and two-sided confidence interval."""

    mean: float
    error: float
    freedom: float
    low: float
    high: float
    seed_variance: float  # the part of error^2 that more seeds would lower; more objects would lower the rest


def wilson(correct, count, confidence=CONFIDENCE):
    """Wilson's interval of a share (Wilson 1927): (low, high)."""
    interval = stats.binomtest(int(correct), int(count)).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def crossed_mean(values, pseudo=(), confidence=CONFIDENCE, cautious=False):
    """Mean of values (seeds, objects) where both seeds and objects are samples: a new seed and new objects, what then?

    Two-way random effects without replication: Var(mean) = (MS_seeds + MS_objects - MS_rest) / (S N), with Satterthwaite's
    degrees of freedom (Brennan 2001, Generalizability Theory, ch. 6). A bootstrap over seeds and objects is too narrow for
    few seeds: three resampled seeds hold two thirds of their variance (benchmarks/interval_coverage.py shows both).
    From a single seed the interval speaks of that seed alone.
    pseudo: values of objects added for the interval only, so that equal answers to few objects don't look like certainty.
    cautious: MS_seeds counts as at least MS_rest, which it is in expectation. Few seeds may by chance agree; tests far out in
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
        if cautious or seeds == 2:  # of two seeds 9 intervals of 10 would cover the truth, not 19 of 20
            of_seeds = max(of_seeds, of_rest)
        parts = [of_seeds, of_objects, -of_rest]
        freedoms = [seeds - 1, max(1, objects - 1), (seeds - 1) * max(1, objects - 1)]
        seed_variance = of_seeds / (seeds * objects)
    total, spread = max(0.0, sum(parts)), sum(part**2 / freedom for part, freedom in zip(parts, freedoms))
    freedom = max(1.0, total**2 / spread) if total else float(max(1, objects - 1))
    mean, error = float(values.mean()), float(np.sqrt(total / (seeds * objects)))
    reach = float(stats.t.ppf((1 + confidence) / 2, freedom)) * error
    return Estimate(mean, error, float(freedom), mean - reach, mean + reach, float(min(seed_variance, error**2)))


def accuracy(correct, confidence=CONFIDENCE):
    """Estimate of the accuracy. correct: bool (seeds, objects). With Agresti and Coull's (1998) two successes and failures."""
    return _within(crossed_mean(correct, (1.0, 1.0, 0.0, 0.0), confidence), 0, 1)


def difference(child, parent, confidence=CONFIDENCE, cautious=False):
    """Estimate of child's accuracy minus parent's, paired by seed and object. bool (seeds, objects) each.

    With Agresti and Min's (2005) half a pair in each cell of the paired table. cautious: as in `crossed_mean`.
    """
    paired = np.asarray(child, float) - np.asarray(parent, float)
    return _within(crossed_mean(paired, (0.5**0.5, -(0.5**0.5)), confidence, cautious), -1, 1)


def _within(estimate, least, most):
    """With the interval cut off where no value can be."""
    return replace(estimate, low=max(least, estimate.low), high=min(most, estimate.high))


def non_inferiority(estimate, margin):
    """One-sided p-value of 'the accuracy is lower by the margin or more': small means that less than that is lost.

    estimate: of a `difference`, cautious where p is to be corrected for many tests.
    """
    return float(stats.t.sf((estimate.mean + margin) / max(estimate.error, 1e-12), estimate.freedom))


def detectable_drop(estimate, confidence=CONFIDENCE, power=0.8):
    """The smallest true drop that a one-sided test of this precision notices in 80 of 100 experiments."""
    return float(estimate.error * stats.t.ppf([confidence, power], estimate.freedom).sum())


def seeds_needed(estimate, seeds, margin, confidence=CONFIDENCE, most=50):
    """How many seeds would show non-inferiority if mean and variances stayed as they are; None where `most` wouldn't do."""
    for count in range(seeds + 1, most + 1):
        error = np.sqrt(estimate.seed_variance * seeds / count + max(0.0, estimate.error**2 - estimate.seed_variance))
        if estimate.mean + margin > stats.t.ppf(confidence, max(estimate.freedom, count - 1)) * error:
            return count
    return None


def mcnemar(child, parent):
    """Exact two-sided McNemar test of one seed: (lost, gained, p). bool (objects,) each."""
    child, parent = np.asarray(child, bool), np.asarray(parent, bool)
    lost, gained = int((parent & ~child).sum()), int((child & ~parent).sum())
    return lost, gained, float(stats.binomtest(gained, lost + gained).pvalue) if lost + gained else 1.0


def sign_flip(differences):
    """Two-sided permutation test that differences (seeds,) are symmetric about 0, exact up to 16 seeds.

    5 seeds reach 0.0625 at best, 6 reach 0.03125.
    """
    if len(differences) == 1:
        return 1.0
    test = stats.permutation_test(
        (np.asarray(differences, float),), np.sum, permutation_type="samples", n_resamples=2**16, vectorized=True, rng=0
    )
    return float(test.pvalue)


def holm(values):
    """Holm's (1979) adjustment of p-values for all being tested at once, in their order."""
    values = np.asarray(values, float)
    order = values.argsort(kind="stable")
    adjusted = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1)).clip(max=1)
    found = np.empty_like(adjusted)
    found[order] = adjusted
    return found.tolist()


# ---- cost against accuracy -----------------------------------------------------------------------------------------


def at_cost(costs, values, cost):
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


def pareto(costs, accuracies):
    """Bool (points,): no other point has at most this cost and at least this accuracy, and one of them better."""
    costs, accuracies = np.asarray(costs, float), np.asarray(accuracies, float)
    no_worse = (costs[None] <= costs[:, None]) & (accuracies[None] >= accuracies[:, None])
    better = (costs[None] < costs[:, None]) | (accuracies[None] > accuracies[:, None])
    return ~(no_worse & better).any(axis=1)


def hypervolume(costs, accuracies, cost_limit, least_accuracy):
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
