"""Dates shifted by one offset, in the precision, format and language in which they are written.

- A date with its day is shifted by the offset, in days; one without its year as if it were of the year of the latest
  date in the document.
- A month, with its year or without, is shifted by the offset in whole months, and a bare year by the offset in whole
  years; at least by one, so that none stays as it was. So the interval between two of the same precision is kept.
- A bare day of the week is shifted by the offset too. A clock time stays.
- A date that is 90 years or more before the latest one in the document tells an age over 89. It is written as exactly
  90 years before that one, on its own (shifted) day.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from deidsynth.config.policy import DateShift
from deidsynth.surrogates.date_reading import ORDINAL, ReadDate, read_dates
from deidsynth.surrogates.dates import write_piece
from deidsynth.surrogates.derived import Derivation

OLDEST = 90
"""Years from which on an age is not told."""
_DAYS_IN_MONTH, _DAYS_IN_YEAR = 30.4375, 365.25
_AHEAD = 5
_NO_YEAR, _LEAP_YEAR = 2001, 2000
_MONDAY = date(2001, 1, 1)


def days_of_offset(derivation: Derivation, shift: DateShift, attempt: int = 0) -> int:
    """The offset of a scope in days: never 0.

    Args:
        derivation: of the patient or the document.
        shift: how far at most, and whether by whole weeks.
        attempt: number of offsets before it that could not be taken.
    """
    unit = 7 if shift.whole_weeks else 1
    most = shift.largest_days // unit
    place = derivation.index(2 * most, "offset of dates", "", attempt)
    return unit * (place - most if place < most else place - most + 1)


def latest_of(dates: Iterable[ReadDate]) -> date | None:
    """The latest of some dates whose years have four digits; of a month or a year, its end."""
    return max((_end(each) for each in dates if each.has_century), default=None)


@dataclass(frozen=True, slots=True)
class ShiftedDates:
    """Writes texts with their dates shifted.

    Args:
        language: of the texts.
        days: the offset.
        latest: date in the document, if it has one with its year.
    """

    language: str
    days: int
    latest: date | None = None

    def written(self, text: str, dates: Sequence[ReadDate] | None = None) -> str | None:
        """The text with shifted dates; None if it cannot be read as dates and clock times alone.

        Args:
            text: with dates.
            dates: as they were read in it before, if they were.
        """
        dates = read_dates(text, self.language) if dates is None else dates
        if dates is None:
            return None
        pieces, last = list[str](), 0
        try:
            for read in dates:
                new = self._shifted(read)
                for piece in read.pieces:
                    old = text[piece.start : piece.end]
                    day = new if piece.role != "W" else _MONDAY + timedelta((read.weekday or 0) + self.days % 7)
                    written = write_piece(day, old, piece.role, read.language, padded=read.padded, order=piece.order)
                    pieces += text[last : piece.start], written
                    last = piece.end
                    ordinal = ORDINAL.match(text, last) if piece.role == "d" else None
                    if ordinal is not None:
                        pieces.append(_ordinal(new.day, ordinal[0]))
                        last = ordinal.end()
        except (OverflowError, ValueError):  # before the year 1, or after 9999
            return None
        return "".join([*pieces, text[last:]])

    def _shifted(self, read: ReadDate) -> date:
        """The new date; what is not written of it is arbitrary."""
        year = self._year(read)
        if read.day is not None and read.month is not None:
            day = date(_LEAP_YEAR if (read.month, read.day) == (2, 29) and year % 4 else year, read.month, read.day)
            return self._not_too_old(read, day) + timedelta(self.days)
        if read.month is not None:
            start = self._not_too_old(read, date(year, read.month, 1))
            months = start.year * 12 + start.month - 1 + self._units(_DAYS_IN_MONTH)
            return date(months // 12, months % 12 + 1, 1)
        if read.year is not None:
            start = self._not_too_old(read, date(year, 1, 1))
            return date(start.year + self._units(_DAYS_IN_YEAR), 1, 1)
        return _MONDAY

    def _units(self, days: float) -> int:
        """The offset in whole months or years, at least one."""
        return max(1, round(abs(self.days) / days)) * (1 if self.days > 0 else -1)

    def _year(self, read: ReadDate) -> int:
        """The year that is meant: of two digits, the one from 94 years before the latest date to 5 years after it."""
        if read.year is None:
            return self.latest.year if self.latest else _NO_YEAR
        if read.has_century:
            return read.year
        last = self.latest.year + _AHEAD if self.latest else 2068  # as in POSIX
        return last - (last - read.year) % 100

    def _not_too_old(self, read: ReadDate, day: date) -> date:
        if self.latest is None or read.year is None:
            return day
        years = self.latest.year - day.year - ((self.latest.month, self.latest.day) < (day.month, day.day))
        if years < OLDEST:
            return day
        year = day.year + years - OLDEST
        return date(year, day.month, 28 if (day.month, day.day) == (2, 29) and year % 4 else day.day)


def _end(read: ReadDate) -> date:
    year, month = read.year or _NO_YEAR, read.month or 12
    return date(year, month, read.day or (31 if read.month is None else 28))


def _ordinal(day: int, like: str) -> str:
    """The ending of the number of a day: in English ``st`` and its like, in Swedish ``:a`` and ``:e``."""
    if like[0] == ":":
        return ":a" if day % 10 in {1, 2} and day not in {11, 12} else ":e"
    if not like.isascii():
        return like
    ending = "th" if day in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return ending.upper() if like.isupper() else ending
