"""Invented values: shape kept, content not, and no number that could belong to a person."""

from __future__ import annotations

import random
import re
from datetime import date

import pytest
from hypothesis import given, settings, strategies as st

from deidsynth.surrogates import Surrogates
from deidsynth.surrogates.identity import (
    could_identify,
    dni_letter,
    luhn_digit,
    nass_check,
    passes_luhn,
    swedish_identity_number,
)
from deidsynth.surrogates.labels import kind_of, label_sets
from fictitious_numbers import is_fictitious_swedish

LABELS = sorted(label for kinds in label_sets().values() for labels in kinds.values() for label in labels)
SEEDS = range(60)


def values(language: str, label: str, like: str | None = None) -> list[str]:
    return [Surrogates(language, seed).value(label, like) for seed in SEEDS]


# Worked by hand: 811218-987 has the Luhn digit 6; 12345678 = 23 * 536768 + 14, and Z is letter 14.
def test_check_digits_agree_with_published_examples() -> None:
    assert luhn_digit("811218987") == 6
    assert passes_luhn("4111111111111111")
    assert dni_letter(12345678) == "Z"
    assert nass_check("2812345678") == 2812345678 % 97


@pytest.mark.parametrize(
    "text",
    ["640823-3234", "12345678Z", "X1234567L", "123-45-6789", "4111 1111 1111 1111", "9434765919", "281234567840"],
)
def test_numbers_that_could_be_real_are_recognized(text: str) -> None:
    assert could_identify(text)


@pytest.mark.parametrize("text", ["12345678A", "X1234567A", "666-45-6789", "4111 1111 1111 1112", "no number"])
def test_numbers_that_fail_their_check_are_let_pass(text: str) -> None:
    assert not could_identify(text)


@pytest.mark.parametrize("like", [None, "19560412-1234", "560412-1234", "195604121234"])
def test_swedish_identity_numbers_lie_in_the_test_range_and_fail_their_check(like: str | None) -> None:
    for value in values("sv", "PERSONAL_IDENTITY_NUMBER", like):
        digits = re.sub(r"\D", "", value)[-10:]
        assert 980 <= int(digits[6:9]) <= 999
        assert not passes_luhn(digits)
        if like is not None:
            assert re.sub(r"\d", "0", value) == re.sub(r"\d", "0", like)


@given(st.dates(date(1920, 1, 1), date(2024, 12, 31)), st.sampled_from("fm"), st.integers())
@settings(max_examples=60)
def test_a_swedish_number_tells_birth_and_sex(birth: date, sex: str, seed: int) -> None:
    number = swedish_identity_number(random.Random(seed), birth, sex)
    assert number.startswith(f"{birth:%Y%m%d}-")
    assert int(number[-2]) % 2 == (0 if sex == "f" else 1)


@pytest.mark.parametrize("like", [None, "08-123 456 78", "070-1234567", "+46 70 123 45 67", "0707123456", "0470-12345"])
def test_swedish_phones_lie_in_the_ranges_for_fiction(like: str | None) -> None:
    assert all(is_fictitious_swedish(value) for value in values("sv", "PHONE_NUMBER", like))


@pytest.mark.parametrize("number", ["070-1740700", "08-46500500", "031-3900599", "0701234567"])
def test_other_swedish_phones_are_no_fiction(number: str) -> None:
    assert not is_fictitious_swedish(number)


@pytest.mark.parametrize("like", [None, "630 75 89 15", "+34 630 758 915", "0034 630758915", "986413144"])
def test_spanish_phones_begin_with_a_digit_that_is_not_given_out(like: str | None) -> None:
    for value in values("es", "NUMERO_TELEFONO", like):
        digits = re.sub(r"\D", "", re.sub(r"^(\+|00)34", "", value))
        assert len(digits) == 9
        assert digits[0] == "4"


def test_other_phones_reach_nobody() -> None:
    assert all(re.search(r"555\D?01\d\d$", value) for value in values("en", "PHONE", "(415) 238-1234"))
    assert all(re.sub(r"\D", "", value).startswith("000") for value in values("fi", "PHONE", "040 1234567"))


def test_spanish_identity_numbers_fail_their_check() -> None:
    for value in values("es", "ID_SUJETO_ASISTENCIA", "12345678Z"):
        assert re.fullmatch(r"\d{8}[A-Z]", value)
        assert dni_letter(int(value[:8])) != value[8]
    for value in values("es", "ID_SUJETO_ASISTENCIA", "X1234567L"):
        assert re.fullmatch(r"[XYZ]\d{7}[A-Z]", value)
        assert not could_identify(value)
    for value in values("es", "ID_ASEGURAMIENTO", "28 12345678 40"):
        assert re.fullmatch(r"\d\d \d{8} \d\d", value)
        assert nass_check(value.replace(" ", "")) != int(value[-2:])
    for value in values("es", "ID_TITULACION_PERSONAL_SANITARIO", "28 28 12345"):
        assert int(value[:2]) > 52


def test_cards_and_american_numbers_fail() -> None:
    assert all(not passes_luhn(re.sub(r"\D", "", v)) for v in values("en", "CREDIT_CARD", "4111 1111 1111 1111"))
    assert all(v.startswith("666-") for v in values("en", "SSN", "123-45-6789"))


@pytest.mark.parametrize("like", [None, "anna.berg@sjukhus.se", "A_B2@x.es"])
def test_mail_goes_to_example_domains(like: str | None) -> None:
    for value in values("sv", "EMAIL", like):
        assert re.fullmatch(r"[A-Za-z0-9._]+@example\.(com|org|net)", value)


@pytest.mark.parametrize(
    ("language", "label", "like", "shape"),
    [
        ("sv", "FULL_DATE", "2023-04-12", r"\d{4}-\d\d-\d\d"),
        ("sv", "FULL_DATE", "230412", r"\d\d(0[1-9]|1[0-2])\d\d"),
        ("sv", "DATE_PART", "12/4", r"\d{1,2}/([1-9]|1[0-2])"),
        ("sv", "DATE_PART", "mars 2019", r"[a-z]{3,9} \d{4}"),
        ("es", "FECHAS", "12/04/2018", r"\d\d/(0[1-9]|1[0-2])/\d{4}"),
        ("es", "FECHAS", "3 de mayo de 2018", r"\d{1,2} de [a-z]+ de \d{4}"),
        ("en", "DATE", "March 5, 2012", r"[A-Z][a-z]+ \d{1,2}, \d{4}"),
        ("en", "DATE", "03/25/2012", r"(0[1-9]|1[0-2])/\d\d/\d{4}"),
        ("sv", "AGE", "67-årig", r"\d\d-årig"),
        ("es", "EDAD_SUJETO_ASISTENCIA", "7 años", r"[2-9] años"),
        ("sv", "LAST_NAME", "BERG", r"[A-ZÅÄÖÉÜ]+"),
        ("sv", "FIRST_NAME", "anna", r"[a-zåäöéü]+"),
        ("es", "NOMBRE_PERSONAL_SANITARIO", "Dr. J. García", r"Dr\. [A-Z]\. [A-ZÁÉÍÓÚÑ]\w+"),
        ("es", "NOMBRE_SUJETO_ASISTENCIA", "García López, Ana", r"\w+ \w+, \w+"),
        ("es", "CALLE", "C/ Mayor, 23", r"C/ \w+, \d\d"),
        ("es", "TERRITORIO", "28042", r"\d{5}"),
        ("sv", "HEALTH_CARE_UNIT", "avd 34", r"avd \d\d"),
        ("sv", "LOCATION", "Storgatan 12", r"\w+ \d\d"),
        ("fi", "SOMETHING_ELSE", "Ab-12 x", r"[A-Z][a-z]-\d\d [a-z]"),
    ],
)
def test_the_shape_is_kept_and_the_content_is_not(language: str, label: str, like: str, shape: str) -> None:
    found = values(language, label, like)
    assert all(re.fullmatch(shape, value) for value in found), found
    assert sum(value == like for value in found) <= 3
    assert len(set(found)) > 5


@pytest.mark.parametrize("like", ["Ana García López", "Lars Berg", "GARCÍA"])
def test_no_part_of_a_name_comes_again(like: str) -> None:
    for language in ("sv", "es", "en"):
        for value in values(language, "NAME", like):
            assert not {w.casefold() for w in value.split()} & {w.casefold() for w in like.split()}


@pytest.mark.parametrize("language", ["sv", "es", "en", "fi"])
def test_every_known_label_has_values_in_every_language(language: str) -> None:
    surrogates = Surrogates(language, 3)
    for label in [*LABELS, "UNKNOWN"]:
        for like in (None, "Abc 12", "x"):
            value = surrogates.value(label, like)
            assert value
            assert value == value.strip()
            assert "\n" not in value


def test_all_labels_of_the_two_schemes_have_a_kind() -> None:
    from deidsynth.demo import invented_corpus

    for language in ("sv", "es"):
        labels = invented_corpus(language, 300).label_scheme()  # type: ignore[arg-type]
        assert [label for label in labels if kind_of(label) is None] == []


@given(st.text(min_size=1, max_size=30), st.sampled_from(["sv", "es", "en", "de"]), st.sampled_from(LABELS))
@settings(max_examples=200)
def test_any_original_gives_a_value(like: str, language: str, label: str) -> None:
    value = Surrogates(language, 1).value(label, like)
    assert value or not like.strip()
    assert value == value.strip()


def test_the_seed_decides_and_the_global_chance_is_left_alone() -> None:
    random.seed(5)
    before = random.getstate()
    labels = ["NAME", "ORG", "CALLE", "PROFESION", "PHONE"]
    first = [Surrogates("es", 7).value(label) for label in labels]
    other = Surrogates("es", 8)
    other.value("ORG")
    assert first == [Surrogates("es", 7).value(label) for label in labels]
    assert random.getstate() == before
    assert first != [other.value(label) for label in labels]


@pytest.mark.parametrize(
    ("language", "label", "like", "least"),
    [
        ("es", "FECHAS", "12/04/2018", r"[a-z]+ del? \d{4}|[a-z]+|\d{4}|\d{1,2} de [a-z]+"),
        ("sv", "FULL_DATE", "2023-04-12", r"(den )?\d{1,2} [a-zå]+( \d{4})?|\d{1,2}/\d{1,2}( \d{4}|-\d\d)?"),
        ("en", "DATE", "03/25/2012", r"[A-Z][a-z]+ \d{4}"),
        ("es", "EDAD_SUJETO_ASISTENCIA", "45 años", r"\w+ (meses|días|semanas)"),
        ("sv", "AGE", "45 år", r"\w+ (månader|dagar|veckor)"),
        ("es", "FAMILIARES_SUJETO_ASISTENCIA", "madre", r".*\d.*|dos \w+"),
        ("es", "INSTITUCION", "Caja Rural", r"(Universidad|Instituto|Fundación) .*"),
        ("sv", "ORG", "Caja Rural", r"(Region|Högskolan|Polisen) .*"),
        ("en", "ORG", "Caja Rural", r".* (University|College|Foundation)"),
    ],
)
def test_varied_values_have_other_writings(language: str, label: str, like: str, least: str) -> None:
    surrogates = Surrogates(language, 1, varied=0.5)
    found = [surrogates.value(label, like) for _ in range(300)]
    others = [value for value in found if re.fullmatch(least, value)]
    assert len(set(others)) > 3
    assert len(others) < 250
    assert like not in found


def test_what_has_no_other_writing_keeps_its_own() -> None:
    surrogates = Surrogates("fi", 1, varied=1.0)
    assert re.fullmatch(r"\d\d", surrogates.value("AGE", "45"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", surrogates.value("DATE", "2011-02-03"))
    assert re.fullmatch(r"\d\d-årig", Surrogates("sv", 1, varied=1.0).value("AGE", "67-årig"))


@given(st.text(min_size=1, max_size=30), st.sampled_from(["sv", "es", "en", "de"]), st.sampled_from(LABELS))
@settings(max_examples=100)
def test_any_original_gives_a_varied_value(like: str, language: str, label: str) -> None:
    value = Surrogates(language, 1, varied=1.0).value(label, like)
    assert value or not like.strip()
    assert value == value.strip()
    assert "\n" not in value
