"""Figures worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from deidsynth.documents import Document, Entity
from deidsynth.metrics import Counts
from deidsynth.review.agreement import agreement, recall_interval

TEXT = "Anna Ek bor i Kil sedan maj"


def note(doc_id: str, *spans: tuple[int, int, str], group: str | None = None) -> Document:
    return Document(doc_id, TEXT, tuple(Entity(*span) for span in spans), group)


def test_counts_of_a_queue() -> None:
    corrected = [note("a", (0, 7, "NAME"), (14, 17, "CITY")), note("b", (0, 7, "NAME")), note("c")]
    predicted = [note("a", (0, 4, "NAME"), (14, 17, "CITY")), note("b", (0, 7, "NAME")), note("c", (24, 27, "NAME"))]
    found = agreement(corrected, predicted, 5, at_random=False)
    assert (found.n_sent, found.n_returned, found.n_unchanged) == (5, 3, 1)
    # Right: CITY in a, NAME in b. Wrong: NAME of a, which is too short, and that of c. Missed: NAME of a.
    assert found.counts["strict"] == Counts(2, 2, 1)
    # Tokens: Kil, and Anna in a; Anna and Ek in b. Missed: Ek in a. Wrong: maj in c.
    assert found.counts["token"] == Counts(4, 1, 1)
    assert found.counts["strict"].f1 == pytest.approx(4 / 7) and found.counts["token"].recall == 0.8
    assert found.recall == {} and "recall_interval" not in found.to_dict()["strict"]


def test_a_random_slice_has_intervals() -> None:
    corrected = [note("a", (0, 7, "NAME")), note("b", (0, 7, "NAME")), note("c", (14, 17, "CITY"))]
    found = agreement(corrected, corrected, 3, at_random=True).to_dict()
    # All found in three documents: Wilson's interval for 3 of 3, z = 1.959964: 1 / (1 + z^2 / 3).
    low, high = found["strict"]["recall_interval"]
    assert (round(low, 4), high) == (round(1 / (1 + 1.959964**2 / 3), 4), 1.0) == (0.4385, 1.0)


def test_documents_of_a_group_count_as_one_where_all_is_found() -> None:
    counts = np.array([[2, 0, 0], [1, 0, 0], [0, 1, 0]], dtype=np.float64)
    interval = recall_interval(counts, ["p", "p", "q"])
    assert interval is not None and interval.low == pytest.approx(1 / (1 + 1.959964**2), abs=1e-6)


def test_where_some_is_missed_groups_are_resampled() -> None:
    counts = np.array([[1, 0, 1], [1, 0, 1], [1, 0, 1]], dtype=np.float64)
    interval = recall_interval(counts, ["a", "b", "c"])
    assert interval is not None and interval.ends == (0.5, 0.5)
    assert recall_interval(counts[:1], ["a"]) is None  # nothing to resample
    assert recall_interval(np.array([[0.0, 3.0, 0.0]]), ["a"]) is None  # nothing to find


def test_nothing_came_back() -> None:
    assert agreement([], [], 4, at_random=True).to_dict() == {"n_sent": 4, "n_returned": 0, "n_unchanged": 0}
