"""The forms in which a value may be written: exactly as it was, or with another case, accents, initials, separators.

*Exact*: the characters of the normalized text (`deidsynth.normalization`), between word boundaries.

*Normalized*: letters without case and accents, words without what stands between them; a name also with its first
words as initials and with its last words first (``Lindner, A.``); a date as day, month and year of the century, in
numbers or with the name of the month in a language of `deidsynth.surrogates.dates`; a number without separators. A date
in numbers has each reading that it allows, day or month or year first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

from deidsynth.folding import folded
from deidsynth.privacy.audit.identifiers import LEAST_DIGITS, Identifier
from deidsynth.surrogates.dates import MONTHS

Form = str
"""Words with a blank between them, ``#`` and a number, or ``@`` and a date."""

MOST_PIECES = 8
"""Words that a number may be written in."""
_SHORT = 3
"""Letters of a word that may be part of a number, such as those of a license plate."""
_MOST_NAME_WORDS = 5
_SHORTEST_DATE = len("3 19")  # without the name of the month

_WITH_DIGITS = re.compile(r"\d\S*(?: \S*\d\S*)*")
"""Words with digits in a row, from the first digit on."""
_ENDING = "(?:st|nd|rd|th|o|e|a)?"
_DAY = re.compile(rf"(\d\d?){_ENDING}")
_NAMED_MONTH = re.compile(
    rf"(?<!\S)(\d\d?){_ENDING} (?:(?:de|den|of) )?([^\W\d]+) (?:(?:de|del|of) )?(\d\d(?:\d\d)?)(?!\S)"
)


def normalized_forms(identifier: Identifier) -> set[Form]:
    """All normalized forms of a value; none if it has neither letters nor digits."""
    text = folded(identifier.text)
    if identifier.kind in {"date", "date_part"}:
        found = _whole_dates(text)
        if found:
            return found
    words = text.split()
    number = _number(words)
    if number:
        return {number}
    if identifier.is_name and 1 < len(words) <= _MOST_NAME_WORDS and not any(map(_has_digit, words)):
        return {" ".join(each) for each in _names(words)}
    return {text} if text else set()


def forms_as_written(text: str) -> set[Form]:
    """The normalized forms that a whole text is: its words, a number, the dates in it.

    Args:
        text: folded.
    """
    number = _number(text.split())
    return {text, *_whole_dates(text), *([number] if number else ())}


def numbers_and_dates(text: str) -> Iterator[Form]:
    """All numbers and all readings of full dates that stand in a text, as one or several of its words.

    Args:
        text: folded.
    """
    months = _months()
    for match in _NAMED_MONTH.finditer(text):
        if match[2] in months:
            yield from _date(match[1], months[match[2]], match[3])
    for match in _WITH_DIGITS.finditer(text):
        if match.end() - match.start() < _SHORTEST_DATE:
            continue
        start = text.rfind(" ", 0, match.start()) + 1
        before = text[text.rfind(" ", 0, max(start - 1, 0)) + 1 : max(start - 1, 0)]
        words = text[start : match.end()].split()
        day = _DAY.fullmatch(words[0])
        if before in months and day and len(words) > 1:
            yield from _date(day[1], months[before], words[1])
        for place in range(len(words)):
            yield from _date_in_numbers(words[place : place + 3])
        if match.end() - match.start() >= LEAST_DIGITS:
            end = text.find(" ", match.end() + 1)
            yield from _numbers(before, words, text[match.end() + 1 : end if end >= 0 else len(text)])


def _numbers(before: str, words: list[str], after: str) -> Iterator[Form]:
    """All numbers of words with digits in a row, and of a short word on either side."""
    if before and len(before) <= _SHORT:
        words = [before, *words]
    if after and len(after) <= _SHORT:
        words = [*words, after]
    for start in range(len(words)):
        number = ""
        for word in words[start : start + MOST_PIECES]:
            number += word
            if len(number) >= LEAST_DIGITS:
                yield f"#{number}"


def _whole_dates(text: str) -> set[Form]:
    return {form for form in numbers_and_dates(text) if form.startswith("@")}


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


def _date_in_numbers(words: Sequence[str]) -> Iterator[Form]:
    """The readings of a date that begins with the first of up to three words."""
    first = words[0]
    if not first.isdecimal():
        return
    if len(first) == len("20190503"):
        yield from _date(first[6:], first[4:6], first[:4])
        yield from _date(first[:2], first[2:4], first[4:])
    if len(words) < 3 or len(words[1]) > 2 or not (words[1].isdecimal() and words[2].isdecimal()):
        return
    _, second, third = words
    if len(first) <= 2:
        yield from _date(first, second, third)
        yield from _date(second, first, third)
    if len(third) <= 2:
        yield from _date(third, second, first)


def _date(day: str, month: str, year: str) -> Iterator[Form]:
    """The date, if there is one; the century does not count."""
    if len(year) in {2, 4} and year.isdecimal() and 1 <= int(day) <= 31 and 1 <= int(month) <= 12:
        yield f"@{int(day)}-{int(month)}-{int(year) % 100}"


@cache
def _months() -> dict[str, str]:
    """The number of each name of a month, and of its short forms."""
    found: dict[str, str] = {}
    for language, names in MONTHS.items():
        for number, name in enumerate(names, start=1):
            word = folded(name)
            for length in (len(word), *((3, 4) if language != "fi" else ())):
                found.setdefault(word[:length], str(number))
    return found


def _has_digit(word: str) -> bool:
    return any(map(str.isdecimal, word))
