"""How far a tagger agreed with the person who corrected it: pure functions on documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deidsynth.documents import Document
from deidsynth.metrics import Counts, Interval, bootstrap, score
from deidsynth.metrics.proportions import wilson_interval
from deidsynth.metrics.resampling import plain_interval

MEASURES = ("strict", "token")


@dataclass(frozen=True, slots=True)
class Agreement:
    """Predicted entities against corrected ones, for the documents of a queue that came back.

    Args:
        n_sent: documents of the queue.
        n_returned: of these, those that came back.
        n_unchanged: of these, those in which nothing was corrected.
        counts: by measure, with what the person left as gold; empty if nothing came back.
        recall: interval of the recall, by measure, for a queue that was drawn at random; None where the documents do
            not allow one.
    """

    n_sent: int
    n_returned: int
    n_unchanged: int
    counts: dict[str, Counts]
    recall: dict[str, Interval | None]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        measures: dict[str, dict[str, Any]] = {name: {**counts.to_dict()} for name, counts in self.counts.items()}
        for name, interval in self.recall.items():
            measures[name]["recall_interval"] = plain_interval(interval)
        return {
            "n_sent": self.n_sent,
            "n_returned": self.n_returned,
            "n_unchanged": self.n_unchanged,
            **measures,
        }


def agreement(
    corrected: Sequence[Document], predicted: Sequence[Document], n_sent: int, *, at_random: bool
) -> Agreement:
    """The agreement on the documents of one queue.

    Args:
        corrected: as they came back.
        predicted: the same documents as the tagger annotated them.
        n_sent: documents of the queue.
        at_random: whether the queue was drawn at random, so that its recall holds for all documents.
    """
    if not corrected:
        return Agreement(n_sent, 0, 0, {}, {})
    unchanged = [
        {entity.key for entity in one.entities} == {entity.key for entity in other.entities}
        for one, other in zip(corrected, predicted, strict=True)
    ]
    scores = score(corrected, predicted)
    recall = {name: recall_interval(scores.by_document[name], scores.units) for name in MEASURES} if at_random else {}
    counts = {name: scores.measures[name] for name in MEASURES}
    return Agreement(n_sent, len(corrected), sum(unchanged), counts, recall)


def recall_interval(counts: NDArray[np.float64], units: Sequence[str], *, level: float = 0.95) -> Interval | None:
    """The interval of a recall: by resampling groups of documents, or Wilson's where everything or nothing was found.

    Where all is found, every resample finds all; Wilson's interval then counts the groups with something to find, since
    the entities of one are not independent.

    Args:
        counts: tp, fp and fn of each document. Shape (n_documents, 3).
        units: group of each document.
        level: of the interval.

    Returns:
        None if there is nothing to find, or too little to resample.
    """
    found, missed = counts[:, 0].sum(), counts[:, 2].sum()
    if not found + missed:
        return None
    if not found or not missed:
        with_something = {unit for unit, row in zip(units, counts, strict=True) if row[0] + row[2]}
        return wilson_interval(1.0 if found else 0.0, len(with_something), level=level)
    return bootstrap(counts, units, level=level)["recall"]
