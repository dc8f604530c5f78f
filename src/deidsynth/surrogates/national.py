"""Identity numbers of more countries: whether a number passes the check of a real one.

Norway: the last digit of a fødselsnummer is a check digit (mod 11; the one before it is no longer one from 2032 on).
Denmark: a CPR number begins with a date, and since 2007 has no check digit, so that every date counts. Netherlands: the
eleven test of a BSN. France: the key of a NIR. Germany: the check digits of a tax number (ISO 7064, MOD 11,10) and of a
health insurance number. Of other countries no check is known here: what asks for an identity number gets four zeros at
its start, which are not the beginning of a number of a person in any of the systems that begin with a date, a sex or
a region.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date

_PARTED = re.compile(r"(?<=\d)[\s./-]+(?=\d)|(?:(?<=2[AB])|(?<=\b[A-Z]))[\s./-]+(?=\d)|(?<=\d)[\s./-]+(?=2[AB]\b)")
"""What separates the groups of one number."""


def is_checked(language: str) -> bool:
    """Whether the check of the identity numbers of a language's main country is known."""
    return language in _CHECKS


def could_be_national(text: str, language: str) -> bool:
    """Whether the text contains a number that passes the check of an identity number of the language's main country."""
    check = _CHECKS.get(language)
    return check is not None and any(check(run) for run in re.findall(r"\w+", _PARTED.sub("", text.upper())))


def _norwegian(run: str) -> bool:
    return _digits(run, 11) and _weighted(run, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def _danish(run: str) -> bool:
    if not _digits(run, 10):
        return False
    try:
        date(2000, int(run[2:4]), int(run[:2]) - (60 if int(run[:2]) > 60 else 0))  # 60 more: replacement numbers
    except ValueError:
        return False
    return True


def _dutch(run: str) -> bool:
    return _digits(run, 8, 9) and _weighted(run.zfill(9), (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def _french(run: str) -> bool:
    found = re.fullmatch(r"([1-478]\d{4})(\d\d|2A|2B)(\d{6})(\d\d)", run, re.ASCII)
    if found is None:
        return False
    department = {"2A": "19", "2B": "18"}.get(found[2], found[2])
    return 97 - int(found[1] + department + found[3]) % 97 == int(found[4])


def _german(run: str) -> bool:
    if re.fullmatch(r"[A-Z]\d{9}", run, re.ASCII):
        products = [
            int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(f"{ord(run[0]) - 64:02}{run[1:9]}")
        ]
        return sum(product // 10 + product % 10 for product in products) % 10 == int(run[9])
    if not _digits(run, 11):
        return False
    product = 10
    for digit in run[:10]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(run[10])


def _digits(run: str, *lengths: int) -> bool:
    return len(run) in lengths and run.isascii() and run.isdecimal()


def _weighted(run: str, weights: tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(run, weights, strict=True))


_CHECKS: Mapping[str, Callable[[str], bool]] = {
    "no": _norwegian,
    "da": _danish,
    "nl": _dutch,
    "fr": _french,
    "de": _german,
}
