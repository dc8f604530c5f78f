"""How far the figures of several runs or folds lie apart, and where that comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deidsynth.metrics.entities import Scores
from deidsynth.metrics.figures import Block, FigurePath, figures_of, label_block, measure_blocks, share_blocks
from deidsynth.metrics.resampling import (
    Floats,
    Interval,
    Resampling,
    check_options,
    defined,
    generator,
    interval_of,
    plain_interval,
    resample,
    sum_groups,
)
from deidsynth.metrics.variance import variance_split


@dataclass(frozen=True, slots=True)
class Variance:
    """Why a run's figure would be another: other documents, another training; None where the data cannot say."""

    documents: float | None
    training: float | None

    @property
    def training_share(self) -> float | None:
        """The share of training in both together."""
        if self.documents is None or self.training is None:
            return None
        both = self.documents + self.training
        return self.training / both if both else None


@dataclass(frozen=True, slots=True)
class FigureSpread:
    """One figure over runs or folds.

    Args:
        mean: None where every one is undefined, like the next.
        sd: standard deviation (n - 1); None with fewer than two.
        lowest: of all.
        highest: of all.
        interval: of the mean over runs.
        variance: of runs over the same documents; None for folds.
    """

    mean: float | None
    sd: float | None
    lowest: float | None
    highest: float | None
    interval: Interval | None = None
    variance: Variance | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON; interval and variance only for runs."""
        row: dict[str, Any] = {"mean": self.mean, "sd": self.sd, "lowest": self.lowest, "highest": self.highest}
        if self.variance is not None:
            row["interval"] = plain_interval(self.interval)
            row["variance"] = {"documents": self.variance.documents, "training": self.variance.training}
        return row


def spread(
    scores: Sequence[Scores], how: Resampling | None = None, *, same_documents: bool = False
) -> dict[FigurePath, FigureSpread]:
    """For every figure mean, SD (n - 1), lowest and highest; of runs over the same documents also where it comes from.

    ``interval`` and ``variance.documents`` are those of the mean over runs when documents are resampled by group, all
    runs with the same draws; ``variance.training`` is the variance over runs (n - 1). By the law of total variance the
    two add up to the variance of one run's figure over other documents and another training; the first is a little
    large for few runs, since their mean keeps 1/n of what documents do to each run in its own way. Runs where a figure
    is undefined are left out of mean, SD and ``variance.training``; intervals are None then.

    Args:
        scores: of each run or fold.
        how: resampling of documents; None leaves it out, as do folds.
        same_documents: whether the runs are over the same documents in the same order.

    Source: Searle et al. 1992, chapter 3, for the components; Efron & Tibshirani 1993, chapter 6, for the variance by
    resampling.
    """
    labels = sorted({label for each in scores for label in each.per_label})
    blocks = [_blocks(each, labels) for each in scores]
    points = [figures_of(each, np.hstack([block.rows for block in each]).sum(axis=0)) for each in blocks]
    drawn = _drawn_means(blocks, scores[0].units, how) if same_documents and how is not None else {}
    n_groups = len(set(scores[0].units))
    found: dict[FigurePath, FigureSpread] = {}
    for path in points[0]:
        values = np.array([float(each[path]) for each in points])
        known = values[~np.isnan(values)]
        split = variance_split({(0, number): float(value) for number, value in enumerate(known)})
        interval, documents = None, None
        if same_documents and how is not None:
            interval, documents = _between(drawn[path], float(values.mean()), n_groups, how.level)
        found[path] = FigureSpread(
            split.mean,
            split.sd,
            float(known.min()) if len(known) else None,
            float(known.max()) if len(known) else None,
            interval,
            Variance(documents, split.between_seeds) if same_documents else None,
        )
    return found


def _blocks(scores: Scores, labels: Sequence[str]) -> list[Block]:
    return [*measure_blocks(scores), *share_blocks(scores), label_block(scores, labels)]


def _drawn_means(
    blocks: Sequence[Sequence[Block]], units: Sequence[str], how: Resampling
) -> Mapping[FigurePath, Floats]:
    """Means over runs of every figure in every resample, shape (n_resamples,); NaN where one run has none."""
    check_options(how.level, how.n_resamples)
    rows = sum_groups(np.hstack([block.rows for each in blocks for block in each]), units)
    sums = resample(rows, how.n_resamples, generator(how.seed))
    width = rows.shape[1] // len(blocks)
    runs = [figures_of(each, sums[:, at * width : (at + 1) * width]) for at, each in enumerate(blocks)]
    return {path: np.mean([run[path] for run in runs], axis=0) for path in runs[0]}


def _between(drawn: Floats, point: float, n_groups: int, level: float) -> tuple[Interval | None, float | None]:
    """Interval and variance of a mean from those of the resamples; None where the data cannot give one."""
    kept, interval = defined(drawn, point, n_groups, level), interval_of(drawn, point, n_groups, level)
    if kept is None or interval is None:
        return None, None
    return interval, float(np.var(kept))
