"""Dates move by one offset, written as before: what is kept, what is moved by rule, and what cannot be read."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from hypothesis import assume, given, strategies as st

from deidsynth.config import DateShift
from deidsynth.surrogates.ages import written_age
from deidsynth.surrogates.date_reading import read_dates
from deidsynth.surrogates.date_shift import ShiftedDates, days_of_offset
from deidsynth.surrogates.dates import MONTHS
from deidsynth.surrogates.derived import Derivation

DAYS = st.dates(date(1930, 1, 1), date(2029, 12, 31))
OFFSETS = st.integers(-365, 365).filter(bool)
FULL = {
    "sv": ("{y}-{mm}-{dd}", "{y}{mm}{dd}", "{yy}{mm}{dd}", "{d} {month} {y}", "den {d} {mon} {y} kl 14.30"),
    "es": ("{d} de {month} de {y}", "{dd}/{mm}/{y}", "{d}-{m}-{yy}", "{d}.{m}.{y}, 10:30 h", "{dd}-{mon}-{y}"),
    "en": ("{month} {d}, {y}", "{mm}/{dd}/{y}", "{m}/{d}/{yy}", "{d} {mon} {y}", "{y}-{mm}-{dd}T12:30:00Z"),
    "da": ("{d}. {month} {y}", "{dd}-{mm}-{y}"),
}  # fmt: skip


def shifted(text: str, language: str = "en", days: int = 30, latest: date | None = None) -> str | None:
    return ShiftedDates(language, days, latest).written(text)


def in_format(day: date, language: str, form: str) -> str:
    month = MONTHS[language][day.month - 1]
    parts = {"d": day.day, "dd": f"{day:%d}", "m": day.month, "mm": f"{day:%m}", "y": day.year, "yy": f"{day:%y}"}
    return form.format(**parts, month=month, mon=month[:3])


def unpadded(text: str) -> str:
    """A date without zeros before its numbers: 10/10 does not say whether there would be some."""
    return re.sub(r"\b0(?=\d\b)", "", text)


@pytest.mark.parametrize(
    ("text", "language", "new"),
    [
        ("01/15/2020", "en", "02/14/2020"),
        ("01/15/2020", "es", "02/14/2020"),  # no month 15: the American order
        ("15/01/2020", "es", "14/02/2020"),
        ("1/15/20", "en", "2/14/20"),
        ("lunes 3 de mayo", "es", "miércoles 2 de junio"),
        ("den 3:e maj 2019 kl 14.30", "sv", "den 2:a juni 2019 kl 14.30"),
        ("January 1st, 2019", "en", "January 31st, 2019"),
        ("Jan 12, 2019", "es", "Feb 11, 2019"),  # another language than that of the text
        ("5 de MAYO del 2011", "es", "4 de JUNIO del 2011"),
        ("sept. 2019", "es", "oct. 2019"),
        ("enero de 2020", "es", "febrero de 2020"),  # whole months
        ("05/2019", "es", "06/2019"),
        ("2019-12", "sv", "2020-01"),
        ("marzo-98", "es", "abril-98"),
        ("2019", "es", "2020"),  # whole years
        ("2007-2010", "es", "2008-2011"),
        ("verano de 2010", "es", "verano de 2011"),
        ("12/03/2010 y 15/04/2010", "es", "11/04/2010 y 15/05/2010"),
        ("2019-05-03T12:30:00+02:00", "sv", "2019-06-02T12:30:00+02:00"),
        ("14:30", "es", "14:30"),
        ("29/2", "sv", "30/3"),
    ],
)
def test_written_as_before(text: str, language: str, new: str) -> None:
    assert shifted(text, language) == new


@pytest.mark.parametrize("language", ["en", "es", "sv"])
@pytest.mark.parametrize(
    "text",
    ["11/34", "16/018/1961", "hace 3 meses", "1,5", "10 - 12 de enero", "9999-12-31", "Navidad", "", "María 3 de mayo"],
)
def test_what_cannot_be_read(text: str, language: str) -> None:
    assert shifted(text, language) is None


@given(DAYS, DAYS, OFFSETS, st.data())
def test_intervals_are_kept_in_every_format(one: date, other: date, days: int, data: st.DataObject) -> None:
    language = data.draw(st.sampled_from(sorted(FULL)))
    form = data.draw(st.sampled_from(FULL[language]))
    moved = ShiftedDates(language, days)
    assume("mon}" not in form or all(len(MONTHS[language][day.month - 1]) > 3 for day in (one, other)))
    for day in (one, other):
        written = moved.written(in_format(day, language, form)) or ""
        assert unpadded(written) == unpadded(in_format(day + timedelta(days), language, form))


@given(OFFSETS, st.integers(1, 12), st.integers(1950, 2020))
def test_months_and_years_never_stay_and_keep_their_intervals(days: int, month: int, year: int) -> None:
    moved = ShiftedDates("es", days)
    made = [read_dates(moved.written(f"{month}/{each}") or "", "es") for each in (year, year + 2)]
    [[first], [second]] = [each or [] for each in made]
    assert first.year is not None and second.year is not None
    assert (second.year - first.year, second.month) == (2, first.month)
    assert (first.year, first.month) != (year, month)
    years = [int(moved.written(str(each)) or 0) for each in (year, year + 7)]
    assert years[1] - years[0] == 7 and years[0] != year


@given(st.binary(min_size=16, max_size=40), st.integers(1, 400), st.booleans())
def test_the_offset_is_never_nothing(key: bytes, largest: int, whole_weeks: bool) -> None:
    shift = DateShift(largest_days=max(largest, 7), whole_weeks=whole_weeks)
    days = days_of_offset(Derivation(key, "patient", "p"), shift)
    assert 0 < abs(days) <= shift.largest_days
    assert not whole_weeks or days % 7 == 0


def test_a_birth_date_that_tells_an_age_over_89_is_90_years_before_the_latest_date() -> None:
    latest = date(2004, 3, 2)
    assert shifted("12/03/1905", "es", 30, latest) == "11/04/1913"  # 90 on the second of March
    assert shifted("02/03/1905", "es", 30, latest) == "01/04/1914"
    assert shifted("12-03-05", "sv", 30, latest) == "13-04-04"
    assert shifted("1905", "es", 400, latest) == "1915"
    assert shifted("12/03/1915", "es", 30, latest) == "11/04/1915"


@pytest.mark.parametrize(
    ("text", "language", "new"),
    [
        ("89 años", "es", "89 años"),
        ("90 años", "es", "90+ años"),
        ("102-årig", "sv", "90+-årig"),
        ("95 meses", "es", "95 meses"),
        ("1100 meses", "es", None),
        ("un año y 3 meses", "es", "un año y 3 meses"),
        ("noventa y dos años", "es", None),
        ("93", "en", "90+"),
        ("María", "es", None),
    ],
)
def test_ages(text: str, language: str, new: str | None) -> None:
    assert written_age(text, language) == new
