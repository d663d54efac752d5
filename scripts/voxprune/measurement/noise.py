"""What timings allow to say: paired ratios, the noise floor, the verdict."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Ratio:
    """A geometric mean of paired ratios and its 95 % confidence interval; low and high are nan from a single pair."""

    mean: float
    low: float
    high: float


def paired_ratio(numerators: Any, denominators: Any) -> Ratio:
    """Ratio of two series that were measured in the same repetitions, by Student's t of the logarithms.

    The logarithm makes 'twice as fast' and 'twice as slow' equally far from 1, and pairing takes out what slows a
    whole repetition down.
    """
    logs = np.log(np.asarray(numerators, float) / np.asarray(denominators, float))
    mean, low = logs.mean(), float("nan")
    if len(logs) > 1:
        low = mean - stats.t.ppf((1 + CONFIDENCE) / 2, len(logs) - 1) * stats.sem(logs)
    return Ratio(*np.exp([mean, low, 2 * mean - low]).tolist())


def noise_percent(one: Any, other: Any) -> float:
    """The noise floor in percent: the most that two measurements of the same network differed by in one repetition."""
    return 100 * float(np.expm1(np.abs(np.log(np.asarray(one, float) / np.asarray(other, float))).max()))


def verdict(speedup: Ratio, noise: float) -> str:
    """'faster', 'slower', or 'no difference' where the interval of a speedup touches the noise floor (in percent)."""
    if speedup.low > 1 + noise / 100:
        return "faster"
    if speedup.high < 1 / (1 + noise / 100):
        return "slower"
    return "no difference"
