"""Merging of hits: union of what overlaps, nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import get_args

import pytest
from hypothesis import given, strategies as st

from deidsynth.deidentification.found import Source
from deidsynth.deidentification.merging import Hit, merged
from deidsynth.documents import Document, Entity

TEXT = "Anna Berg skrev från anna.berg@example.org idag"


def hit(
    start: int, end: int, label: str, source: Source, score: float | None = None, *, is_stated: bool = False
) -> Hit:
    return Hit(Entity(start, end, label, score), source, is_stated)


def hits() -> st.SearchStrategy[list[Hit]]:
    spans = st.tuples(st.integers(0, 29), st.integers(1, 8)).map(lambda place: (place[0], min(30, sum(place))))
    scores = st.none() | st.floats(0, 1)
    entities = st.builds(lambda span, label, score: Entity(*span, label, score), spans, st.sampled_from("ABC"), scores)
    return st.lists(st.builds(Hit, entities, st.sampled_from(get_args(Source)), st.booleans()), max_size=12)


def covered(entities: Sequence[Entity]) -> set[int]:
    return {place for entity in entities for place in range(entity.start, entity.end)}


@given(hits())
def test_entities_cover_the_characters_of_hits_and_no_others(found: list[Hit]) -> None:
    entities = merged(Document("1", "x" * 30), found).document.entities
    assert covered(entities) == covered([each.entity for each in found])


@given(hits(), st.randoms(use_true_random=False))
def test_the_order_of_hits_does_not_matter(found: list[Hit], rng: object) -> None:
    shuffled = sorted(found, key=lambda _: rng.random())  # type: ignore[attr-defined]
    assert merged(Document("1", "x" * 30), shuffled) == merged(Document("1", "x" * 30), found)


@given(hits())
def test_merging_again_changes_nothing(found: list[Hit]) -> None:
    once = merged(Document("1", "x" * 30), found)
    again = [Hit(entity, source) for entity, source in zip(once.document.entities, once.sources, strict=True)]
    assert merged(once.document, again) == once


@given(hits())
def test_every_entity_has_label_source_and_best_score_of_its_hits(found: list[Hit]) -> None:
    result = merged(Document("1", "x" * 30), found)
    assert len(result.sources) == len(result.document.entities)
    for entity, source in zip(result.document.entities, result.sources, strict=True):
        inside = [each for each in found if entity.start <= each.entity.start and each.entity.end <= entity.end]
        widest = max(each.n_characters for each in inside)
        assert entity.label in {each.entity.label for each in inside if each.n_characters == widest}
        assert source in {each.source for each in inside}
        scores = [each.entity.score for each in inside if each.entity.score is not None]
        assert entity.score == max(scores, default=None)


def test_entities_that_touch_stay_two() -> None:
    found = merged(Document("1", TEXT), [hit(0, 5, "FIRST_NAME", "model", 0.9), hit(5, 9, "LAST_NAME", "model", 0.8)])
    assert found.document.entities == (Entity(0, 5, "FIRST_NAME", 0.9), Entity(5, 9, "LAST_NAME", 0.8))


def test_a_mail_address_by_pattern_is_one_whatever_the_model_saw_in_it() -> None:
    model = [hit(21, 25, "FIRST_NAME", "model", 0.7), hit(26, 30, "LAST_NAME", "model", 0.6)]
    found = merged(Document("1", TEXT), [*model, hit(21, 42, "EMAIL", "pattern")])
    assert found.document.entities == (Entity(21, 42, "EMAIL", 0.7),)
    assert found.sources == ("model",)


@pytest.mark.parametrize(
    ("other", "label"),
    [
        (hit(0, 9, "KNOWN", "known value", is_stated=True), "KNOWN"),
        (hit(0, 9, "KNOWN", "known value"), "MODEL"),
        (hit(0, 9, "PATTERN", "pattern"), "MODEL"),
        (hit(0, 9, "AGAIN", "second pass"), "MODEL"),
    ],
)
def test_of_equally_wide_hits_the_most_trusted_gives_the_label(other: Hit, label: str) -> None:
    found = merged(Document("1", TEXT), [other, hit(0, 9, "MODEL", "model", 0.5)])
    assert found.document.entities == (Entity(0, 9, label, 0.5),)


def test_sources_say_what_each_adds() -> None:
    found = merged(
        Document("1", TEXT),
        [
            hit(0, 4, "A", "second pass"),
            hit(0, 9, "B", "known value"),
            hit(21, 42, "C", "pattern"),
            hit(21, 30, "D", "second pass"),
            hit(43, 47, "E", "model"),
        ],
    )
    assert Counter(found.sources) == {"known value": 1, "pattern": 1, "model": 1}
