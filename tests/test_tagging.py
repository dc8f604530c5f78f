from __future__ import annotations

import itertools
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from deidsynth.documents import Entity, LabelScheme
from deidsynth.errors import ModelNotUsableError
from deidsynth.tagging import IGNORED, TagSet, decode, encode, trim, within_word

TAGS = TagSet.of(LabelScheme(("NAME", "CITY")))
LABELS = ("NAME", "CITY")
O, B_CITY, I_CITY, B_NAME, I_NAME = range(5)  # noqa: E741 - the field's own letter


@dataclass(frozen=True)
class Case:
    text: str
    entities: tuple[Entity, ...]
    offsets: tuple[tuple[int, int], ...]


def _pieces(places: list[int]) -> list[tuple[int, int]]:
    return list(itertools.pairwise(places))


@st.composite
def _entities(draw: st.DrawFn, cuts: list[int]) -> tuple[Entity, ...]:
    """Entities with ends among the cuts, which may touch."""
    chosen = sorted(set(draw(st.lists(st.sampled_from(cuts), max_size=8))))
    spans = [span for span in _pieces(chosen) if draw(st.booleans())]
    return tuple(Entity(start, end, draw(st.sampled_from(LABELS))) for start, end in spans)


TEXT = st.text(alphabet="aBé \n1,😀\u00a0\u0301", max_size=16)
# Characters that no token has, characters in the token, and whether it shares its first with the token before.
STEPS = st.tuples(st.integers(0, 1), st.integers(0, 4), st.booleans())


@st.composite
def any_case(draw: st.DrawFn) -> Case:
    """Entities and tokens that know nothing of each other; tokens may leave gaps, be empty, or share a character."""
    text = draw(TEXT)
    entities = draw(_entities(list(range(len(text) + 1))))
    offsets: list[tuple[int, int]] = []
    place = 0
    for gap, width, shared in draw(st.lists(STEPS, max_size=12)):
        start = min(len(text), max(0, place + gap - shared))
        place = min(len(text), max(place, start + width))
        offsets.append((start, place if width else start))
    return Case(text, entities, tuple(offsets))


@st.composite
def aligned_case(draw: st.DrawFn) -> Case:
    """Tokens that cover the text and begin and end wherever an entity does, whose ends are not blank.

    A blank before a token may be part of it, and a character may be cut into several tokens.
    """
    text = draw(TEXT)
    entities: list[Entity] = []
    for raw in draw(_entities(list(range(len(text) + 1)))):
        start, end = trim(text, raw.start, raw.end)
        if start < end:
            entities.append(Entity(start, end, raw.label))
    ends = {place for entity in entities for place in (entity.start, entity.end)}
    cuts = {0, len(text), *ends, *draw(st.lists(st.integers(0, len(text)), max_size=12))}
    offsets: list[tuple[int, int]] = []
    for start, end in _pieces(sorted(cuts)):
        before = start > 0 and text[start - 1].isspace() and draw(st.booleans())
        offsets += [(start - before, end)] * (draw(st.integers(1, 3)) if end - start == 1 else 1)
        offsets += [(end, end)] * draw(st.booleans())
    return Case(text, tuple(entities), tuple(sorted(offsets)))


@settings(max_examples=200)
@given(aligned_case())
def test_entities_come_back_where_tokens_end_where_they_do(case: Case) -> None:
    alignment = encode(case.text, case.entities, case.offsets, TAGS)
    assert decode(case.text, alignment.tags, case.offsets, TAGS) == case.entities
    assert alignment.misaligned == alignment.lost == ()


@settings(max_examples=200)
@given(any_case())
def test_what_does_not_come_back_is_exactly_what_is_called_misaligned(case: Case) -> None:
    alignment = encode(case.text, case.entities, case.offsets, TAGS)
    found = {entity.key for entity in decode(case.text, alignment.tags, case.offsets, TAGS)}
    gone = [number for number, entity in enumerate(case.entities) if entity.key not in found]
    assert list(alignment.misaligned) == gone
    assert set(alignment.lost) <= set(alignment.misaligned)
    begins = sum(tag in (B_NAME, B_CITY) for tag in alignment.tags)
    # Where tokens share a character, what is left of one may happen to be an entity that has no token of its own.
    assert begins <= len(case.entities) - len(alignment.lost)
    if all(left[1] <= right[0] for left, right in pairwise(case.offsets)):
        assert begins == len(case.entities) - len(alignment.lost)


@settings(max_examples=200)
@given(any_case())
def test_tags_are_valid_and_stand_at_the_right_tokens(case: Case) -> None:
    alignment = encode(case.text, case.entities, case.offsets, TAGS)
    assert len(alignment.tags) == len(case.offsets)
    allowed = TAGS.may_follow()
    last = len(TAGS)
    for tag, (start, end) in zip(alignment.tags, case.offsets, strict=True):
        assert (tag == IGNORED) == (start == end)
        if tag == IGNORED:
            continue
        assert allowed[last, tag]
        last = tag
        if tag == O:
            continue
        label = TAGS.tags[tag][2:]
        assert any(entity.label == label and entity.start < end and start < entity.end for entity in case.entities)


@settings(max_examples=200)
@given(any_case(), st.data())
def test_any_tags_decode_to_entities_that_may_stand_together(case: Case, data: st.DataObject) -> None:
    tags = [data.draw(st.sampled_from([IGNORED, *range(len(TAGS))])) for _ in case.offsets]
    found = decode(case.text, tags, case.offsets, TAGS)
    for entity in found:
        assert trim(case.text, entity.start, entity.end) == (entity.start, entity.end)
    assert all(left.end <= right.start for left, right in itertools.pairwise(found))


def _tags(text: str, offsets: list[tuple[int, int]], *entities: Entity) -> list[int]:
    return list(encode(text, entities, offsets, TAGS).tags)


def test_a_name_over_three_tokens_with_blanks_at_their_fronts() -> None:
    text = "Dr Ana Ek, Ås"
    offsets = [(0, 2), (2, 6), (6, 9), (9, 10), (10, 13)]
    tags = _tags(text, offsets, Entity(3, 9, "NAME"), Entity(11, 13, "CITY"))
    assert tags == [O, B_NAME, I_NAME, O, B_CITY]
    assert decode(text, tags, offsets, TAGS) == (Entity(3, 9, "NAME"), Entity(11, 13, "CITY"))


def test_a_blank_token_belongs_to_the_entity_around_it_and_not_to_one_beside_it() -> None:
    text = "a Ana Ek b"
    offsets = [(0, 1), (1, 2), (2, 5), (5, 6), (6, 8), (8, 9), (9, 10)]
    assert _tags(text, offsets, Entity(2, 8, "NAME")) == [O, O, B_NAME, I_NAME, I_NAME, O, O]
    assert _tags(text, offsets, Entity(2, 5, "NAME"), Entity(6, 8, "NAME")) == [O, O, B_NAME, O, B_NAME, O, O]


def test_touching_entities_of_one_label_stay_two() -> None:
    text, offsets = "AnaEk", [(0, 3), (3, 5)]
    tags = _tags(text, offsets, Entity(0, 3, "NAME"), Entity(3, 5, "NAME"))
    assert tags == [B_NAME, B_NAME]
    assert decode(text, tags, offsets, TAGS) == (Entity(0, 3, "NAME"), Entity(3, 5, "NAME"))


def test_an_emoji_cut_into_bytes_is_one_entity() -> None:
    text, offsets = "😀 a", [(0, 1), (0, 1), (0, 1), (0, 1), (1, 3)]
    tags = _tags(text, offsets, Entity(0, 1, "NAME"))
    assert tags == [B_NAME, I_NAME, I_NAME, I_NAME, O]
    assert decode(text, tags, offsets, TAGS) == (Entity(0, 1, "NAME"),)


def test_where_tokens_share_a_character_the_earlier_entity_keeps_it() -> None:
    found = decode("😀a", [B_NAME, B_CITY, I_CITY], [(0, 1), (0, 1), (1, 2)], TAGS)
    assert found == (Entity(0, 1, "NAME"), Entity(1, 2, "CITY"))
    assert decode("😀", [B_NAME, B_CITY], [(0, 1), (0, 1)], TAGS) == (Entity(0, 1, "NAME"),)


def test_a_token_of_zero_width_inside_an_entity_does_not_part_it() -> None:
    text, offsets = "Ana Ek", [(0, 0), (0, 3), (4, 4), (4, 6), (0, 0)]
    tags = _tags(text, offsets, Entity(0, 6, "NAME"))
    assert tags == [IGNORED, B_NAME, IGNORED, I_NAME, IGNORED]
    assert decode(text, [O, B_NAME, O, I_NAME, O], offsets, TAGS) == (Entity(0, 6, "NAME"),)


def test_a_boundary_inside_a_token_is_misaligned_and_not_lost() -> None:
    alignment = encode("xAna y", (Entity(1, 4, "NAME"),), [(0, 4), (4, 6)], TAGS)
    assert (alignment.misaligned, alignment.lost) == ((0,), ())
    assert decode("xAna y", alignment.tags, [(0, 4), (4, 6)], TAGS) == (Entity(0, 4, "NAME"),)


def test_a_token_that_two_entities_share_goes_to_the_first_and_the_other_is_lost() -> None:
    alignment = encode("AnaEk", (Entity(0, 3, "NAME"), Entity(3, 5, "CITY")), [(0, 5)], TAGS)
    assert alignment.tags == (B_NAME,)
    assert (alignment.misaligned, alignment.lost) == ((0, 1), (1,))


def test_an_entity_without_a_token_or_of_blanks_alone_is_lost() -> None:
    alignment = encode("a \x07  b", (Entity(2, 3, "NAME"), Entity(3, 5, "NAME")), [(0, 1), (3, 5), (5, 6)], TAGS)
    assert alignment.tags == (O, O, O)
    assert alignment.lost == (0, 1)


def test_blank_tokens_at_the_end_of_an_entity_are_outside() -> None:
    assert _tags("Ana  b", [(0, 3), (3, 4), (4, 5), (5, 6)], Entity(0, 5, "NAME")) == [B_NAME, O, O, O]


def test_a_blank_at_the_end_of_an_entity_makes_it_misaligned() -> None:
    alignment = encode("Ana b", (Entity(0, 4, "NAME"),), [(0, 3), (3, 4), (4, 5)], TAGS)
    assert alignment.tags == (B_NAME, O, O)
    assert (alignment.misaligned, alignment.lost) == ((0,), ())


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ([I_NAME, I_NAME, O], [(0, 3, "NAME")]),
        ([O, I_NAME, I_NAME], [(2, 5, "NAME")]),
        ([B_CITY, I_NAME, I_NAME], [(0, 1, "CITY"), (2, 5, "NAME")]),
        ([B_NAME, O, I_NAME], [(0, 1, "NAME"), (4, 5, "NAME")]),
    ],
)
def test_inside_without_a_beginning_begins_an_entity(tags: list[int], expected: list[tuple[int, int, str]]) -> None:
    found = decode("a b c", tags, [(0, 1), (1, 3), (3, 5)], TAGS)
    assert [entity.key for entity in found] == expected


def test_an_entity_gets_the_lowest_score_of_its_tokens() -> None:
    found = decode("a b c", [B_NAME, I_NAME, B_CITY], [(0, 1), (1, 3), (3, 5)], TAGS, scores=[0.9, 0.25, 0.5])
    assert [(entity.key, entity.score) for entity in found] == [((0, 3, "NAME"), 0.25), ((4, 5, "CITY"), 0.5)]


def test_tags_of_a_scheme_are_outside_first_then_pairs_by_label() -> None:
    assert TAGS.tags == ("O", "B-CITY", "I-CITY", "B-NAME", "I-NAME")
    assert TAGS.scheme == LabelScheme(("CITY", "NAME"))


def test_inside_may_follow_only_its_own_kind() -> None:
    expected = np.ones((6, 5), dtype=bool)
    expected[:, [I_CITY, I_NAME]] = False
    expected[[B_CITY, I_CITY], I_CITY] = True
    expected[[B_NAME, I_NAME], I_NAME] = True
    assert (TAGS.may_follow() == expected).all()


@pytest.mark.parametrize(
    "tags",
    [
        ("B-X", "I-X"),
        ("O", "O", "B-X", "I-X"),
        ("O", "B-X"),
        ("O", "I-X"),
        ("O", "B-X", "I-Y"),
        ("O", "B-X", "I-X", "B-X"),
        ("O", "B-X", "I-X", "S-X"),
        ("LABEL_0", "LABEL_1"),
        ("O", "B-", "I-"),
        ("O", "B-first name", "I-first name"),
    ],
)
def test_other_tags_are_refused(tags: tuple[str, ...]) -> None:
    with pytest.raises(ModelNotUsableError, match="the tags must be O once and a pair B-X, I-X"):
        TagSet(tags)


def test_numbers_of_tags_may_be_in_any_order() -> None:
    tags = TagSet(("I-X", "O", "B-X"))
    assert (tags.outside, tags.begin, tags.inside) == (1, {"X": 2}, {"X": 0})
    assert decode("a b", [2, 0], [(0, 1), (1, 3)], tags) == (Entity(0, 3, "X"),)


def test_in_a_word_only_what_it_is_may_go_on() -> None:
    expected = np.zeros((5, 5), dtype=bool)
    expected[O, O] = True
    expected[[B_CITY, I_CITY], I_CITY] = True
    expected[[B_NAME, I_NAME], I_NAME] = True
    assert (TAGS.may_continue() == expected).all()


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("Ana", [1, 2]),
        ("12 3", [1]),
        ("a1b", []),
        ("AnaEk", [1, 2, 4]),
        ("PACIENTEAna", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        ("a, b.", []),
        ("Ae\u0301a", [1, 2, 3]),
        ("e\u0301Ek", [1, 3]),
        (" \u0301", []),
        ("", []),
    ],
)
def test_where_a_boundary_cuts_a_word(text: str, inside: list[int]) -> None:
    assert [place for place in range(-1, len(text) + 2) if within_word(text, place)] == inside
