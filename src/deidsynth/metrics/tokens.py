"""What counts as a token and what counts as a word: one rule for every metric, for every language.

*Token* (entity scores): a run of letters, a run of digits, or one other non-blank character. A combining mark belongs
to the letter before it. Letters are Unicode category L, digits Nd, marks M; ``²`` and ``½`` are other characters.

*Word* (overlap of texts): a run of letters, marks and digits. Punctuation and blanks part words and are no words. Words
are compared without case, and a composed letter equals the same letter with a combining mark.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache
from itertools import groupby


@cache
def _stretches() -> tuple[tuple[str, int, int], ...]:
    """The general category, first and last code point of every stretch of Unicode that has one category."""
    stretches, start = [], 0
    for category, members in groupby(map(unicodedata.category, map(chr, range(sys.maxunicode + 1)))):
        end = start + sum(1 for _ in members)
        stretches.append((category, start, end - 1))
        start = end
    return tuple(stretches)


def _ranges(*categories: str) -> str:
    """The inside of a character class: every code point whose general category begins with one of ``categories``."""
    inside = [(first, last) for category, first, last in _stretches() if category.startswith(categories)]
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in inside)


@cache
def _token_pattern() -> re.Pattern[str]:
    letter, mark = f"[^\\W\\d_{_ranges('Nl', 'No')}]", f"[{_ranges('M')}]"
    return re.compile(f"{letter}(?:{letter}|{mark})*|\\d+|\\S")


@cache
def _word_pattern() -> re.Pattern[str]:
    return re.compile(f"(?:[^\\W_]|[{_ranges('M')}])+")


def token_spans(text: str) -> list[tuple[int, int]]:
    """Start and end of every token, in order, in code points.

    >>> token_spans("Dr. Åsa, 3kg")
    [(0, 2), (2, 3), (4, 7), (7, 8), (9, 10), (10, 12)]
    """
    return [match.span() for match in _token_pattern().finditer(text)]


def words(text: str) -> list[str]:
    """The words of a text in the form in which they are compared.

    >>> words("Ana García, 3-B")
    ['ana', 'garcía', '3', 'b']
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return _word_pattern().findall(text.casefold())
