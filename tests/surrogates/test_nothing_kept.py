"""No value is the one that it stands for, or keeps a word of it by which somebody could be identified."""

from __future__ import annotations

import re
from typing import get_args

import pytest
from faker.config import AVAILABLE_LOCALES
from hypothesis import given, settings, strategies as st

from deidsynth.config.surrogates import Kind
from deidsynth.surrogates import Surrogates
from deidsynth.surrogates.known_words import is_known, words_in
from deidsynth.surrogates.labels import label_sets
from deidsynth.surrogates.names import name_pool

KINDS: tuple[Kind, ...] = get_args(Kind)
LABELS = {kind: labels[0] for kinds in label_sets().values() for kind, labels in kinds.items()} | {
    "shape": "UNHEARD_OF"
}
LANGUAGES = sorted({locale.partition("_")[0] for locale in AVAILABLE_LOCALES})
PERSONS = (
    "Anna Svensson",
    "ANNA SVENSSON",
    "svensson",
    "Bo Ek",
    "Ek",
    "Anna-Karin Öberg",
    "García, José Luis",
    "Li Na",
)
WORDS = st.one_of(
    st.text(st.characters(categories=("Lu", "Ll", "Lo")), min_size=2, max_size=9),
    st.sampled_from(("Anna", "Svensson", "Zyxwa", "QWORT", "García", "Müller", "Иванов", "山田")),
    st.sampled_from(
        ("3", "12", "67", "2019", "08-123456", "10:30", "maj", "mayo", "March", "år", "años", "tel", "Dr.")
    ),
)
VALUES = st.tuples(
    st.lists(WORDS, min_size=1, max_size=4), st.sampled_from((" ", ", ", "-", "/", ". ", "_", " ("))
).map(lambda drawn: drawn[1].join(drawn[0]))


def assert_nothing_kept(language: str, kind: Kind, like: str, seed: int, varied: float = 0.0) -> None:
    value = Surrogates(language, seed, varied).value(LABELS[kind], like)
    assert value and value == " ".join(value.split())
    assert value.casefold() != like.strip().casefold()
    kept = {word for word in words_in(value) & words_in(like) if not is_known(word, kind, language)}
    assert kept == set()


def test_every_kind_has_a_label() -> None:
    assert LABELS.keys() == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
@given(like=VALUES, language=st.sampled_from(LANGUAGES), seed=st.integers(0, 99), varied=st.sampled_from((0.0, 1.0)))
@settings(max_examples=25)
def test_no_value_keeps_a_word(kind: Kind, like: str, language: str, seed: int, varied: float) -> None:
    assert_nothing_kept(language, kind, like, seed, varied)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_person_under_any_label_is_replaced(language: str) -> None:
    for kind in KINDS:
        for seed, like in enumerate(PERSONS):
            assert_nothing_kept(language, kind, like, seed)


@pytest.mark.parametrize("language", ("sv", "es", "en", "fi"))
@pytest.mark.parametrize("like", ["-", "...", "½", "ⒶⓃⓃⒶ", "#1", "a", "İ"])
def test_what_has_no_shape_to_imitate_gets_a_value_too(language: str, like: str) -> None:
    for kind in KINDS:
        assert_nothing_kept(language, kind, like, 1)


@pytest.mark.parametrize(
    ("language", "label", "like", "shape"),
    [
        ("sv", "FULL_DATE", "Anna Svensson", r"\d{4}-\d\d-\d\d"),
        ("sv", "FULL_DATE", "Anna den 3 maj", r"den \d{1,2} [a-z]+"),
        ("fi", "DATE", "3. tammikuuta 2019", r"\d{1,2}\. [a-zä]+kuu \d{4}"),
        ("es", "FECHAS", "lunes 3 de mayo (Ana) de 2019", r"[a-zéá]+ \d{1,2} de [a-z]+ de \d{4}"),
        ("sv", "AGE", "Anna, 67 år", r"\d\d år"),
        ("en", "AGE", "67-year-old Anna", r"\d\d-year-old"),
        ("es", "NUMERO_TELEFONO", "Ana, tel. 913 22 11 00", r"tel\. 4\d\d \d\d \d\d \d\d"),
        ("es", "CALLE", "Mayor 3", r"Calle [\w ]+ \d"),
        ("es", "CALLE", "Avda. Mayor, 3", r"Avda\. [\w ]+, \d"),
        ("sv", "HEALTH_CARE_UNIT", "Ekeby 3", r"[^\d]+"),
        ("en", "NAME", "Don Draper", r"(?!Don\b)\w+ \w+"),
    ],
)
def test_a_shape_stays_without_the_words_that_could_identify(language: str, label: str, like: str, shape: str) -> None:
    found = [Surrogates(language, seed).value(label, like) for seed in range(20)]
    assert [value for value in found if not re.fullmatch(shape, value)] == []


def test_hardly_a_name_is_a_word_that_ages_and_telephone_numbers_keep() -> None:
    kinds: tuple[Kind, ...] = ("age", "phone")
    kept = {
        name
        for language in ("sv", "es", "en", "de", "fr", "no", "nl", "da")
        for names in (name_pool(language).male, name_pool(language).female, name_pool(language).last)
        for name in names
        if len(name) > 2 and any(is_known(name, kind, language) for kind in kinds)
    }
    assert kept == {"Day", "Weeks"}  # a day, weeks
