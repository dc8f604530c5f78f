"""The definitions of token and word: one rule for all metrics and languages.

*Token* (entity scores): a run of letters, a run of digits, or one other non-blank character. A combining mark belongs
to the letter before it. Letters are Unicode category L, digits Nd, marks M; ``²`` and ``½`` are other characters.

*Word* (text overlap): a run of letters, marks and digits in the normalized text (`deidsynth.normalization`), so that
soft hyphens do not separate words, and a precomposed letter equals the same letter with a combining mark. Punctuation
and blanks separate words. Words are compared case-insensitively.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache
from itertools import groupby

from deidsynth.normalization import is_mark, normalize


@cache
def _category_ranges() -> tuple[tuple[str, int, int], ...]:
    """General category, first and last code point of every Unicode range with a single category."""
    ranges, start = [], 0
    for category, members in groupby(map(unicodedata.category, map(chr, range(sys.maxunicode + 1)))):
        end = start + sum(1 for _ in members)
        ranges.append((category, start, end - 1))
        start = end
    return tuple(ranges)


def _ranges(*categories: str) -> str:
    """The content of a character class: all code points whose general category begins with one of ``categories``."""
    inside = [(first, last) for category, first, last in _category_ranges() if category.startswith(categories)]
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in inside)


@cache
def _token_pattern() -> re.Pattern[str]:
    letter, mark = f"[^\\W\\d_{_ranges('Nl', 'No')}]", f"[{_ranges('M')}]"
    return re.compile(f"{letter}(?:{letter}|{mark})*|\\d+|\\S")


@cache
def _word_pattern() -> re.Pattern[str]:
    return re.compile(f"(?:[^\\W_]|[{_ranges('M')}])+")


_WITHOUT_MARKS = re.compile(r"[^\W_]+")  # ten times as fast, and the same where no mark is


def token_spans(text: str) -> list[tuple[int, int]]:
    """Start and end of every token, in order, in code points.

    >>> token_spans("Dr. Åsa, 3kg")
    [(0, 2), (2, 3), (4, 7), (7, 8), (9, 10), (10, 12)]
    """
    return [match.span() for match in _token_pattern().finditer(text)]


def words(text: str) -> list[str]:
    """The words of a text, normalized for comparison.

    >>> words("Ana García, 3-B")
    ['ana', 'garcía', '3', 'b']
    """
    seen = normalize(text).text.casefold()
    pattern = _word_pattern() if any(map(is_mark, set(seen))) else _WITHOUT_MARKS
    return pattern.findall(seen)
