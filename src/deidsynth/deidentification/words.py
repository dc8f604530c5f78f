"""The words of a text, as known values and names are compared: without case and accents."""

from __future__ import annotations

import re
from dataclasses import dataclass

from deidsynth.folding import folded

_WORD = re.compile(r"(?:[^\W_][\u0300-\u036f]*)+")
_JOINTS = frozenset("-\u2010\u2011'\u2019")
_BLANKS = " \t\xa0"
_SENTENCE_ENDS = frozenset(".!?\n")


@dataclass(frozen=True, slots=True, repr=False)
class Word:
    """A run of letters and digits.

    Args:
        start: first character.
        end: one past the last one.
        form: without case and accents.
    """

    start: int
    end: int
    form: str


def words_of(text: str) -> list[Word]:
    """The words of a text, those of a compound with hyphens or apostrophes one by one."""
    return [Word(found.start(), found.end(), folded(found[0])) for found in _WORD.finditer(text)]


def forms_of(text: str) -> tuple[str, ...]:
    """The words of a text without case and accents."""
    return tuple(word.form for word in words_of(text))


def is_joined(text: str, left: Word, right: Word) -> bool:
    """Whether two words that follow each other are parts of one compound."""
    return right.start - left.end == 1 and text[left.end] in _JOINTS


def begins_sentence(text: str, word: Word) -> bool:
    """Whether nothing of its line or sentence stands before a word."""
    before = text[max(0, word.start - 8) : word.start].rstrip(_BLANKS + "-*\u2022\"'(\u00bf\u00a1")
    return word.start == 0 or not before or before[-1] in _SENTENCE_ENDS
