"""A planted value is found in each form in which it may be written, and nothing else is."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, strategies as st
from tests.privacy.audit.two_sides import note, sides

from deidsynth.documents import Document
from deidsynth.normalization import normalize
from deidsynth.privacy.audit.identifiers import identifiers
from deidsynth.privacy.audit.matching import EXACT, NORMALIZED, UniqueValues, Writing

NAME = ("Åsa Lindner-Ek", "NAME")
SPANISH = ("ERNESTO RIVERA BUENO", "NOMBRE_SUJETO_ASISTENCIA")
DAY = ("2019-05-03", "DATE")
PHONE = ("0701-23 45 67", "PHONE")

WORDS = st.text("abcdefgh", min_size=4, max_size=7)


def found(value: tuple[str, str], text: str, writing: Writing = NORMALIZED) -> bool:
    """Whether a value that one training group has is found in a text."""
    unique = UniqueValues(sides([["Seen: ", value, "."]], [["Nothing here."]]), writing)
    return bool(unique.found_in(text))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (NAME, "åsa lindner ek kom"),
        (NAME, "patienten ASA  LINDNER-EK"),
        (NAME, "A\u030asa Lindner-Ek"),
        (NAME, "Å. Lindner-Ek"),
        (NAME, "A Lindner Ek,"),
        (NAME, "Lindner-Ek, Åsa"),
        (NAME, "Lindner-Ek, Å."),
        (NAME, "(Å.Lindner-Ek)"),
        (NAME, "Lind\xadner-Ek, Åsa"),
        (SPANISH, "Ernesto Rivera Bueno"),
        (SPANISH, "E. Rivera Bueno"),
        (SPANISH, "Rivera Bueno, Ernesto"),
        (SPANISH, "E. R. Bueno"),
        (DAY, "den 3 maj 2019 kom"),
        (DAY, "el 3 de mayo de 2019."),
        (DAY, "el 03 de Mayo del 19"),
        (DAY, "on May 3, 2019"),
        (DAY, "on May 3rd, 2019"),
        (DAY, "3rd of May, 2019"),
        (DAY, "3-may-19"),
        (DAY, "3/5/2019"),
        (DAY, "03.05.19"),
        (DAY, "5/3/2019"),
        (DAY, "20190503"),
        (DAY, "190503 and 19-05-03"),
        (("12 de agosto del 2004", "FECHAS"), "12/08/2004"),
        (PHONE, "tel 0701234567"),
        (PHONE, "070 123 45 67 hem"),
        (PHONE, "(0701)-234567"),
        (("12345678-Z", "DNI"), "12345678z"),
        (("12345678Z", "DNI"), "DNI 12.345.678 Z"),
        (("AB 12345", "LICENSE"), "plate AB-12345"),
        (("Calle Mayor, 12", "CALLE"), "CALLE MAYOR 12"),
    ],
)
def test_a_value_is_found_in_other_forms(value: tuple[str, str], text: str) -> None:
    assert found(value, text)
    assert not found(value, text, EXACT) or value[0] in normalize(text).text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (NAME, "Åsa Lindnerek"),
        (NAME, "Åsa Lindner"),
        (NAME, "Lindner-Ek"),
        (NAME, "B. Lindner-Ek"),
        (NAME, "Kåsa Lindner-Ek"),
        (DAY, "4 maj 2019"),
        (DAY, "3 maj 2018"),
        (DAY, "3 maj"),
        (DAY, "13/5/2019"),
        (DAY, "3 mg 2019"),
        (PHONE, "0701-23 45 68"),
        (PHONE, "10701-23 45 67"),
        (PHONE, "0701 x 23 y 45 67"),
    ],
)
def test_what_only_looks_alike_is_not_found(value: tuple[str, str], text: str) -> None:
    assert not found(value, text)


@pytest.mark.parametrize("text", ["(Åsa Lindner-Ek)", "Åsa\xa0Lindner-Ek", "A\u030asa Lindner-Ek:", "Åsa Lindner-Ek"])
def test_exact_is_the_same_characters_of_normalized_text(text: str) -> None:
    assert found(NAME, text, EXACT)


@pytest.mark.parametrize("text", ["Åsa Lindner-Eks", "xÅsa Lindner-Ek", "Åsa lindner-Ek", "Åsa Lindner Ek"])
def test_exact_is_between_word_boundaries_and_nothing_else(text: str) -> None:
    assert not found(NAME, text, EXACT)


@given(st.dates(date(1930, 1, 1), date(2029, 12, 31)), st.sampled_from("%d/%m/%Y %Y-%m-%d %m/%d/%Y %d.%m.%y".split()))
def test_every_date_is_found_in_every_format(day: date, written: str) -> None:
    assert found((day.isoformat(), "DATE"), f"seen {day.strftime(written)} and then")


@given(st.lists(WORDS, min_size=2, max_size=4, unique=True), st.lists(WORDS, max_size=8))
def test_a_name_is_found_where_its_words_stand_and_nowhere_else(name: list[str], text: list[str]) -> None:
    value = (" ".join(name).title(), "NAME")
    for writing in (EXACT, NORMALIZED):
        assert found(value, " ".join((*text, value[0], *text)), writing)
    apart = [word for word in text if word not in name]
    assert not found(value, " ".join(apart))


@given(st.lists(st.tuples(WORDS, WORDS, st.booleans()), min_size=1, max_size=6))
def test_only_values_of_one_group_are_unique(people: list[tuple[str, str, bool]]) -> None:
    texts = [
        [("Bo " + first + " " + last, "NAME") if labeled else f"Bo {first} {last}"] for first, last, labeled in people
    ]
    unique = UniqueValues(sides(texts, []), NORMALIZED)
    names = [f"bo {first} {last}" for first, last, _ in people]
    assert {value.group for value in unique.values} == {
        number for number, name in enumerate(names) if names.count(name) == 1 and people[number][2]
    }


def test_a_value_that_another_group_has_without_a_label_or_in_another_form_is_not_unique() -> None:
    both = sides([[NAME]], [["Seen by Å. Lindner-Ek."]])
    assert len(UniqueValues(both, EXACT).values) == 1
    (value,) = UniqueValues(both, NORMALIZED).values  # by its other forms
    assert not UniqueValues(both, NORMALIZED).found_in("A. Lindner Ek")
    assert UniqueValues(both, NORMALIZED).found_in("Asa Lindner Ek")
    assert value.group == 0


def test_names_in_parts_are_whole_names_as_well() -> None:
    document = note("1", ("Anna", "FIRST_NAME"), " ", ("Lindner", "LAST_NAME"), " saw ", ("Bengtsson", "LAST_NAME"))
    assert [each.text for each in identifiers(document)] == ["Anna", "Lindner", "Bengtsson", "Anna Lindner"]


def test_what_is_short_or_common_is_no_identifier() -> None:
    values = [
        ("45", "ID"),
        ("1234", "ID"),
        ("Ek", "NAME"),
        ("45 år", "AGE"),
        ("Sverige", "COUNTRY"),
        ("madre", "FAMILY"),
    ]
    assert not [*identifiers(note("1", *(piece for value in values for piece in (value, "; "))))]


def test_entities_are_told_from_strings() -> None:
    unique = UniqueValues(sides([[NAME]], []), NORMALIZED)
    assert unique.entities_of(note("s", "Seen by ", ("åsa LINDNER ek", "PERSON"))) == {0}
    assert unique.entities_of(note("s", "Seen by ", ("åsa LINDNER ek and Bo", "PERSON"))) == set()
    assert unique.entities_of(Document("s", "åsa LINDNER ek")) == set()


def test_nothing_shows_text() -> None:
    unique = UniqueValues(sides([[NAME]], []), EXACT)
    assert "Lindner" not in repr(unique) + repr(unique.values)


def test_kinds_that_the_user_states_go_before_what_the_package_knows() -> None:
    groups = [[("Lindner-Ek", "WER")], [("78 Jahre", "WIEALT")]]
    known = UniqueValues(sides(groups, [["Nothing here."]]), EXACT, {"WER": "full_name", "WIEALT": "age"})
    assert [value.identifier.kind for value in known.values] == ["full_name"], "an age points to nobody"
    assert len(UniqueValues(sides(groups, [["Nothing here."]]), EXACT).values) == 2
    found = known.found_among([note("s", "By ", ("Lindner-Ek", "WER"))])
    assert (found.numbers, found.as_entity) == ({0}, {0})
