"""Differences between training groups and held-out groups, with intervals and the smallest excess that would be found.

Both intervals are score intervals: they are never a point, and hold where a share or an AUC is 0 or 1, where resampling
says nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from math import hypot, sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import binom, rankdata

from deidsynth.errors import InputError
from deidsynth.metrics.proportions import wilson_interval
from deidsynth.privacy.audit.figures import Kind, Measured, MeasureName

POWER = 0.8
"""Probability with which the detectable excess is told from none."""
Z_POWER = NormalDist().inv_cdf(POWER)
CHANCE = 0.5
"""AUC of telling apart what cannot be told apart."""

_Z = NormalDist().inv_cdf(0.975)
_NEGLIGIBLE = 1e-12

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of training groups beside that of held-out groups.

    Args:
        train: figure of the training groups: their share, or the AUC of telling them from the held-out groups.
        held_out: figure of the held-out groups; for an AUC, .5.
        difference: ``train`` minus ``held_out``.
        interval: of the difference, 95 %, two-sided.
        n: number of training groups and of held-out groups.
        detectable: smallest excess for which, with these numbers of groups and this figure of the held-out groups, the
            interval would be above 0 with a probability of ``POWER``. None if there is no such excess: too few groups,
            or held-out groups that leave no room above them.
    """

    train: float
    held_out: float
    difference: float
    interval: tuple[float, float]
    n: tuple[int, int]
    detectable: float | None

    def figures(self) -> dict[str, Any]:
        """The figures as plain JSON, for the details of a measure."""
        return {
            "train": self.train,
            "held_out": self.held_out,
            "difference": self.difference,
            "interval": list(self.interval),
            "detectable": self.detectable,
        }

    def measured(
        self, name: MeasureName, kind: Kind, *, of: str = "", details: Mapping[str, Any] | None = None
    ) -> Measured:
        """The difference as a measure of the audit.

        Args:
            name: of the measure.
            kind: of the figures.
            of: what was measured, if there are several of a name.
            details: further counts and figures, plain JSON.
        """
        return Measured(
            name,
            kind,
            self.train,
            self.held_out,
            self.difference,
            self.interval,
            self.n,
            self.detectable,
            of,
            details=details or {},
        )


def share_difference(train: Sequence[bool], held_out: Sequence[bool]) -> Difference:
    """The difference of two shares of groups, with Newcombe's hybrid score interval.

    Its detectable excess is exact: a sum over all outcomes of two binomial draws.

    Args:
        train: one truth value for each training group.
        held_out: one for each held-out group.

    Raises:
        InputError: a side has no group.

    Source: Newcombe 1998, "Interval estimation for the difference between independent proportions", method 10.

    >>> found = share_difference([True] * 56 + [False] * 14, [True] * 48 + [False] * 32)
    >>> round(found.difference, 4), [round(end, 4) for end in found.interval]
    (0.2, [0.0524, 0.3339])
    """
    n = _sizes(train, held_out)
    found = sum(map(bool, train)), sum(map(bool, held_out))
    shares = found[0] / n[0], found[1] / n[1]
    return Difference(*shares, shares[0] - shares[1], _share_interval(found, n), n, _detectable_share(found[1], n))


def auc_difference(train: Sequence[float], held_out: Sequence[float]) -> Difference:
    """The AUC of telling training groups from held-out groups by a score, minus .5, with an interval.

    The interval is the union of two: Newcombe's score interval, which is never a point and exact for groups that cannot
    be told apart, and DeLong's, which holds where the scores of one side are more spread than those of the other. Equal
    scores count half; many of them make the interval wider than it need be. The detectable excess is an approximation:
    an AUC is taken to be normally distributed with the variance of the score interval.

    Args:
        train: one score for each training group; higher means more like a training group.
        held_out: one for each held-out group.

    Raises:
        InputError: a side has no group, or a score is not a number.

    Source: Newcombe 2006, "Confidence intervals for an effect size measure based on the Mann-Whitney statistic. Part
    2", method 5; DeLong, DeLong and Clarke-Pearson 1988, "Comparing the areas under two or more correlated receiver
    operating characteristic curves".

    >>> found = auc_difference([3.0, 4.0, 5.0, 6.0], [1.0, 2.0, 3.0])
    >>> round(found.train, 4), round(found.difference, 4)
    (0.9583, 0.4583)
    """
    n = _sizes(train, held_out)
    scores = np.asarray(train, dtype=np.float64), np.asarray(held_out, dtype=np.float64)
    if not all(np.isfinite(side).all() for side in scores):
        raise InputError("the scores of groups must be finite numbers; leave out a group that cannot be scored")
    above, below = _placements(*scores)
    auc = float(above.mean())
    spread = _Z * sqrt(_mean_variance(above) + _mean_variance(below))
    low, high = _score_interval(auc, n)
    interval = max(0.0, min(low, auc - spread)) - CHANCE, min(1.0, max(high, auc + spread)) - CHANCE
    return Difference(auc, CHANCE, auc - CHANCE, interval, n, _detectable_auc(n))


def _sizes(train: Sequence[object], held_out: Sequence[object]) -> tuple[int, int]:
    if not len(train) or not len(held_out):
        raise InputError(
            f"a difference needs groups on both sides, got {len(train)} training groups and {len(held_out)} held-out "
            "groups; give more documents"
        )
    return len(train), len(held_out)


def _share_interval(found: tuple[int, int], n: tuple[int, int]) -> tuple[float, float]:
    share, control = found[0] / n[0], found[1] / n[1]
    (low, high), (control_low, control_high) = wilson_interval(share, n[0]).ends, wilson_interval(control, n[1]).ends
    difference = share - control
    return (
        difference - hypot(share - low, control_high - control),
        difference + hypot(high - share, control - control_low),
    )


@lru_cache(maxsize=4096)
def _detectable_share(held_out_found: int, n: tuple[int, int]) -> float | None:
    """The smallest excess over the share of held-out groups that is found with a probability of ``POWER``."""
    control = held_out_found / n[1]
    weights = binom.pmf(np.arange(n[1] + 1), n[1], control)
    likely = np.flatnonzero(weights > _NEGLIGIBLE)

    def is_above(count: int, control_count: int) -> bool:
        return _share_interval((count, control_count), n)[0] > 0

    counts = range(n[0] + 1)
    least = [bisect_left(counts, True, key=partial(is_above, control_count=int(each))) for each in likely]

    def lacking(share: float) -> float:
        return POWER - float(weights[likely] @ binom.sf(np.array(least) - 1, n[0], share))

    return _excess(lacking, control)


def _excess(lacking: Callable[[float], float], control: float) -> float | None:
    """How far above the control the power that is lacking becomes 0; None if it never does."""
    if control >= 1 or lacking(1.0) > 0:
        return None
    return float(brentq(lacking, control, 1.0, xtol=1e-6)) - control


def _placements(train: Floats, held_out: Floats) -> tuple[Floats, Floats]:
    """For each training score the share of held-out scores below it, for each of those the share above; ties half."""
    ranks = rankdata(np.concatenate((train, held_out)))
    above = (ranks[: len(train)] - rankdata(train)) / len(held_out)
    below = 1 - (ranks[len(train) :] - rankdata(held_out)) / len(train)
    return above, below


def _mean_variance(values: Floats) -> float:
    """The variance of the mean; 0 for a single value."""
    return float(values.var(ddof=1)) / len(values) if len(values) > 1 else 0.0


def _auc_variance(auc: float, n: tuple[int, int]) -> float:
    """The variance of an AUC by Hanley and McNeil 1982, with both sizes replaced by their mean in the numerator."""
    more = sum(n) / 2 - 1
    return auc * (1 - auc) * (1 + more * (1 - auc) / (2 - auc) + more * auc / (1 + auc)) / (n[0] * n[1])


def _score_interval(auc: float, n: tuple[int, int]) -> tuple[float, float]:
    """All AUCs that are no further from the one observed than their own variance allows."""

    def beyond(candidate: float) -> float:
        return abs(auc - candidate) - _Z * sqrt(_auc_variance(candidate, n))

    # At 0 and 1 the variance is 0: what is looked for is the other root.
    low = 0.0 if auc == 0 else brentq(beyond, 0.0, min(auc, 1 - _NEGLIGIBLE))
    return float(low), 1.0 if auc == 1 else float(brentq(beyond, max(auc, _NEGLIGIBLE), 1.0))


def _detectable_auc(n: tuple[int, int]) -> float | None:
    """The smallest excess over .5 that is found with a probability of ``POWER``."""
    least = CHANCE + _Z * sqrt(_auc_variance(CHANCE, n))

    def lacking(auc: float) -> float:
        return least + Z_POWER * sqrt(_auc_variance(auc, n)) - auc

    return _excess(lacking, CHANCE)
