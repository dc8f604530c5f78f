"""Normalized text, and the way of entities into it and back."""

from __future__ import annotations

import re
import sys
import unicodedata
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings, strategies as st

from deidsynth.documents import Document, Entity
from deidsynth.normalization import normalize, normalized
from respelling import INVISIBLE, SPELLINGS, Spell, mixed, respelled
from tiny_models import NOTES, note

HARD = (
    "aBéåx1. \t\n\r\v\f\x1f\x85\u00a0\u2009\u202f\u2028\u3000\u00ad\u200b\u200c\u200d\u2060\ufeff\u202a"
    "\u0301\u0302\u0323\u05d0\u05b0\u06a9\u0915\u094d\u09c7\u09be\u1100\u1161\u11a8\uac00\u212b\u2126😀\ufe0f"
)
ANY = st.text(st.sampled_from(HARD) | st.characters(), max_size=24)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Åsa Ek", "Åsa Ek"),
        ("A\u030asa \u00a0\u202f\t Ek", "Åsa Ek"),
        ("  Åsa\u3000\n  Ek  ", " Åsa \n Ek "),
        ("\ufeffÅ\u00adsa\u200b \u200bE\u2060k\u200d", "Åsa Ek"),
        ("a\r\nb\rc\u2028d\u2029e\x85f\vg\fh\n\r\n", "a\nb\nc\nd\ne\nf\ng\nh\n\n"),
        ("e\u00ad\u0301", "é"),
        ("\u1112\u1161\u11ab\u212b", "한Å"),
        ("می\u200cخواهم 👩\u200d⚕", "می\u200cخواهم 👩\u200d⚕"),
        ("", ""),
        ("\u00ad", ""),
    ],
)
def test_texts(text: str, expected: str) -> None:
    assert normalize(text).text == expected


@settings(max_examples=500)
@given(ANY)
def test_normalized_text_is_normal(text: str) -> None:
    found = normalize(text).text
    assert normalize(found).text == found
    assert unicodedata.is_normalized("NFC", found)
    assert not re.search(r"[^\S \n]|  |\u00ad|\u200b|\ufeff", found)
    assert [line.split() for line in found.split("\n")] == [
        line.split(" ") if line else [] for line in map(str.strip, found.split("\n"))
    ]


@settings(max_examples=500)
@given(ANY)
def test_every_character_comes_from_a_place_of_its_own(text: str) -> None:
    seen = normalize(text)
    spans = list(zip(seen.starts, seen.ends, strict=True))
    assert len(spans) == len(seen.text)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(left == right or left[1] <= right[0] for left, right in pairwise(spans))
    for character, (start, end) in zip(seen.text, spans, strict=True):
        assert character in normalize(text[start:end]).text


def test_all_composed_characters_and_their_places() -> None:
    for character in map(chr, range(0x80, sys.maxunicode + 1)):
        parts = unicodedata.normalize("NFD", character)
        if parts == character or character.isspace() or unicodedata.category(character).startswith("M"):
            continue
        seen = normalize(f"a{parts}b")
        composed = unicodedata.normalize("NFC", character)
        assert seen.text == f"a{composed}b"
        (whole,) = seen.to_original([Entity(1, 1 + len(composed), "X")])
        assert (whole.start, whole.end) == (1, 1 + len(parts))


def _is_sound(text: str, start: int, end: int) -> bool:
    """Whether a span begins and ends with something to see, and parts no letter from its marks."""
    bare = str.maketrans("", "", "".join(INVISIBLE) + "\u200c")
    for place in (start, end):
        left, right = text[:place].translate(bare), text[place:].translate(bare)
        both = (unicodedata.normalize("NFC", each) for each in (left, right))
        if "".join(both) != unicodedata.normalize("NFC", left + right):
            return False
        if right and unicodedata.category(right[0]).startswith("M") and left and not left[-1].isspace():
            return False
    ends = text[start], text[end - 1]
    return not any(each.isspace() or unicodedata.category(each) == "Cf" for each in ends)


@st.composite
def sound_documents(draw: st.DrawFn) -> Document:
    text = draw(ANY)
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    spans = [span for span in pairwise(cuts) if draw(st.booleans()) and _is_sound(text, *span)]
    return Document("1", text, tuple(Entity(*span, draw(st.sampled_from(("NAME", "CITY")))) for span in spans))


@settings(max_examples=1000)
@given(sound_documents())
def test_entities_come_back_exactly(document: Document) -> None:
    seen = normalize(document.text)
    there = seen.to_normalized(document.entities)
    assert seen.to_original(there) == document.entities
    Document("1", seen.text, there)


@settings(max_examples=300)
@given(ANY, st.data())
def test_any_entities_find_a_place(text: str, data: st.DataObject) -> None:
    seen = normalize(text)

    def some(length: int) -> tuple[Entity, ...]:
        cuts = sorted(data.draw(st.sets(st.integers(0, length), max_size=8)))
        return tuple(Entity(start, end, "X") for start, end in pairwise(cuts))

    Document("1", seen.text, seen.to_normalized(some(len(text))))
    for entity in Document("1", text, seen.to_original(some(len(seen.text)))).entities:
        after = text[entity.end : entity.end + 1]
        assert not after or not unicodedata.category(after).startswith("M")


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
def test_one_document_in_many_spellings(spell: Spell) -> None:
    document = note(0, n_sentences=6)
    other = respelled(document, spell)
    assert other.text != document.text
    assert normalized(other) == document
    assert normalize(other.text).to_original(document.entities) == other.entities


@given(st.sampled_from(NOTES), st.integers(0, 10**6))
def test_one_document_in_any_mixture(document: Document, seed: int) -> None:
    other = respelled(document, mixed(Random(seed)))
    assert normalized(other) == document
    assert normalize(other.text).to_original(document.entities) == other.entities


def test_a_document_that_is_normal_is_left_as_it_is() -> None:
    assert normalized(NOTES[0]) is NOTES[0]


def test_entities_that_are_not_sound_are_mapped_to_whole_characters() -> None:
    seen = normalize("e\u0301x\u0302\u00ad\u00a0 \u00ad")
    assert seen.text == "éx\u0302 "
    assert seen.to_normalized([Entity(1, 3, "X"), Entity(4, 5, "Y"), Entity(6, 8, "Z")]) == (
        Entity(0, 2, "X"),
        Entity(3, 4, "Z"),
    )
    assert seen.to_original([Entity(0, 2, "X"), Entity(2, 3, "Y")]) == (Entity(0, 4, "X"),)


def test_long_sequences_take_time_in_proportion() -> None:
    text = "a" + "\u0301" * 50_000 + "e\u0301\u00ad\u200d\u00a0 " * 5_000
    assert unicodedata.is_normalized("NFC", normalize(text).text)
