"""Comparing two systems on the same documents: is their difference significant?

Both systems are scored on the same documents and resampled with the same draws, so that documents that are hard for
both cancel out. Nothing is scored again; see `deidsynth.metrics.resampling` for the statistics and the groups.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deidsynth.errors import InputError
from deidsynth.metrics.resampling import (
    RATIOS,
    Floats,
    Interval,
    check_options,
    defined,
    generator,
    group_rows,
    interval_of,
    plain_interval,
    ratios,
    resample,
    weighted_sums,
)

# Differences that are equal on paper may differ in the last bits; no true difference of counts is this small.
_TIE = 1e-12


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference between two systems: second - first, as a share.

    Args:
        point: the difference over all documents.
        interval: of the difference; None if the data do not allow one.
        share_not_positive: share of the resamples in which the second system is not better; None if ``interval`` is.
    """

    point: float
    interval: Interval | None
    share_not_positive: float | None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {**asdict(self), "interval": plain_interval(self.interval)}


@dataclass(frozen=True, slots=True)
class NonInferiority:
    """Whether the drop of a candidate in F1, or in another share, is below a margin.

    Args:
        drop: reference minus candidate, as a share; None if either is 0/0.
        upper: one-sided upper confidence bound of the drop; None if the data do not allow one.
        margin: the smallest drop that is too large, as a share.
        level: confidence of the bound.
        non_inferior: whether the bound is below the margin. False means "not shown", not "shown to be inferior".
    """

    drop: float | None
    upper: float | None
    margin: float
    level: float
    non_inferior: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def paired_bootstrap(
    first: ArrayLike,
    second: ArrayLike,
    groups: Sequence[Hashable] | None = None,
    *,
    n_resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 1,
) -> dict[str, Difference | None]:
    """Differences second - first of ``precision``, ``recall`` and ``f1``; None if a ratio is 0/0.

    Args:
        first: tp, fp and fn of each document under one system, shape (n_documents, 3).
        second: the same under the other system, for the same documents in the same order.
        groups: the group of each document; by default every document is its own group.
        n_resamples: how many resamples to draw.
        level: confidence of the intervals, between 0 and 1.
        seed: of the draws.

    Raises:
        InputError: as for `deidsynth.metrics.resampling.bootstrap`, or the systems have different numbers of documents.

    Source: Efron & Tibshirani 1993, section 13.3; Koehn 2004, "Statistical significance tests for machine translation
    evaluation" (paired bootstrap resampling).

    >>> paired_bootstrap([[2, 0, 2]] * 5, [[3, 0, 1]] * 5)["recall"]
    Difference(point=0.25, interval=Interval(low=0.25, high=0.25, level=0.95), share_not_positive=0.0)
    """
    check_options(level, n_resamples)
    rows = group_rows([first, second], groups)
    drawn, points = _differences(resample(rows, n_resamples, generator(seed))), _differences(rows.sum(axis=0))
    return {name: difference_of(drawn[name], float(points[name]), len(rows), level) for name in RATIOS}


def _differences(sums: Floats) -> dict[str, Floats]:
    """Second - first by name, of shape (...), for sums of shape (..., 6); NaN if either is 0/0."""
    first, second = ratios(sums[..., :3]), ratios(sums[..., 3:])
    return {name: second[name] - first[name] for name in RATIOS}


def difference_of(drawn: Floats, point: float, n_groups: int, level: float) -> Difference | None:
    """A `Difference` from its value over all documents and its values in the resamples; None if undefined."""
    if math.isnan(point):
        return None
    kept = defined(drawn, point, n_groups, level)
    share = None if kept is None else float(np.mean(kept <= _TIE))
    return Difference(point, interval_of(drawn, point, n_groups, level), share)


def randomization_test(
    first: ArrayLike,
    second: ArrayLike,
    groups: Sequence[Hashable] | None = None,
    *,
    n_permutations: int = 10_000,
    seed: int = 1,
    statistic: str = "f1",
) -> float | None:
    """Two-sided p-value of "the two systems are exchangeable"; None if the difference is undefined.

    Each permutation exchanges the two systems' statistics of a group with probability 1/2. With n permutations, p is
    (1 + number of permutations whose absolute difference is at least the observed one) / (1 + n); a permutation with
    0/0 counts as such, so that p is never too small.

    Args:
        first: tp, fp and fn of each document under one system, shape (n_documents, 3).
        second: the same under the other system, for the same documents in the same order.
        groups: the group of each document; by default every document is its own group.
        n_permutations: how many to draw.
        seed: of the draws.
        statistic: ``precision``, ``recall`` or ``f1``.

    Raises:
        InputError: the statistics or groups are not as for `paired_bootstrap`, the statistic is unknown, or an option
            is out of bounds.

    Source: Noreen 1989, "Computer-Intensive Methods for Testing Hypotheses", chapter 2; Yeh 2000, "More accurate tests
    for the statistical significance of result differences".

    >>> randomization_test([[2, 0, 2]] * 5, [[2, 0, 2]] * 5)
    1.0
    """
    if statistic not in RATIOS:
        raise InputError(f"the statistic must be one of {', '.join(RATIOS)}, got {statistic!r}")
    if n_permutations < 1:
        raise InputError(f"the number of permutations must be at least 1, got {n_permutations}")
    random = generator(seed)
    rows = group_rows([first, second], groups)
    observed = float(_differences(rows.sum(axis=0))[statistic])
    if math.isnan(observed):
        return None
    return share_as_large(_differences(exchanged(rows, n_permutations, random))[statistic], observed)


def exchanged(rows: Floats, n_draws: int, random: np.random.Generator) -> Floats:
    """Sums after exchanging the numbers of the two systems in each group with probability 1/2; (n_draws, n_columns)."""
    half = rows.shape[1] // 2

    def exchanges(size: int) -> NDArray[np.bool_]:
        return random.integers(0, 2, (size, len(rows)), dtype=np.bool_)

    gained = weighted_sums(rows[:, half:] - rows[:, :half], n_draws, exchanges)
    sums: Floats = rows.sum(axis=0) + np.hstack([gained, -gained])
    return sums


def share_as_large(permuted: Floats, observed: float) -> float | None:
    """The p-value of `randomization_test` from the permuted differences; None if the observed one is undefined."""
    if math.isnan(observed):
        return None
    extreme = np.isnan(permuted) | (np.abs(permuted) >= abs(observed) - _TIE)
    return (1 + int(extreme.sum())) / (1 + len(permuted))


def non_inferiority(
    reference: ArrayLike,
    candidate: ArrayLike,
    margin: float,
    groups: Sequence[Hashable] | None = None,
    *,
    n_resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 1,
) -> NonInferiority:
    """Whether the drop in F1 from reference to candidate is below the margin, at the given confidence.

    The drop is shown to be below the margin if the upper bound of its one-sided percentile interval is. If the data do
    not allow that bound, nothing is shown. Choose the margin before looking at the scores.

    Args:
        reference: tp, fp and fn of each document under the reference system, shape (n_documents, 3).
        candidate: the same under the candidate system, for the same documents in the same order.
        margin: the smallest drop that is too large, as a share: 0.02 is two points of F1.
        groups: the group of each document; by default every document is its own group.
        n_resamples: how many resamples to draw.
        level: confidence of the one-sided bound, between 0 and 1.
        seed: of the draws.

    Raises:
        InputError: the margin is not between 0 and 1, or as for `paired_bootstrap`.

    Source: Piaggio et al. 2012, "Reporting of noninferiority and equivalence randomized trials" (CONSORT extension),
    for the rule; Efron & Tibshirani 1993, section 13.3, for the bound.

    >>> non_inferiority([[9, 0, 1]] * 5, [[9, 0, 1]] * 5, margin=0.02).non_inferior
    True
    """
    check_margin(margin)
    check_options(level, n_resamples)
    rows = group_rows([candidate, reference], groups)
    drop = float(_differences(rows.sum(axis=0))["f1"])
    drawn = _differences(resample(rows, n_resamples, generator(seed)))["f1"]
    return drop_below(drawn, drop, len(rows), margin, level)


def check_margin(margin: float) -> None:
    """Nothing; a margin that is not between 0 and 1 raises InputError."""
    if not 0 < margin < 1:
        raise InputError(f"the margin must be between 0 and 1 (0.02 is two points of F1), got {margin}")


def drop_below(drawn: Floats, drop: float, n_groups: int, margin: float, level: float) -> NonInferiority:
    """The verdict of `non_inferiority` from the drop over all documents and the drops in the resamples."""
    kept = defined(drawn, drop, n_groups, level)
    upper = None if kept is None else float(np.quantile(kept, level))
    return NonInferiority(
        drop=None if math.isnan(drop) else drop,
        upper=upper,
        margin=margin,
        level=level,
        non_inferior=upper is not None and upper < margin,
    )
