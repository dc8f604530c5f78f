"""The spread of scores over folds and seeds."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass

from deidsynth.errors import InputError


@dataclass(frozen=True, slots=True)
class VarianceSplit:
    """Scores over folds and seeds, with their variance components.

    Args:
        mean: of all scores; None without scores.
        sd: standard deviation of all scores (n - 1 in the denominator); None with fewer than two.
        between_folds: variance component of the folds; None with one fold, or if no fold has two seeds.
        between_seeds: variance component of the seeds within a fold; None if no fold has two seeds.
        n_folds: number of folds.
        n_scores: number of scores.
    """

    mean: float | None
    sd: float | None
    between_folds: float | None
    between_seeds: float | None
    n_folds: int
    n_scores: int

    def to_dict(self) -> dict[str, float | int | None]:
        """Plain data."""
        return asdict(self)


def variance_split(scores: Mapping[tuple[Hashable, Hashable], float]) -> VarianceSplit:
    """Mean and spread of scores by (fold, seed), and the variance split into folds and seeds within folds.

    One-way random-effects analysis of variance: seeds are MSW, folds are (MSB - MSW) / n0 with
    n0 = (N - sum of n_i^2 / N) / (a - 1) for a folds with n_i scores, N in total; negative values become zero.
    Seeds are nested: seed 1 of one fold has nothing in common with seed 1 of another.

    Raises:
        InputError: a score is not finite.

    Source: Searle, Casella & McCulloch 1992, "Variance Components", chapter 3 (unbalanced data).

    >>> variance_split({("a", 1): 1.0, ("a", 2): 3.0, ("b", 1): 5.0, ("b", 2): 7.0}).between_folds
    7.0
    """
    if not all(math.isfinite(score) for score in scores.values()):
        raise InputError("a score is not finite; leave out the folds and seeds without a score")
    folds: dict[Hashable, list[float]] = {}
    for (fold, _), score in scores.items():
        folds.setdefault(fold, []).append(score)
    n_folds, n_scores = len(folds), len(scores)
    if not scores:
        return VarianceSplit(None, None, None, None, 0, 0)
    mean = _mean(list(scores.values()))
    squares = math.fsum((score - mean) ** 2 for score in scores.values())
    sd = math.sqrt(squares / (n_scores - 1)) if n_scores > 1 else None
    if n_scores == n_folds:
        return VarianceSplit(mean, sd, None, None, n_folds, n_scores)
    means = {fold: _mean(members) for fold, members in folds.items()}
    within = math.fsum((score - means[fold]) ** 2 for fold, members in folds.items() for score in members)
    seeds = within / (n_scores - n_folds)
    if n_folds == 1:
        return VarianceSplit(mean, sd, None, seeds, n_folds, n_scores)
    between = math.fsum(len(members) * (means[fold] - mean) ** 2 for fold, members in folds.items()) / (n_folds - 1)
    typical = (n_scores - sum(len(members) ** 2 for members in folds.values()) / n_scores) / (n_folds - 1)
    return VarianceSplit(mean, sd, max(0.0, (between - seeds) / typical), seeds, n_folds, n_scores)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
