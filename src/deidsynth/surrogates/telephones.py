"""Phone numbers that reach nobody.

Sweden: the ranges that PTS, the regulator, reserves for fiction. Spain has no such range; its numbering plan has no
number that begins with 4, so ours do. North America: 555-0100 to 555-0199. Elsewhere: numbers that begin with 000,
which no plan can assign, because 00 is the international prefix and no country code begins with 0.
"""

from __future__ import annotations

import re
from random import Random

SWEDISH_RANGES = (
    ("070", 1740605, 1740699),
    ("031", 3900600, 3900699),
    ("040", 6280400, 6280499),
    ("08", 46500400, 46500499),
    ("0980", 319200, 319299),
)
_NUMBER_LENGTH = {"sv": 10, "es": 9, "en": 10}


def phone_number(rng: Random, language: str, like: str | None = None) -> str:
    """A phone number of a language's main country that reaches nobody.

    Args:
        rng: source of randomness.
        language: ISO 639-1 code.
        like: a number whose separators and country code are imitated if its length allows it.
    """
    if language == "sv":
        return _swedish(rng, like)
    digits = _digits(rng, language)
    if like is None:
        return _spaced(digits, language)
    country = re.match(r"\s*(?:\+|00)\(?(\d{1,3})(?!\d)|\s*\+(34|1)(?=\d)", like)
    if language in {"es", "en"}:
        code = "34" if language == "es" else "1"
        own = re.match(rf"\s*(?:\+|00)\s?\(?{code}\)?[\s.-]*", like)
        prefix = own[0] if own else ("+" + code + " " if country else "")
        body = like[own.end() :] if own else like
    else:
        prefix, body = "", like
    slots = sum(character.isdigit() for character in body)
    if country and not prefix:
        slots = 0
    if slots and (language not in _NUMBER_LENGTH or slots == len(digits) or language == "es"):
        return prefix + _lay(_fit(rng, digits, slots), body)
    return prefix + _spaced(digits, language)


def swedish_number(rng: Random, mobile: bool | None = None, area_length: int | None = None) -> tuple[str, str]:
    """Area code and subscriber number from the fictitious ranges.

    Args:
        rng: source of randomness.
        mobile: whether a mobile or a landline number; None for either.
        area_length: digits of the area code; ignored if no range has that length.
    """
    ranges = SWEDISH_RANGES if mobile is None else SWEDISH_RANGES[:1] if mobile else SWEDISH_RANGES[1:]
    fitting = [entry for entry in ranges if area_length is None or len(entry[0]) == area_length]
    area, first, last = rng.choice(fitting or ranges)
    return area, str(rng.randint(first, last))


def _swedish(rng: Random, like: str | None) -> str:
    if like is None:
        area, rest = swedish_number(rng)
        return rng.choice((f"{area}-{rest}", f"{area}-{_grouped(rest)}", f"{area}-{_grouped(rest)}", f"{area}{rest}"))
    mobile = bool(re.match(r"\s*(?:(?:\+|00)46\s*(?:\(0\))?\s*|0)7", like)) or None
    country = re.match(r"\s*(?:\+|00)46[\s-]*(\(0\))?[\s-]*", like)
    lead = re.match(r"(\d+)[\s-]", like[country.end() :] if country else like.strip())
    area_length = None if lead is None else len(lead[1]) + (1 if country else 0)
    area, rest = swedish_number(rng, mobile, area_length)
    digits = (area + rest)[1:] if country else area + rest
    body = like[country.end() :] if country else like
    prefix = country[0] if country else ""
    if sum(character.isdigit() for character in body) == len(digits):
        return prefix + _lay(digits, body)
    separator = "-" if "-" in body else " " if " " in body else ""
    written = area[1:] if country else area
    return f"{prefix}{written}{separator}{_grouped(rest) if ' ' in body else rest}"


def _grouped(rest: str) -> str:
    cuts = {6: (2, 4), 7: (3, 5), 8: (3, 6)}[len(rest)]
    return f"{rest[: cuts[0]]} {rest[cuts[0] : cuts[1]]} {rest[cuts[1] :]}"


def _digits(rng: Random, language: str) -> str:
    if language == "es":
        return f"4{rng.randint(0, 99_999_999):08d}"
    if language == "en":
        return f"{rng.randint(2, 9)}{rng.randint(2, 9)}{rng.randint(2, 9)}55501{rng.randint(0, 99):02d}"
    return f"000{rng.randint(0, 9_999_999):07d}"


def _spaced(digits: str, language: str) -> str:
    return (
        f"{digits[:3]}-{digits[3:6]}-{digits[6:]}" if language == "en" else f"{digits[:3]} {digits[3:6]} {digits[6:]}"
    )


def _fit(rng: Random, digits: str, length: int) -> str:
    return (digits + "".join(str(rng.randrange(10)) for _ in range(length)))[:length]


def _lay(digits: str, shape: str) -> str:
    supply = iter(digits)
    return "".join(next(supply) if character.isdigit() else character for character in shape)
