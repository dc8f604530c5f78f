"""Reading the dates in a text as pieces with roles, so that the same text can be written with other dates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from deidsynth.surrogates.dates import (
    MONTHS,
    PIECES,
    is_date_name,
    is_padded,
    months_of,
    name_position,
    order_in_one_number,
    piece_roles,
    weekdays_of,
)
from deidsynth.surrogates.known_words import is_known

_CLOCK = re.compile(
    r"(?<!\d)\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s*(?:[ap]\.?\s?m\b\.?|h(?:rs?)?\b\.?))?(?:\s?[+-]\d{2}:\d{2}(?!\d))?"
    r"|\b(?:kl|klockan)\.?\s?\d{1,2}(?:\.\d{2})?(?![\d:])|(?<!\d)\d{1,2}(?:\.\d{2})?\s?h(?:rs?)?\b\.?",
    re.IGNORECASE,
)
ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th)\b|(?<=\d):[ea]\b|(?<=\d)[ºª]", re.IGNORECASE)
"""What makes a number an ordinal one."""
_JOINT = re.compile(
    r"\s*(?:[,;&]|\b(?:y|e|a|al|hasta|och|till|and|to|until|und|bis|et|au|og|til|en|tot)\b|(?<=\s)-(?=\s)|[–—])\s*"
)
_BEFORE_YEAR = re.compile(r"\s*[-/'’]\s*|\s+(?:de|del)\s+'?")
_SEPARATOR = re.compile(r"\s*[-/.]\s*")
_YEARS = range(1800, 2200)


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a date.

    Args:
        start: in the text.
        end: one past its end there.
        role: y, m, d, M (name of a month), W (name of a day) or c (a whole date in one number).
        order: of a whole date in one number, such as ``ymd``.
    """

    start: int
    end: int
    role: str
    order: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class ReadDate:
    """A date as it is written.

    Args:
        pieces: in order of text.
        language: of its names.
        year: of four digits, or of two; None if it is not written.
        month: from 1 to 12, or None.
        day: of the month, or None.
        weekday: from 0, or None.
        padded: whether days and months have two digits.
    """

    pieces: tuple[Piece, ...]
    language: str
    year: int | None = None
    month: int | None = None
    day: int | None = None
    weekday: int | None = None
    padded: bool = False

    @property
    def has_century(self) -> bool:
        """Whether its year has four digits."""
        return self.year is not None and self.year >= 100


def read_dates(text: str, language: str) -> list[ReadDate] | None:
    """All dates in a text that is nothing else; none for a clock time alone, None for a text that cannot be read.

    Args:
        text: such as ``01/15/2020 14:30``, ``3 de mayo``, ``2007-2010``.
        language: of the text, whose order and names go before those of other languages.
    """
    rest = text
    for outside in (_CLOCK, ORDINAL):
        rest = outside.sub(lambda found: " " * len(found[0]), rest)
    if not PIECES.search(rest):
        return [] if _CLOCK.search(text) else None
    whole = _read(rest, 0, len(rest), language)
    if whole is not None:
        return whole
    parts = [_read(rest, start, end, language) for start, end in _parts(rest)]
    if len(parts) < 2 or None in parts:
        return None
    return [each for part in parts for each in part or ()]


def _parts(text: str) -> Iterator[tuple[int, int]]:
    """Where the parts of a text are that a word or a character joins, such as two dates."""
    last = 0
    for joint in _JOINT.finditer(text):
        if PIECES.search(text, last, joint.start()):
            yield last, joint.start()
            last = joint.end()
    if PIECES.search(text, last):
        yield last, len(text)


def _read(text: str, start: int, end: int, language: str) -> list[ReadDate] | None:
    """One date, or several bare years, in a part of a text, as the first of the languages that can be."""
    matches = list(PIECES.finditer(text, start, end))
    for names in dict.fromkeys([language, "en", *MONTHS]):
        pieces = _pieces(matches, text, language, names)
        if pieces is None:
            continue
        if len(pieces) > 1 and all(piece.role == "y" for piece in pieces):
            read = [_dated([piece], text, names) for piece in pieces]
        else:
            read = [_dated(pieces, text, names)]
        if None not in read:
            return [each for each in read if each is not None]
    return None


def _pieces(matches: Sequence[re.Match[str]], text: str, language: str, names: str) -> list[Piece] | None:
    """The pieces that are of dates; None if there are numbers or words that are neither known nor of a date."""
    found = list[Piece]()
    for match, role in zip(matches, piece_roles(list(matches), text, names), strict=True):
        if role == "#":
            return None
        if role == "word" and name_position(match[0], weekdays_of(names)) is not None:
            role = "W"
        if role == "word":
            if is_date_name(match[0], language) or not (
                is_known(match[0], "date", language) or is_known(match[0], "date", names)
            ):
                return None
            continue
        order = order_in_one_number(match[0], names) if role == "c" else ""
        found.append(Piece(match.start(), match.end(), role, order))
    return _month_and_year(found, text) if found else None


def _month_and_year(pieces: list[Piece], text: str) -> list[Piece]:
    """The pieces, a number beside a year being its month, and one after a month being a year, rather than a day."""
    roles = "".join(piece.role for piece in pieces)
    for index, piece in enumerate(pieces):
        if piece.role != "d":
            continue
        other = pieces[index - 1] if index and roles[index - 1] in "yM" else pieces[(index + 1) % len(pieces)]
        between = text[min(piece.end, other.end) : max(piece.start, other.start)]
        number = int(text[piece.start : piece.end])
        if roles in {"dy", "yd"} and between in {"/", "-", "."}:
            pieces[index] = Piece(piece.start, piece.end, "m")
        if roles == "Md" and piece.end - piece.start == 2 and (number > 31 or _BEFORE_YEAR.fullmatch(between)):
            pieces[index] = Piece(piece.start, piece.end, "y")
    return pieces


def _dated(pieces: Sequence[Piece], text: str, names: str) -> ReadDate | None:
    """The date of some pieces; None if they make none."""
    values: dict[str, int] = {}
    for piece in pieces:
        written = text[piece.start : piece.end]
        for role, value in _values(piece, written, names):
            if role in values:
                return None
            values[role] = value
    year, month, day, weekday = (values.get(role) for role in "ymdW")
    if year is not None and year >= 100 and year not in _YEARS:
        return None
    if day is not None and (month is None or not _together(pieces, text)):
        return None
    if month is not None and not _exists(year, month, day):
        return None
    if all(piece.role == "m" for piece in pieces):
        return None
    numbers = [text[piece.start : piece.end] for piece in pieces if piece.role in "dm"]
    padded = is_padded(numbers, has_month_name="M" in {piece.role for piece in pieces})
    return ReadDate(tuple(pieces), names, year, month, day, weekday, padded)


def _together(pieces: Sequence[Piece], text: str) -> bool:
    """Whether a day has numbers separated as in dates, or a name of a month before a short year."""
    roles = "".join(piece.role for piece in pieces if piece.role != "W")
    if "M" in roles:
        short = next((piece for piece in pieces if piece.role == "y" and piece.end - piece.start < 4), None)
        return short is None or roles.index("M") < roles.index("y")
    numbers = [piece for piece in pieces if piece.role in "dm"]
    return all(_SEPARATOR.fullmatch(text[one.end : other.start]) for one, other in pairwise(numbers))


def _values(piece: Piece, written: str, names: str) -> Iterator[tuple[str, int]]:
    if piece.role == "M":
        yield "m", (name_position(written, months_of(names)) or 0) + 1
    elif piece.role == "W":
        yield "W", name_position(written, weekdays_of(names)) or 0
    elif piece.role == "c":
        widths, place = {"y": len(written) - 4, "m": 2, "d": 2}, 0
        for role in piece.order:
            yield role, int(written[place : place + widths[role]])
            place += widths[role]
    else:
        yield piece.role, int(written)


def _exists(year: int | None, month: int, day: int | None) -> bool:
    try:
        date(year if year is not None and year >= 100 else 2000 + (year or 0), month, day or 1)
    except ValueError:
        return False
    return True
