"""Whether what has the form of a number or an address is one: checks of python-stdnum, and some that it lacks."""

from __future__ import annotations

import importlib
import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from typing import Any

from stdnum import luhn

from deidsynth.surrogates.identity import LAST_PROVINCE, nass_check

Check = Callable[[str], bool]

_SEPARATOR = re.compile(r"[^0-9A-Za-z]")
_DATE = re.compile(
    r"(?:19|20)[0-9]{2}([-/. ]?)(?:0[1-9]|1[0-2])\1(?:[0-2][0-9]|3[01])"
    r"|(?:[0-2]?[0-9]|3[01])([-/. ]?)(?:0?[1-9]|1[0-2])\2(?:19|20)[0-9]{2}"
)
_COORDINATION_DAYS = 60
_FOREIGN_PROVINCE = 66
_FEWEST_DIGITS, _MOST_DIGITS = 7, 15
_SHORTEST_IPV6 = 7


@cache
def check_of(name: str) -> Check:
    """The check of a name: one of this module, or of a module of python-stdnum such as ``no.fodselsnummer``."""
    if name in _OWN:
        return _OWN[name]
    module: Any = importlib.import_module(f"stdnum.{name}")
    return lambda text: bool(module.is_valid(text))


def _personnummer(text: str) -> bool:
    """Whether a Swedish identity number has a date and a right check digit; coordination numbers have 60 more days."""
    digits = _SEPARATOR.sub("", text)
    day, years = int(digits[-6:-4]), [digits[:4]] if len(digits) == 12 else ["19" + digits[:2], "20" + digits[:2]]
    day -= _COORDINATION_DAYS if day > _COORDINATION_DAYS else 0
    return any(_is_date(int(year), int(digits[-8:-6]), day) for year in years) and luhn.is_valid(digits[-10:])


def _dni(text: str) -> bool:
    module: Any = importlib.import_module("stdnum.es.dni")
    return bool(module.is_valid(_SEPARATOR.sub("", text).zfill(9)))


def _nie(text: str) -> bool:
    module: Any = importlib.import_module("stdnum.es.nie")
    return bool(module.is_valid(_SEPARATOR.sub("", text)))


def _nass(text: str) -> bool:
    """Whether a Spanish social security number has a province and the right check digits."""
    digits = _SEPARATOR.sub("", text)
    province = int(digits[:2])
    return (1 <= province <= LAST_PROVINCE + 1 or province == _FOREIGN_PROVINCE) and nass_check(digits) == int(
        digits[10:]
    )


def _ip_address(text: str) -> bool:
    """Whether an IP address has a number that no numbering of sections has."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if address.version == 4:
        return any(len(part) == 3 for part in text.split("."))
    return len(text) >= _SHORTEST_IPV6 and any(map(str.isdigit, text))


def _telephone(text: str) -> bool:
    """Whether a telephone number has the length of one and is no date."""
    n_digits = sum(map(str.isdigit, text))
    return (
        _FEWEST_DIGITS <= n_digits <= _MOST_DIGITS
        and text.count("(") == text.count(")")
        and not _DATE.match(text.lstrip("(+"))
    )


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


_OWN: Mapping[str, Check] = {
    "personnummer": _personnummer,
    "dni": _dni,
    "nie": _nie,
    "nass": _nass,
    "ip_address": _ip_address,
    "telephone": _telephone,
}
