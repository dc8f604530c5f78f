"""Identity numbers that cannot belong to a person, and a test whether a number could.

Sweden: Skatteverket reserves the birth numbers 980-999 of a date for test data. Ours are in that range and also have a
wrong check digit: people who came to Sweden before 1990 may have birth numbers from 930 up, and a number with a wrong
check digit belongs to nobody. Spain: the letter of a DNI or NIE and the check digits of a social security number are
wrong, and a medical license begins with a province above 52, the last one. United States: area 666 was never assigned.
Runs of 13 to 19 digits fail the Luhn test of payment cards, ten digits the British NHS check.
"""

from __future__ import annotations

import re
from datetime import date
from random import Random

DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
TEST_BIRTH_NUMBERS = range(980, 1000)
LAST_PROVINCE = 52

_SWEDISH = re.compile(r"(?<!\d)(?:\d\d)?(\d{6})[-+ ]?(\d{4})(?!\d)")
_DNI = re.compile(r"(?<![\dA-Za-z])(\d{1,2}\.?\d{3}\.?\d{3})[- ]?([A-Za-z])(?![A-Za-z])")
_NIE = re.compile(r"(?<![\dA-Za-z])([XYZxyz])[- ]?(\d{7})[- ]?([A-Za-z])(?![A-Za-z])")
_SSN = re.compile(r"(?<!\d)(\d{3})-(\d{2})-(\d{4})(?!\d)")


def luhn_digit(digits: str) -> int:
    """The check digit that makes ``digits`` pass the Luhn test.

    >>> luhn_digit("811218987")
    6
    """
    total = 0
    for position, character in enumerate(reversed(digits)):
        value = int(character) * (2 if position % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return -total % 10


def passes_luhn(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit of the others."""
    return luhn_digit(digits[:-1]) == int(digits[-1])


def dni_letter(number: int) -> str:
    """The letter of the Spanish identity number with this value.

    >>> dni_letter(12345678)
    'Z'
    """
    return DNI_LETTERS[number % 23]


def nass_check(digits: str) -> int:
    """The two check digits of a Spanish social security number, from its province (2) and serial (8 digits)."""
    province, serial = int(digits[:2]), int(digits[2:10])
    return (serial + province * 10_000_000 if serial < 10_000_000 else int(digits[:10])) % 97


def swedish_identity_number(rng: Random, birth: date, sex: str) -> str:
    """A Swedish personal identity number for testing, ``YYYYMMDD-NNNC``, with a wrong check digit.

    Args:
        rng: source of randomness.
        birth: date of birth, with which the number begins.
        sex: ``f`` gives an even birth number, anything else an odd one.
    """
    parity = 0 if sex == "f" else 1
    serial = rng.choice([number for number in TEST_BIRTH_NUMBERS if number % 2 == parity])
    right = luhn_digit(f"{birth:%y%m%d}{serial}")
    wrong = (right + rng.randint(1, 9)) % 10
    return f"{birth:%Y%m%d}-{serial}{wrong}"


def dni(rng: Random) -> str:
    """Eight digits and a wrong letter."""
    number = rng.randint(10_000_000, 99_999_999)
    return f"{number}{rng.choice(DNI_LETTERS.replace(dni_letter(number), ''))}"


def nie(rng: Random) -> str:
    """A foreigner's number, ``X1234567L``, with a wrong letter."""
    lead, number = rng.randrange(3), rng.randint(1_000_000, 9_999_999)
    right = dni_letter(lead * 10_000_000 + number)
    return f"{'XYZ'[lead]}{number}{rng.choice(DNI_LETTERS.replace(right, ''))}"


def social_security_es(rng: Random) -> str:
    """Twelve digits, province 01 to 52, whose last two are wrong check digits."""
    digits = f"{rng.randint(1, LAST_PROVINCE):02d}{rng.randint(10_000_000, 99_999_999)}"
    return f"{digits}{(nass_check(digits) + rng.randint(1, 96)) % 97:02d}"


def medical_license_es(rng: Random) -> str:
    """Nine digits formatted like a Spanish medical license, with a province that does not exist."""
    province = rng.randint(LAST_PROVINCE + 1, 99)
    return f"{province}{province}{rng.randint(10_000, 99_999)}"


def social_security_us(rng: Random) -> str:
    """``666-NN-NNNN``: area 666 was never assigned."""
    return f"666-{rng.randint(1, 99):02d}-{rng.randint(1, 9999):04d}"


def could_identify(text: str) -> bool:
    """Whether the text contains a number that passes the checks of a real person's or card's number."""
    return _could_be_swedish(text) or _could_be_spanish(text) or _could_be_american(text) or _could_be_long(text)


def _could_be_swedish(text: str) -> bool:
    for match in _SWEDISH.finditer(text):
        digits = match[1] + match[2]
        month, day = int(digits[2:4]), int(digits[4:6])
        in_calendar = 1 <= month <= 12 and (1 <= day <= 31 or 61 <= day <= 91)
        if in_calendar and int(digits[6:9]) not in TEST_BIRTH_NUMBERS and passes_luhn(digits):
            return True
    return False


def _could_be_spanish(text: str) -> bool:
    for match in _DNI.finditer(text):
        if dni_letter(int(match[1].replace(".", ""))) == match[2].upper():
            return True
    for match in _NIE.finditer(text):
        if dni_letter("XYZ".index(match[1].upper()) * 10_000_000 + int(match[2])) == match[3].upper():
            return True
    return False


def _could_be_american(text: str) -> bool:
    return any(
        match[1] not in {"000", "666"} and match[1][0] != "9" and match[2] != "00" and match[3] != "0000"
        for match in _SSN.finditer(text)
    )


def _could_be_long(text: str) -> bool:
    digits = re.sub(r"[\s./-]", "", text)
    for run in re.findall(r"\d+", digits):
        province = int(run[:2])
        if len(run) == 12 and 1 <= province <= 66 and nass_check(run) == int(run[10:]):
            return True
        if len(run) == 10 and _passes_nhs(run):
            return True
        if 13 <= len(run) <= 19 and passes_luhn(run):
            return True
    return False


def _passes_nhs(digits: str) -> bool:
    check = -sum(int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=False)) % 11
    return check == int(digits[9])
