"""True positives, false positives and false negatives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


def ratio(part: float, whole: float) -> float | None:
    """The share, None for 0/0."""
    return part / whole if whole else None


@dataclass(frozen=True, slots=True)
class Counts:
    """True positives, false positives and false negatives, and the ratios they give.

    All are whole numbers unless a measure gives partial credit.

    >>> Counts(tp=6, fp=2, fn=6).f1
    0.6
    """

    tp: float = 0
    fp: float = 0
    fn: float = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn)

    @property
    def precision(self) -> float | None:
        """Share of the predicted items that are correct; None if nothing was predicted."""
        return ratio(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float | None:
        """Share of the gold items that were found; None if there is no gold item."""
        return ratio(self.tp, self.tp + self.fn)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; None if nothing is gold or predicted."""
        return ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def support(self) -> float:
        """Number of gold items."""
        return self.tp + self.fn

    def to_dict(self) -> dict[str, float | None]:
        """Plain data: ratios and counts."""
        return {
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "tp": self.tp,
            "fp": self.fp,
            "fn": self.fn,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The counts of what `to_dict` gave."""
        return cls(data["tp"], data["fp"], data["fn"])
