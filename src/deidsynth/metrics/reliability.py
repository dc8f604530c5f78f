"""Calibration of the scores of predicted entities: of entities with score 0.9, nine in ten should be correct.

Correct is strict: start, end and label are those of a gold entity. Missed gold entities have no score and do not
count, so a tagger that finds little can be well calibrated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deidsynth.documents import Document
from deidsynth.errors import InputError
from deidsynth.metrics.entities import paired_documents

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Entities with a score in (lower, upper]; a score of 0 is in the first bin.

    Args:
        count: entities in the bin.
        mean_score: mean of their scores; None if the bin is empty.
        share_right: share of them that are correct; None if the bin is empty.
    """

    lower: float
    upper: float
    count: int
    mean_score: float | None
    share_right: float | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """How scores compare with the share of correct entities.

    Args:
        bins: of equal width, from 0 to 1.
        expected_calibration_error: in [0, 1], lower is better; None if no entity has a score.
        brier: mean of (score - outcome)^2 in [0, 1], lower is better; None if no entity has a score.
        n_scored: predicted entities with a score.
        n_without_score: predicted entities without one, which do not count.
    """

    bins: tuple[ReliabilityBin, ...]
    expected_calibration_error: float | None
    brier: float | None
    n_scored: int
    n_without_score: int

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {**asdict(self), "bins": [asdict(one) for one in self.bins]}


def calibration(gold: Sequence[Document], predicted: Sequence[Document], n_bins: int = 10) -> Calibration:
    """Reliability bins, expected calibration error and Brier score; documents are matched by id.

    The error is the mean over entities of \\|share correct - mean score\\| in their bin. The Brier score of the event
    "correct" is half of Brier's sum over both outcomes.

    Source: Guo et al. 2017 (On calibration of modern neural networks), section 2, equation 3; Brier 1950.

    Args:
        gold: documents with gold entities.
        predicted: the same texts with predicted entities, in any order.
        n_bins: number of bins of equal width, at least 1.

    Raises:
        InputError: an id is not unique, a document is only in gold or only in predicted, the texts of a document
            differ, or ``n_bins`` is less than 1.
    """
    if n_bins < 1:
        raise InputError(f"n_bins must be at least 1, got {n_bins}")
    scores: list[float] = []
    outcomes: list[bool] = []
    n_without_score = 0
    for right, found in paired_documents(gold, predicted):
        gold_keys = {entity.key for entity in right.entities}
        for entity in found.entities:
            if entity.score is None:
                n_without_score += 1
            else:
                scores.append(entity.score)
                outcomes.append(entity.key in gold_keys)
    return _calibration(np.array(scores, np.float64), np.array(outcomes, np.float64), n_bins, n_without_score)


def _calibration(scores: Floats, outcomes: Floats, n_bins: int, n_without_score: int) -> Calibration:
    """The calibration from scores and outcomes (0 or 1), each of shape (n_scored,)."""
    edges = np.arange(n_bins + 1) / n_bins
    # A score on an inner edge belongs to the bin below; k / n_bins is the same double as a score written in decimal.
    places = np.searchsorted(edges[1:-1], scores, side="left")
    counts = np.bincount(places, minlength=n_bins)
    score_sums = np.bincount(places, scores, minlength=n_bins)
    right_sums = np.bincount(places, outcomes, minlength=n_bins)
    bins = tuple(
        ReliabilityBin(
            lower=float(edges[number]),
            upper=float(edges[number + 1]),
            count=int(counts[number]),
            mean_score=float(score_sums[number] / counts[number]) if counts[number] else None,
            share_right=float(right_sums[number] / counts[number]) if counts[number] else None,
        )
        for number in range(n_bins)
    )
    n_scored = len(scores)
    return Calibration(
        bins=bins,
        # The sizes of the bins cancel: |B| / n * |right / |B| - score / |B|| is |right - score| / n.
        expected_calibration_error=float(np.abs(right_sums - score_sums).sum() / n_scored) if n_scored else None,
        brier=float(np.square(scores - outcomes).mean()) if n_scored else None,
        n_scored=n_scored,
        n_without_score=n_without_score,
    )
