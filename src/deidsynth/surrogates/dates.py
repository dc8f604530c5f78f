"""Dates in the format of another date, or in any format of the language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from random import Random

from deidsynth.surrogates.locales import provider_of
from deidsynth.surrogates.shapes import listed

MONTHS = {
    "sv": listed("januari februari mars april maj juni juli augusti september oktober november december"),
    "es": listed("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"),
    "en": listed("January February March April May June July August September October November December"),
    "da": listed("januar februar marts april maj juni juli august september oktober november december"),
    "fi": listed(
        "tammikuu helmikuu maaliskuu huhtikuu toukokuu kesäkuu heinäkuu elokuu syyskuu lokakuu marraskuu joulukuu"
    ),
}
WEEKDAYS = {
    "sv": listed("måndag tisdag onsdag torsdag fredag lördag söndag"),
    "es": listed("lunes martes miércoles jueves viernes sábado domingo"),
    "en": listed("Monday Tuesday Wednesday Thursday Friday Saturday Sunday"),
    "da": listed("mandag tirsdag onsdag torsdag fredag lørdag søndag"),
    "fi": listed("maanantai tiistai keskiviikko torstai perjantai lauantai sunnuntai"),
}
_FORMATS = {
    "es": ("{d} de {month} de {y}", "{d} de {month} del {y}", "{d} de {month}", "{d} de {month}", "{dd}/{mm}/{y}",
           "{d}/{m}/{y}", "{dd}/{mm}/{yy}", "{d}/{m}/{yy}", "{d}-{m}-{yy}", "{dd}-{mm}-{y}", "{dd}.{mm}.{y}", "{d}/{m}",
           "{month} de {y}", "{month} de {y}", "{month} de {y}", "{month} del {y}", "{month} {y}", "{month} de {yy}",
           "{mm}/{y}", "{m}/{yy}", "{mon}-{yy}", "{month}-{yy}", "{d} {mon} {y}", "{dd}-{mon}-{y}", "{y}", "{y}",
           "{month}", "{day} {d} de {month}"),
    "sv": ("{y}-{mm}-{dd}", "{y}{mm}{dd}", "{yy}{mm}{dd}", "{yy}-{mm}-{dd}", "{d} {month} {y}", "den {d} {month} {y}",
           "{d} {month}", "{d} {mon}", "{d}/{m}", "{d}/{m}", "{d}/{m} {y}", "{d}/{m}-{yy}", "{dd}.{mm}.{y}",
           "{month} {y}", "{month} {y}", "{month} -{yy}", "{mon} {y}", "{y}-{mm}", "{y}", "{month}",
           "{day} {d} {month}"),
    "en": ("{month} {d}, {y}", "{d} {month} {y}", "{mm}/{dd}/{y}", "{m}/{d}/{y}", "{m}/{d}/{yy}", "{y}-{mm}-{dd}",
           "{month} {y}", "{month} {y}", "{mon} {y}", "{mon} {d}", "{month} {d}", "{m}/{d}", "{mm}/{y}", "{m}/{yy}",
           "{dd}-{mon}-{y}", "{y}", "{month}", "{day}, {month} {d}"),
}  # fmt: skip
PIECES = re.compile(r"\d+|[^\W\d_]+")
"""The pieces of a date: numbers and words."""
_ORDER = {"en": "mdy", **dict.fromkeys(("sv", "hu", "ja", "ko", "lt", "zh"), "ymd")}
"""How languages write dates in numbers; all others: dmy."""
_FIRST = date(1935, 1, 1)


def months_of(language: str) -> tuple[str, ...]:
    """The names of the months in a language: ours, else Faker's, else the English ones."""
    return MONTHS.get(language) or _names("MONTH_NAMES", language) or MONTHS["en"]


def has_months(language: str) -> bool:
    """Whether the names of the months in a language are known."""
    return language in MONTHS or bool(_names("MONTH_NAMES", language))


def weekdays_of(language: str) -> tuple[str, ...]:
    """The names of the days in a language, from Monday on: ours, else Faker's, else the English ones."""
    names = _names("DAY_NAMES", language)
    return WEEKDAYS.get(language) or (*names[1:], *names[:1]) or WEEKDAYS["en"]  # Faker's begin with Sunday


def is_date_name(word: str, language: str) -> bool:
    """Whether a word is the name of a month or a day in a language, or the short form of a month."""
    return (
        name_position(word, months_of(language)) is not None
        or name_position(word, weekdays_of(language), True) is not None
    )


def _names(attribute: str, language: str) -> tuple[str, ...]:
    """Faker's names of months or days in a language, none for a few in which it makes them otherwise."""
    return tuple(getattr(provider_of("date_time", language), attribute, {}).values())


def random_date(rng: Random, language: str) -> str:
    """A date with its year, in the most common numeric format of the language."""
    day = _FIRST + timedelta(days=rng.randrange(85 * 365))
    return {"sv": f"{day:%Y-%m-%d}", "es": f"{day:%d/%m/%Y}", "en": f"{day:%m/%d/%Y}"}.get(language, f"{day:%Y-%m-%d}")


def random_date_part(rng: Random, language: str) -> str:
    """A date without its year."""
    day, month = rng.randint(1, 28), rng.randint(1, 12)
    name = months_of(language)[month - 1]
    return {"sv": f"{day}/{month}", "es": f"{day} de {name}"}.get(language, f"{name} {day}")


def has_formats(language: str) -> bool:
    """Whether the formats of dates in the language are known."""
    return language in _FORMATS


def date_in_any_format(rng: Random, language: str) -> str:
    """A full or partial date in a random format of a language whose formats are known."""
    day = _FIRST + timedelta(days=rng.randrange(85 * 365))
    month = MONTHS[language][day.month - 1]
    return rng.choice(_FORMATS[language]).format(
        d=day.day,
        dd=f"{day:%d}",
        m=day.month,
        mm=f"{day:%m}",
        y=day.year,
        yy=f"{day:%y}",
        month=month,
        mon=month[:3],
        day=WEEKDAYS[language][day.weekday()],
    )


def date_like(rng: Random, language: str, like: str) -> str:
    """Another date in the format of ``like``: order, separators, widths, names of months and days.

    What is not part of a date (a time of day, a word) keeps its shape: digits change, words stay. So ``like`` must not
    have words that could identify somebody; ``known_words.without_unknown`` leaves them out.
    """
    day = _FIRST + timedelta(days=rng.randrange(85 * 365))
    pieces = list(PIECES.finditer(like))
    roles = piece_roles(pieces, like, language)
    numbers = [piece[0] for piece, role in zip(pieces, roles, strict=True) if role in {"d", "m"}]
    padded = is_padded(numbers, has_month_name="M" in roles)
    out, position = [], 0
    for piece, role in zip(pieces, roles, strict=True):
        out.append(like[position : piece.start()])
        out.append(_write(rng, day, piece[0], role, language, padded))
        position = piece.end()
    return "".join(out) + like[position:]


def is_padded(numbers: Sequence[str], *, has_month_name: bool) -> bool:
    """Whether days and months in numbers are written with two digits each."""
    return any(number.startswith("0") for number in numbers) or (
        not has_month_name and all(len(number) == 2 for number in numbers)
    )


def piece_roles(pieces: list[re.Match[str]], like: str, language: str) -> list[str]:
    """A role for each piece: y, m, d, M (month name), W (weekday name), c (a date in one number), # or word.

    Numbers that can be a day, a month or a year get their roles by the order of the language alone.
    """
    roles = [_fixed_role(piece, like, language) for piece in pieces]
    open_ = [index for index, role in enumerate(roles) if role == "?"]
    has_year, has_month = "y" in roles, "M" in roles
    if has_month:
        wanted = "d" if has_year else "dy"
    elif has_year:
        wanted = "md" if open_ and roles.index("y") < open_[0] else ("md" if language == "en" else "dm")
    elif len(open_) >= 3:
        wanted = _ORDER.get(language, "dmy")
    else:
        wanted = "md" if language == "en" else "dm"
    for index, role in zip(open_, wanted, strict=False):
        roles[index] = role
    return ["#" if role == "?" else role for role in roles]


def _fixed_role(piece: re.Match[str], like: str, language: str) -> str:
    text = piece[0]
    if text.isdecimal():
        if like[piece.end() : piece.end() + 1] == ":" or like[max(piece.start() - 1, 0) : piece.start()] == ":":
            return "#"
        if len(text) == 4:
            return "y"
        return "c" if len(text) in {6, 8} else "?" if len(text) <= 2 else "#"
    if name_position(text, months_of(language)) is not None:
        return "M"
    return "W" if name_position(text, weekdays_of(language), whole=True) is not None else "word"


def name_position(text: str, names: tuple[str, ...], whole: bool = False) -> int | None:
    """The place of a name among the names of months or days, in any case; None if it is none of them.

    Args:
        text: a word.
        names: in order.
        whole: whether a short form of three or four letters does not count.
    """
    lowered = text.lower()
    for index, name in enumerate(names):
        if lowered == name.lower() or (not whole and 3 <= len(lowered) <= 4 and name.lower().startswith(lowered)):
            return index
    return None


def _write(rng: Random, day: date, piece: str, role: str, language: str, padded: bool) -> str:
    if role == "#":
        return "".join(str(rng.randrange(6)) for _ in piece)
    order = order_in_one_number(piece, language) if role == "c" else ""
    return write_piece(day, piece, role, language, padded=padded, order=order)


def order_in_one_number(piece: str, language: str) -> str:
    """The order of day, month and year in a number of six or eight digits, such as ``ymd``."""
    leading_year = len(piece) == 8 and piece[:2] in {"18", "19", "20"}
    return "ymd" if leading_year else _ORDER.get(language, "dmy")


def write_piece(day: date, piece: str, role: str, language: str, *, padded: bool, order: str = "") -> str:
    """A piece of a date as it is written for another day: in the same width, case and short form.

    Args:
        day: what is written.
        piece: the original.
        role: what it is (see ``piece_roles``); other than a piece of a date, it stays.
        language: of names.
        padded: whether numbers of days and months have two digits.
        order: of a whole date in one number.
    """
    if role == "y":
        return f"{day:%Y}" if len(piece) == 4 else f"{day:%y}"
    if role in {"m", "d"}:
        number = day.month if role == "m" else day.day
        return f"{number:02d}" if padded else str(number)
    if role in {"M", "W"}:
        names = months_of(language) if role == "M" else weekdays_of(language)
        name = names[day.month - 1 if role == "M" else day.weekday()]
        short = name_position(piece, names, whole=True) is None
        width = 3 if piece.casefold() == "sept" else len(piece)
        return _cased(name[: width if short else None], piece)
    if role == "c":
        parts = {"y": f"{day:%Y}" if len(piece) == 8 else f"{day:%y}", "m": f"{day:%m}", "d": f"{day:%d}"}
        return "".join(parts[key] for key in order)
    return piece


def _cased(name: str, like: str) -> str:
    if like.isupper():
        return name.upper()
    return name.lower() if like.islower() else name.capitalize()
