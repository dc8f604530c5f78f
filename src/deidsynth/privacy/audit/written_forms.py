"""The forms in which a value may be written: exactly as it was, or with another case, accents, initials, separators.

*Exact*: the characters of the normalized text (`deidsynth.normalization`), between word boundaries.

*Normalized*: letters without case and accents, words without what stands between them; a name also with its first
words as initials and with its last words first (``Lindner, A.``); a date as day, month and year of the century, in
numbers or with the name of the month in a language of `deidsynth.surrogates.dates`; a number without separators. A date
in numbers has each reading that it allows, day or month or year first.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache

from deidsynth.privacy.audit.identifiers import LEAST_DIGITS, Identifier
from deidsynth.surrogates.dates import MONTHS

Form = str
"""Words with a blank between them, ``#`` and a number, or ``@`` and a date."""

MOST_PIECES = 8
"""Parts that a number may be written in."""
_SHORT = 3
"""Letters that may be part of a number, such as those of a license plate."""
_MOST_NAME_WORDS = 5
_WORD = re.compile(r"[^\W_]+")
_UNSEEN = re.compile(
    "[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20f0\ufe20-\ufe2f\xad\u200b-\u200f\u2060\ufeff]+"
)
"""Combining marks, and invisible characters within words."""
_LINKS = frozenset({"de", "del", "den", "of", "the"})
_ORDINAL = re.compile(r"(\d\d?)(?:st|nd|rd|th|o|e|a)")


def folded(text: str) -> list[str]:
    """The words of a text without case, accents and punctuation.

    >>> folded("Åsa GARCÍA-López, 3º")
    ['asa', 'garcia', 'lopez', '3o']
    """
    if not text.isascii():
        text = _UNSEEN.sub("", unicodedata.normalize("NFKD", text.casefold()))
    return _WORD.findall(text.casefold())


def normalized_forms(identifier: Identifier) -> set[Form]:
    """All normalized forms of a value; none if it has neither letters nor digits."""
    words = folded(identifier.text)
    if identifier.kind in {"date", "date_part"}:
        found = {form for form in numbers_and_dates(words) if form.startswith("@")}
        if found:
            return found
    number = _number(words)
    if number:
        return {number}
    if identifier.is_name and 1 < len(words) <= _MOST_NAME_WORDS and not any(map(_has_digit, words)):
        return {" ".join(each) for each in _names(words)}
    return {" ".join(words)} if words else set()


def forms_as_written(words: Sequence[str]) -> set[Form]:
    """The forms that some words are as a whole: themselves, a number, a date."""
    number = _number(words)
    found = {form for form in numbers_and_dates(words) if form.startswith("@") or form == number}
    return {" ".join(words), *found}


def numbers_and_dates(words: Sequence[str]) -> Iterator[Form]:
    """All numbers and all readings of full dates that stand in a text, as one or several of its words."""
    places = [place for place, word in enumerate(words) if not word.isalpha() and _has_digit(word)]
    yield from _numbers(words, places)
    yield from _dates(words, places)


def _numbers(words: Sequence[str], places: Sequence[int]) -> Iterator[Form]:
    for first, end in _runs(words, places):
        if sum(map(len, words[first:end])) < LEAST_DIGITS:
            continue
        for start in range(first, end):
            number = ""
            for word in words[start : min(end, start + MOST_PIECES)]:
                number += word
                if len(number) >= LEAST_DIGITS:
                    yield f"#{number}"


def _dates(words: Sequence[str], places: Sequence[int]) -> Iterator[Form]:
    months = _months()
    for place in places:
        yield from _date_in_numbers(words[place : place + 3])
        day = _day(words[place])
        if day is None:
            continue
        if place and words[place - 1] in months and place + 1 < len(words):
            yield from _date(day, months[words[place - 1]], words[place + 1])
        after = _skip(words, place + 1)
        if after < len(words) and words[after] in months:
            year = _skip(words, after + 1)
            if year < len(words):
                yield from _date(day, months[words[after]], words[year])


def _names(words: list[str]) -> Iterator[list[str]]:
    """A name whole, with initials, and each of them with its last words first."""
    yield words
    for n_initials in (1, 2):
        if n_initials < len(words):
            yield [*(word[0] for word in words[:n_initials]), *words[n_initials:]]
    for turn in range(1, len(words)):
        yield [*words[turn:], *words[:turn]]
        yield [*words[turn:], *(word[0] for word in words[:turn])]


def _number(words: Sequence[str]) -> Form | None:
    """The number that some words are; None if they are none."""
    if not words or len(words) > MOST_PIECES or not all(_has_digit(word) or len(word) <= _SHORT for word in words):
        return None
    number = "".join(words)
    return f"#{number}" if sum(map(str.isdecimal, number)) >= LEAST_DIGITS else None


def _runs(words: Sequence[str], places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Start and end of the runs of words with digits, and a short word on either side."""
    at = 0
    while at < len(places):
        last = at
        while last + 1 < len(places) and places[last + 1] == places[last] + 1:
            last += 1
        first, end = places[at], places[last] + 1
        if first and len(words[first - 1]) <= _SHORT:
            first -= 1
        if end < len(words) and len(words[end]) <= _SHORT:
            end += 1
        yield first, end
        at = last + 1


def _date_in_numbers(words: Sequence[str]) -> Iterator[Form]:
    if words[0].isdecimal() and len(words[0]) == 8:
        whole = words[0]
        yield from _date(whole[6:], whole[4:6], whole[:4])
        yield from _date(whole[:2], whole[2:4], whole[4:])
    if len(words) < 3 or not all(word.isdecimal() for word in words):
        return
    first, second, third = words
    if len(second) > 2 or len(first) == len(third) == 4:
        return
    if len(third) in {2, 4} and len(first) <= 2:
        yield from _date(first, second, third)
        yield from _date(second, first, third)
    if len(first) in {2, 4} and len(third) <= 2:
        yield from _date(third, second, first)


def _date(day: str, month: str, year: str) -> Iterator[Form]:
    """The date, if there is one; the century does not count."""
    if year.isdecimal() and len(year) in {2, 4} and 1 <= int(day) <= 31 and 1 <= int(month) <= 12:
        yield f"@{int(day)}-{int(month)}-{int(year) % 100}"


def _day(word: str) -> str | None:
    if word.isdecimal():
        return word if len(word) <= 2 else None
    ordinal = _ORDINAL.fullmatch(word)
    return ordinal[1] if ordinal else None


def _skip(words: Sequence[str], place: int) -> int:
    return place + 1 if place < len(words) and words[place] in _LINKS else place


@cache
def _months() -> dict[str, str]:
    """The number of each name of a month, and of its short forms."""
    found: dict[str, str] = {}
    for language, names in MONTHS.items():
        for number, name in enumerate(names, start=1):
            (word,) = folded(name)
            for length in (len(word), *((3, 4) if language != "fi" else ())):
                found.setdefault(word[:length], str(number))
    return found


def _has_digit(word: str) -> bool:
    return any(map(str.isdecimal, word))
