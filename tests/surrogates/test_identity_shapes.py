"""Numbers keep their shape and fail their check digit, as other libraries see it."""

from __future__ import annotations

import re
from random import Random

import pytest
import stdnum.es.dni
import stdnum.es.nie
import stdnum.es.nif
import stdnum.se.personnummer
from hypothesis import given, strategies as st
from personnummer import personnummer

from deidsynth.surrogates.identity import nass_check
from deidsynth.surrogates.identity_shapes import identity_like

SEEDS = st.integers(0, 2**32)
SWEDISH = ("811218-9876", "811218+9876", "8112189876", "19811218-9876", "198112189876", "701063-2391", "19701063-2391")
SPANISH = ("12345678Z", "12.345.678-z", "1234567-L", "X1234567L", "x-1234567-l", "Y 1.234.567 L", "X-01234567-L")


def shape(text: str) -> str:
    return re.sub("[a-z]", "a", re.sub("[A-Z]", "A", re.sub(r"\d", "0", text)))


@given(st.sampled_from(SWEDISH), SEEDS)
def test_swedish_numbers(like: str, seed: int) -> None:
    number = identity_like(Random(seed), like, "sv")
    assert number is not None
    assert shape(number) == shape(like)
    assert not personnummer.valid(number) and not stdnum.se.personnummer.is_valid(number)
    right = [number[:-1] + digit for digit in "0123456789" if personnummer.valid(number[:-1] + digit)]
    assert len(right) == 1  # everything but the check digit is in order
    of_like, of_new = (personnummer.parse(each).is_coordination_number() for each in (valid_like(like), right[0]))
    assert of_like == of_new
    assert int(number[-2]) % 2 == int(like[-2]) % 2
    assert 980 <= int(number[-4:-1]) <= 999


def valid_like(number: str) -> str:
    return next(number[:-1] + digit for digit in "0123456789" if personnummer.valid(number[:-1] + digit))


@given(st.sampled_from(SPANISH), SEEDS)
def test_spanish_numbers(like: str, seed: int) -> None:
    number = identity_like(Random(seed), like, "es")
    assert number is not None
    assert shape(number) == shape(like)
    compact = re.sub(r"^([XYZ])0(?=\d{7})", r"\1", re.sub(r"\W", "", number).upper()).zfill(9)
    assert not any(check.is_valid(compact) for check in (stdnum.es.dni, stdnum.es.nie, stdnum.es.nif))
    assert any(
        check.is_valid(compact[:-1] + letter)
        for check in (stdnum.es.dni, stdnum.es.nie)
        for letter in stdnum.es.dni.calc_check_digit("0") + "TRWAGMYFPDXBNJZSQVHLCKE"
    )


@given(st.sampled_from(["28/12345678/40", "281234567840", "28 12345678 40"]), SEEDS)
def test_spanish_social_security(like: str, seed: int) -> None:
    number = identity_like(Random(seed), like, "es")
    assert number is not None and shape(number) == shape(like)
    digits = re.sub(r"\D", "", number)
    assert nass_check(digits) != int(digits[10:])
    assert 1 <= int(digits[:2]) <= 52


@pytest.mark.parametrize(
    ("text", "language"), [("ABC-123", "sv"), ("811399-9876", "sv"), ("811218-9876", "es"), ("12345678Z", "sv")]
)
def test_other_shapes(text: str, language: str) -> None:
    assert identity_like(Random(1), text, language) is None
