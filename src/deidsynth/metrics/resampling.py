"""Confidence intervals of precision, recall and F1 by resampling groups of documents.

Nothing is scored again: a resample only sums the statistics that each document already has, one row of tp, fp and fn.
Documents of one group (such as the notes of one patient) are not independent, so they are drawn together. The same seed
gives the same figures, regardless of document order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deidsynth.errors import InputError

Floats = NDArray[np.float64]

RATIOS = ("precision", "recall", "f1")
# Draws held at a time: 256 KiB of integers, which stay in a core's cache; megabytes are two to ten times slower.
_CELLS = 1 << 15


@dataclass(frozen=True, slots=True)
class Interval:
    """A closed confidence interval, in the unit of the figure.

    Args:
        low: lower end.
        high: upper end.
        level: confidence, such as 0.95.
    """

    low: float
    high: float
    level: float

    @property
    def ends(self) -> tuple[float, float]:
        """Low and high."""
        return self.low, self.high


@dataclass(frozen=True, slots=True)
class Resampling:
    """How uncertainty is measured.

    Args:
        n_resamples: of the documents, by group.
        level: of the intervals.
        seed: of the resamples.
    """

    n_resamples: int = 10_000
    level: float = 0.95
    seed: int = 1


def plain_interval(interval: Interval | None) -> list[float] | None:
    """Low and high as plain JSON; None where there is no interval."""
    return None if interval is None else list(interval.ends)


def bootstrap(
    counts: ArrayLike,
    groups: Sequence[Hashable] | None = None,
    *,
    n_resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 1,
) -> dict[str, Interval | None]:
    """Percentile intervals of ``precision``, ``recall`` and ``f1``, as shares.

    Each resample draws as many groups as there are, with replacement; the interval contains the middle ``level`` of the
    resamples. It is None if the data do not allow one: with fewer than two groups, if the ratio itself is 0/0, or if it
    is 0/0 in more than ``1 - level`` of the resamples (too few groups contain what the ratio counts). Up to that share,
    resamples with 0/0 are left out.

    Args:
        counts: tp, fp and fn of each document, shape (n_documents, 3).
        groups: the group of each document; by default every document is its own group.
        n_resamples: how many resamples to draw.
        level: confidence, between 0 and 1.
        seed: of the draws.

    Raises:
        InputError: the counts do not have that shape, are negative or not finite, the number of groups is not that of
            the documents, or an option is out of bounds.

    Source: Efron & Tibshirani 1993, "An Introduction to the Bootstrap", chapter 8 and section 13.3.

    >>> bootstrap([[3, 1, 0], [3, 1, 0], [3, 1, 0]])["precision"]
    Interval(low=0.75, high=0.75, level=0.95)
    """
    check_options(level, n_resamples)
    rows = group_rows([counts], groups)
    drawn = ratios(resample(rows, n_resamples, generator(seed)))
    points = ratios(rows.sum(axis=0))
    return {name: interval_of(drawn[name], float(points[name]), len(rows), level) for name in RATIOS}


def check_options(level: float, n_resamples: int) -> None:
    """Nothing; a level outside (0, 1) or fewer than one resample raises InputError."""
    if not 0 < level < 1:
        raise InputError(f"the level must be between 0 and 1, such as 0.95, got {level}")
    if n_resamples < 1:
        raise InputError(f"the number of resamples must be at least 1, got {n_resamples}")


def generator(seed: int) -> np.random.Generator:
    """The random generator for all draws; a negative seed raises InputError."""
    if seed < 0:
        raise InputError(f"the seed must be 0 or more, got {seed}")
    return np.random.default_rng(seed)


def group_rows(systems: Sequence[ArrayLike], groups: Sequence[Hashable] | None) -> Floats:
    """Sums of each group, shape (n_groups, 3 * n_systems), sorted so that document order does not matter.

    Raises:
        InputError: the statistics do not have shape (n_documents, 3), are negative or not finite, the systems have
            different numbers of documents, or the number of groups is not that of the documents.
    """
    checked = [_statistics(counts) for counts in systems]
    sizes = [len(counts) for counts in checked]
    if len(set(sizes)) > 1:
        raise InputError(
            f"the systems have statistics of {sizes[0]} and {sizes[1]} documents; score both on the same documents"
        )
    return sum_groups(np.hstack(checked), groups)


def sum_groups(rows: Floats, groups: Sequence[Hashable] | None) -> Floats:
    """Rows of documents summed by group, shape (n_groups, n_columns), sorted so that document order does not matter.

    Args:
        rows: shape (n_documents, n_columns).
        groups: the group of each document; by default every document is its own group.

    Raises:
        InputError: the number of groups is not that of the documents.
    """
    if groups is not None:
        if len(groups) != len(rows):
            raise InputError(f"expected one group for each of {len(rows)} documents, got {len(groups)}")
        names: dict[Hashable, int] = {}
        numbers = np.array([names.setdefault(group, len(names)) for group in groups], dtype=np.int64)
        sums = np.zeros((len(names), rows.shape[1]))
        np.add.at(sums, numbers, rows)
        rows = sums
    return rows[np.lexsort(rows.T)]


def _statistics(counts: ArrayLike) -> Floats:
    try:
        array = np.asarray(counts, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError("the statistics must be numbers, one row of tp, fp and fn for each document") from None
    if array.ndim != 2 or array.shape[1] != 3:
        raise InputError(f"the statistics must have shape (n_documents, 3): tp, fp and fn; got shape {array.shape}")
    if not np.isfinite(array).all() or (array < 0).any():
        raise InputError("the statistics contain a negative or non-finite number; tp, fp and fn count entities")
    return array


def ratios(sums: Floats) -> dict[str, Floats]:
    """Precision, recall and F1 by name, of shape (...), for sums of shape (..., 3); NaN stands for 0/0."""
    tp, fp, fn = sums[..., 0], sums[..., 1], sums[..., 2]
    return {"precision": divide(tp, tp + fp), "recall": divide(tp, tp + fn), "f1": divide(2 * tp, 2 * tp + fp + fn)}


def divide(part: Floats, whole: Floats) -> Floats:
    """The share, NaN for 0/0."""
    quotient: Floats = np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole > 0)
    return quotient


def resample(rows: Floats, n_resamples: int, random: np.random.Generator) -> Floats:
    """Sums over groups drawn with replacement, shape (n_resamples, n_columns), for rows (n_groups, n_columns)."""
    n_groups = len(rows)

    def times_drawn(size: int) -> NDArray[np.int64]:
        drawn = random.integers(0, n_groups, (size, n_groups))
        drawn += np.arange(size)[:, None] * n_groups
        return np.bincount(drawn.ravel(), minlength=size * n_groups).reshape(size, n_groups)

    return weighted_sums(rows, n_resamples, times_drawn)


def weighted_sums(rows: Floats, n_draws: int, weights: Callable[[int], NDArray[Any]]) -> Floats:
    """Sums of the rows with newly drawn weights each time, shape (n_draws, n_columns), in little memory.

    Args:
        rows: shape (n_groups, n_columns).
        n_draws: how many sums to draw.
        weights: draws the weights of so many sums, shape (size, n_groups).
    """
    sums = np.zeros((n_draws, rows.shape[1]))
    if not len(rows):
        return sums
    # Wide rows do not stay in the cache, so each pass over them should serve more sums.
    wide = min(16, max(1, rows.shape[1] // 8))
    step = max(1, wide * _CELLS // len(rows))
    for start in range(0, n_draws, step):
        size = min(step, n_draws - start)
        sums[start : start + size] = weights(size).astype(np.float64) @ rows
    return sums


def interval_of(drawn: Floats, point: float, n_groups: int, level: float) -> Interval | None:
    """The middle ``level`` of the drawn figures; None under the conditions stated in `bootstrap`."""
    kept = defined(drawn, point, n_groups, level)
    if kept is None:
        return None
    low, high = np.quantile(kept, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), level)


def defined(drawn: Floats, point: float, n_groups: int, level: float) -> Floats | None:
    """The drawn figures that are not 0/0; None under the conditions stated in `bootstrap`."""
    kept = drawn[~np.isnan(drawn)]
    # Otherwise the interval would rest on the one or two groups that happen to contain something, and look narrow.
    too_few = len(drawn) - len(kept) > (1 - level) * len(drawn)
    return None if n_groups < 2 or math.isnan(point) or too_few else kept
