"""What timings allow to say: paired ratios, the parent against itself, the verdict."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

CONFIDENCE = 0.95
STEADY_PERCENT = 20  # a machine whose speed changes by more while it measures has no latency in ms to speak of
TRIMMED = 10  # of so many rounds the least and the greatest ratio are left out


@dataclass(frozen=True)
class Ratio:
    """A geometric mean of paired ratios and its 95 % confidence interval; low and high are nan from a single pair."""

    mean: float
    low: float
    high: float


def paired_ratio(numerators: Any, denominators: Any) -> Ratio:
    """Ratio of two series that were measured in the same rounds: the trimmed mean of their logarithms with its t interval.

    The logarithm makes 'twice as fast' and 'twice as slow' equally far from 1, and pairing takes out what slows a whole round
    down. Of every ten rounds the least and the greatest are left out, so that one disturbed round decides nothing (Tukey and
    McLaughlin 1963, Sankhya A 25, 331-352).
    """
    logs = np.sort(np.log(np.asarray(numerators, float) / np.asarray(denominators, float)))
    count, cut = len(logs), len(logs) // TRIMMED
    kept = logs[cut : count - cut]
    mean, low = kept.mean(), float("nan")
    if count > 1:
        winsorized = logs.clip(kept[0], kept[-1])
        error = winsorized.std(ddof=1) * np.sqrt(count) / len(kept)
        low = mean - special.stdtrit(len(kept) - 1, (1 + CONFIDENCE) / 2) * error
    return Ratio(*np.exp([mean, low, 2 * mean - low]).tolist())


def percent_apart(ratio: Ratio) -> float:
    """How far a ratio lies from 1, in percent, whichever way."""
    return 100 * float(np.expm1(abs(np.log(ratio.mean))))


def verdict(ratio: Ratio, least_percent: float, above: str = "faster", below: str = "slower") -> str:
    """`above` or `below`, or 'no difference' where the interval of a ratio comes within least_percent of 1."""
    if ratio.low > 1 + least_percent / 100:
        return above
    if ratio.high < 1 / (1 + least_percent / 100):
        return below
    return "no difference"
