"""Levels tested in sequence: each method's levels in ascending order, until one isn't shown to keep accuracy.

Every method gets the same share of the allowed error, and no level costs another one evidence. A method all of whose levels are
shown hands its share to the others. With one level a method that is Holm's correction. The chance that any level of any method
is wrongly called non-inferior stays below the allowed error (Maurer, Hothorn and Lehmacher 1995; Westfall and Krishen 2001;
Bretz et al. 2009, Statistics in Medicine 28, 586-604).
"""

from collections.abc import Sequence

import numpy as np


def adjusted(p_values: Sequence[Sequence[float]]) -> list[list[float]]:
    """Adjusted p-values: a level is shown where its own is at most the allowed error.

    p_values: of each method those of its levels, ascending; 1 for a level that can't be tested, which ends its method.
    """
    count = len(p_values)
    so_far = [np.maximum.accumulate(np.asarray(values, float)) for values in p_values]
    handed_over = [0.0]  # the allowed error at which so many methods are through with all their levels
    for through, last in enumerate(sorted(float(values[-1]) for values in so_far)):
        handed_over.append(max(handed_over[-1], (count - through) * last))
    return [
        np.min([np.maximum(handed_over[through], (count - through) * values) for through in range(count)], axis=0)
        .clip(max=1)
        .tolist()
        for values in so_far
    ]


def strictness(adjusted_p: Sequence[Sequence[float]], allowed: float) -> list[float]:
    """The error that each method's own tests are allowed: its share, with what others handed over. allowed: 0.05 for 5 %."""
    through = [values[-1] <= allowed for values in adjusted_p]
    return [allowed / (len(through) - sum(through) + own) for own in through]
