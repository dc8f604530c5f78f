"""Overlap, partial credit, characters, documents, entities, macro averages, length: worked by hand."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from deidsynth.documents import Document, Entity
from deidsynth.metrics import Counts, score
from deidsynth.metrics.measures import MEASURES

TEXT = "Ana Ruiz, 54, visto en Lugo."
Span = tuple[int, int, str]


def document(*entities: Span, text: str = TEXT, doc_id: str = "a", group: str | None = None) -> Document:
    return Document(doc_id, text, tuple(Entity(*entity) for entity in entities), group)


GOLD = document((0, 3, "FIRST"), (4, 8, "LAST"), (10, 12, "AGE"), (23, 27, "PLACE"))
FOUND = document((0, 8, "FIRST"), (10, 12, "PLACE"), (20, 22, "PLACE"))


def test_overlap_wants_the_label_and_one_shared_character() -> None:
    # FIRST meets FIRST; the PLACE that stands on the age meets no PLACE.
    assert score([GOLD], [FOUND]).measures["overlap"] == Counts(1, 2, 3)


def test_partial_gives_half_a_point_for_a_wrong_boundary() -> None:
    # 0:8 shares four characters with LAST and three with FIRST, so it is LAST's; 54 is exact, its label does not count.
    assert score([GOLD], [FOUND]).measures["partial"] == Counts(1.5, 1.5, 2.5)


def test_semeval_2013_partial_on_one_long_for_two_short() -> None:
    gold, found = document((0, 3, "A"), (4, 8, "A")), document((0, 8, "B"))
    # One of the two is a partial match (0.5 of 1 predicted, 0.5 of 2 gold); the other is missed.
    counts = score([gold], [found]).measures["partial"]
    assert (counts.precision, counts.recall) == (0.5, 0.25)


def test_characters_do_not_count_white_space() -> None:
    # Ana, Ruiz, 54 found (9), "en" wrong (2), Lugo missed (4); the blank inside 0:8 counts on no side.
    assert score([GOLD], [FOUND]).measures["character"] == Counts(9, 2, 4)


def test_exposure_by_hand() -> None:
    assert score([GOLD], [FOUND]).exposure.to_dict() == {
        "characters_found": 9 / 13,
        "n_private_characters": 13,
        "characters_overredacted": 2 / 10,
        "n_other_characters": 10,
        "documents_without_miss": 0.0,
        "n_documents_with_entities": 1,
        "entities_without_miss": 3 / 4,
        "n_distinct_entities": 4,
    }


def test_an_entity_is_safe_when_every_mention_in_its_group_is_found() -> None:
    one = document((0, 3, "NAME"), text="Ana kom", doc_id="a", group="p")
    two = document((4, 7, "NAME"), text="Sen ANA igen", doc_id="b", group="p")
    other = document((0, 3, "NAME"), text="Ana gick", doc_id="c", group="q")
    found = score([one, two, other], [one, two.with_entities(()), other]).exposure
    assert (found.n_entities, found.n_entities_without_miss) == (2, 1)
    assert (found.n_documents, found.n_documents_without_miss) == (3, 2)


def test_two_predictions_that_cover_an_entity_hide_it() -> None:
    gold = document((0, 8, "NAME"))
    assert score([gold], [document((0, 3, "X"), (4, 8, "Y"))]).exposure.n_documents_without_miss == 1
    assert score([gold], [document((0, 3, "X"), (5, 8, "Y"))]).exposure.n_documents_without_miss == 0


def test_macro_is_the_mean_over_labels() -> None:
    gold = document((0, 3, "A"), (4, 8, "A"), (10, 12, "B"))
    found = document((0, 3, "A"), (23, 27, "C"))
    # A: P 1, R 1/2, F 2/3. B: P undefined, R 0, F 0. C: P 0, R undefined, F 0.
    assert score([gold], [found]).macro == pytest.approx({"precision": 1 / 3, "recall": 1 / 6, "f1": 2 / 9})


def test_bands_of_length_hold_every_document_once() -> None:
    gold = [document((0, 1, "A"), text="a " * n, doc_id=str(n)) for n in range(1, 9)]
    bands = score(gold, gold).by_length
    assert [(band.shortest, band.longest, band.n_documents) for band in bands] == [
        (1, 2, 2), (3, 4, 2), (5, 6, 2), (7, 8, 2),
    ]  # fmt: skip
    assert all(band.strict == Counts(2, 0, 0) for band in bands)
    alike = [document(text="a a", doc_id=str(n)) for n in range(5)]
    assert [band.n_documents for band in score(alike, alike).by_length] == [5]


def test_the_official_view_prints_zero_for_nothing() -> None:
    empty = score([document()], [document()], sentence_count=2).official()
    assert list(empty) == [
        "Subtask1_Leak",
        *(f"{task}_{what}" for task in ("Subtask1", "Subtask2Strict", "Subtask2Merged")
          for what in ("Precision", "Recall", "F1")),
    ]  # fmt: skip
    assert set(empty.values()) == {0.0}


@st.composite
def spans(draw: st.DrawFn) -> tuple[Span, ...]:
    cuts = sorted(draw(st.sets(st.integers(0, len(TEXT)), max_size=8)))
    return tuple((a, b, draw(st.sampled_from("AB"))) for a, b in zip(cuts[::2], cuts[1::2], strict=False))


@given(spans(), spans())
def test_counts_add_up_and_stricter_is_lower(gold: tuple[Span, ...], found: tuple[Span, ...]) -> None:
    scores = score([document(*gold)], [document(*found)])
    for name in ("strict", "span", "overlap", "partial"):
        counts = scores.measures[name]
        assert (counts.tp + counts.fn, counts.tp + counts.fp) == (len(gold), len(found))
    strict, span, overlap = (scores.measures[name].tp for name in ("strict", "span", "overlap"))
    assert strict <= span
    assert strict <= overlap
    for name in MEASURES:
        assert scores.by_document[name].sum(axis=0).tolist() == [
            getattr(scores.measures[name], side) for side in ("tp", "fp", "fn")
        ]


@given(spans())
def test_one_that_is_right_is_right_under_every_measure(gold: tuple[Span, ...]) -> None:
    scores = score([document(*gold)], [document(*gold)])
    assert all(counts.fp == counts.fn == 0 for counts in scores.measures.values())
