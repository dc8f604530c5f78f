"""Confidence intervals of a share of units, such as notes without a miss: they hold at 0 and at 1 too."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

from deidsynth.errors import InputError
from deidsynth.metrics.resampling import Interval


def wilson_interval(share: float, n: float, *, level: float = 0.95) -> Interval:
    """The Wilson score interval of a share of ``n`` independent units.

    Resampling says nothing about a share of 0 or 1, since every resample has it too; this interval does.

    Args:
        share: observed, in [0, 1].
        n: number of units, more than 0.
        level: confidence, between 0 and 1.

    Raises:
        InputError: an argument is out of bounds.

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference"; Brown, Cai and DasGupta
    2001, "Interval estimation for a binomial proportion", section 3.1.1.

    >>> low, high = wilson_interval(1.0, 13).ends
    >>> round(low, 3), high
    (0.772, 1.0)
    """
    if not 0 <= share <= 1 or n <= 0 or not 0 < level < 1:
        raise InputError(f"expected a share in [0, 1], n above 0 and a level in (0, 1), got {share}, {n}, {level}")
    z = NormalDist().inv_cdf((1 + level) / 2)
    center = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = 0.0 if share == 0 else center - half
    return Interval(low, 1.0 if share == 1 else center + half, level)
