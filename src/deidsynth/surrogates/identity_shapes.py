"""Identity numbers in the shape of others, with a wrong check digit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from random import Random

from deidsynth.surrogates import identity

_SWEDISH = re.compile(r"(\d\d)?(\d\d)(\d\d)(\d\d)([-+ ]?)(\d\d)(\d)\d")
_DNI = re.compile(r"\d{1,2}\.?\d{3}\.?\d{3}[- ]?[A-Za-z]")
_NIE = re.compile(r"[XYZxyz][-. ]?0?\d\.?\d{3}\.?\d{3}[- ]?[A-Za-z]")
"""In its old form with a zero before its seven digits."""
_NASS = re.compile(r"\d\d[-/ ]?\d{8}[-/ ]?\d\d")
_SPANISH = ((_DNI, identity.dni), (_NIE, identity.nie), (_NASS, identity.social_security_es))
_COORDINATION = 60
_EARLIEST, _DAYS = date(1930, 1, 1), 88 * 365
_OLD_EARLIEST, _OLD_DAYS = date(1905, 1, 1), 15 * 365


def identity_like(rng: Random, like: str, language: str) -> str | None:
    """A number in the shape of a Swedish or Spanish one that fails its check; None for another shape.

    A Swedish one keeps its separator (a plus sign says that its owner is over a hundred), the parity that says the sex,
    and, of a coordination number, the day with 60 more. Its birth number is one of those kept for tests. A Spanish one
    keeps its letters' places and its separators.

    Args:
        rng: source of randomness.
        like: the number to imitate.
        language: ``sv`` or ``es``; others have no shapes here.
    """
    if language == "sv" and (found := _SWEDISH.fullmatch(like)) is not None:
        return _swedish(rng, found)
    for shape, make in _SPANISH if language == "es" else ():
        if shape.fullmatch(like):
            return next(value for value in _endless(rng, make, like) if not identity.could_identify(value))
    return None


def _endless(rng: Random, make: Callable[[Random], str], like: str) -> Iterator[str]:
    while True:
        yield _laid(make(rng), like)


def _swedish(rng: Random, like: re.Match[str]) -> str | None:
    century, _, month, day, separator, _, sex = like.groups()
    moved = _COORDINATION if int(day) > _COORDINATION else 0
    if not (1 <= int(month) <= 12 and 1 <= int(day) - moved <= 31):
        return None
    earliest, days = (_OLD_EARLIEST, _OLD_DAYS) if separator == "+" else (_EARLIEST, _DAYS)
    birth = earliest + timedelta(rng.randrange(days))
    number = identity.swedish_identity_number(rng, birth, "f" if int(sex) % 2 == 0 else "m")
    if moved:
        return _of_coordination(rng, number, century, separator)
    return (number[:8] if century else number[2:8]) + separator + number[9:]


def _of_coordination(rng: Random, number: str, century: str | None, separator: str) -> str:
    """The number with 60 more in its day, and a check digit that is wrong for it."""
    digits = f"{number[2:6]}{int(number[6:8]) + _COORDINATION}{number[9:12]}"
    wrong = (identity.luhn_digit(digits) + rng.randint(1, 9)) % 10
    return f"{number[:2] if century else ''}{digits[:6]}{separator}{digits[6:]}{wrong}"


def _laid(number: str, like: str) -> str:
    """A number in the places of the letters and digits of another one, which may have fewer digits, or zeros before."""
    digits = [each for each in number if each.isdecimal()]
    letters = [each for each in number if each.isalpha()]
    spare = len(digits) - sum(each.isdecimal() for each in like)
    digits = ["0"] * -spare + digits[max(spare, 0) :]
    supply, names = iter(digits), iter(letters)
    made = (next(supply) if each.isdecimal() else next(names) if each.isalpha() else each for each in like)
    value = "".join(made)
    return value.lower() if like.islower() else value
