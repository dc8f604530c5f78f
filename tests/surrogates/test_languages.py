"""Values in languages other than those with lists of their own: names of the language, and nobody's numbers."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import get_args

import pytest
import yaml
from faker.config import AVAILABLE_LOCALES
from hypothesis import given, settings, strategies as st

from deidsynth.config import LabelKinds, parse
from deidsynth.config.surrogates import Kind
from deidsynth.documents import Document, Entity
from deidsynth.surrogates import Surrogates, mentions_of, replace_mentions
from deidsynth.surrogates.coverage import is_covered
from deidsynth.surrogates.dates import months_of, weekdays_of
from deidsynth.surrogates.identity import could_identify
from deidsynth.surrogates.labels import kind_of, label_sets
from deidsynth.surrogates.names import name_pool
from deidsynth.surrogates.national import could_be_national, is_checked

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "languages.md").read_text(encoding="utf-8")
CHECKED = ("da", "de", "fr", "nl", "no")
LANGUAGES = sorted({locale.partition("_")[0] for locale in AVAILABLE_LOCALES})
# The labels of the sets as their guidelines and articles list them, and the kinds that they must not be without.
SETS = {
    "GraSCCo and GeMTeX": """NAME_PATIENT NAME_DOCTOR NAME_RELATIVE NAME_EXT NAME_USERNAME NAME_TITLE NAME_OTHER DATE
        DATE_BIRTH DATE_DEATH AGE LOCATION_STREET LOCATION_CITY LOCATION_ZIP LOCATION_COUNTRY LOCATION_STATE
        LOCATION_HOSPITAL LOCATION_ORGANIZATION CONTACT_PHONE CONTACT_FAX CONTACT_EMAIL CONTACT_URL ID PROFESSION""",
    "eds-pseudo": "ADRESSE DATE DATE_NAISSANCE HOPITAL IPP MAIL NDA NOM PRENOM SECU TEL VILLE ZIP",
    "NorSynthClinical-PHI": """First_Name Last_Name Age Phone_Number Social_Security_Number Date_Full Date_Part Location
        Health_Care_Unit""",
    "deduce": """persoon patient locatie ziekenhuis zorginstelling instelling datum leeftijd id bsn telefoonnummer
        emailadres url patientnummer""",
    "i2b2 2006": "PATIENT DOCTOR HOSPITAL ID DATE LOCATION PHONE AGE",
    "i2b2 2014": """PATIENT DOCTOR USERNAME PROFESSION ROOM DEPARTMENT HOSPITAL ORGANIZATION STREET CITY STATE COUNTRY
        ZIP LOCATION-OTHER AGE DATE PHONE FAX EMAIL URL IPADDR SSN MEDICALRECORD HEALTHPLAN ACCOUNT LICENSE VEHICLE
        DEVICE BIOID IDNUM""",
    "SEPR": """First_Name Last_Name Age Phone_Number Location Health_Care_Unit Organization Full_Date Date_Part""",
    "MEDDOCAN": """NOMBRE_SUJETO_ASISTENCIA NOMBRE_PERSONAL_SANITARIO FAMILIARES_SUJETO_ASISTENCIA
        SEXO_SUJETO_ASISTENCIA OTROS_SUJETO_ASISTENCIA
        EDAD_SUJETO_ASISTENCIA FECHAS HOSPITAL CENTRO_SALUD INSTITUCION CALLE TERRITORIO PAIS
        NUMERO_TELEFONO NUMERO_FAX NUMERO_BUSCAPERSONAS CORREO_ELECTRONICO DIREC_PROT_INTERNET URL_WEB
        ID_SUJETO_ASISTENCIA ID_CONTACTO_ASISTENCIAL ID_ASEGURAMIENTO ID_TITULACION_PERSONAL_SANITARIO
        ID_EMPLEO_PERSONAL_SANITARIO NUMERO_BENEF_PLAN_SALUD IDENTIF_VEHICULOS_NRSERIE_PLACAS
        IDENTIF_DISPOSITIVOS_NRSERIE IDENTIF_BIOMETRICOS PROFESION""",
}


def values(language: str, label: str, like: str, n: int = 40) -> list[str]:
    return [Surrogates(language, seed).value(label, like) for seed in range(n)]


@pytest.mark.parametrize("labels", SETS.values(), ids=SETS)
def test_every_label_of_a_public_label_set_has_a_kind(labels: str) -> None:
    assert [label for label in labels.split() if kind_of(label) is None] == []


def test_no_label_stands_in_two_sets_and_every_kind_is_one() -> None:
    kinds = [(label, kind) for each in label_sets().values() for kind, labels in each.items() for label in labels]
    assert len({label for label, _ in kinds}) == len(kinds)
    assert {kind for _, kind in kinds} <= set(get_args(Kind))


def test_the_users_kinds_go_first_and_case_and_hyphens_do_not_count() -> None:
    own: dict[str, Kind] = {"Name-of pet": "first_name", "ID": "phone"}
    assert kind_of("NAME_OF_PET", own) == "first_name"
    assert kind_of("NAME_OF_PET") is None
    assert (kind_of("id", own), kind_of("id")) == ("phone", "identifier")
    surrogates = Surrogates("de", labels=own)
    assert surrogates.knows("name_of_pet") and not Surrogates("de").knows("name_of_pet")
    assert surrogates.value("NAME_OF_PET", "Waldi").capitalize() in name_pool("de").male + name_pool("de").female


@pytest.mark.parametrize(
    ("language", "label", "like", "pools"),
    [
        ("de", "NAME_PATIENT", "Greta Lindner", ("female", "last")),
        ("fr", "PRENOM", "Christine", ("female",)),
        ("fr", "NOM", "DUPONT", ("last",)),
        ("no", "Last_Name", "Nordmann", ("last",)),
        ("nb", "First_Name", "Kari", ("female",)),
        ("nl", "persoon", "Jan Jansen", ("male", "last")),
    ],
)
def test_names_are_names_of_the_language(language: str, label: str, like: str, pools: Sequence[str]) -> None:
    known = name_pool("no" if language == "nb" else language, "train")
    for value in values(language, label, like):
        words = value.split()
        assert len(words) == len(pools)
        for word, pool in zip(words, pools, strict=True):
            assert word.casefold() in {name.casefold() for name in getattr(known, pool)}
        assert value.isupper() == like.isupper()
        assert not {word.casefold() for word in words} & {word.casefold() for word in like.split()}


@pytest.mark.parametrize(
    ("language", "label", "like", "shape"),
    [
        ("de", "DATE", "12. März 2020", r"\d{1,2}\. [A-ZÄ]\w+ \d{4}"),
        ("de", "DATE", "12.03.20", r"(0[1-9]|[12]\d|3[01])\.(0[1-9]|1[0-2])\.\d\d"),
        ("fr", "DATE", "3 août 2019", r"\d{1,2} [a-zéû]+ \d{4}"),
        ("nl", "datum", "maandag 3 maart", r"[a-z]+dag \d{1,2} [a-z]+"),
        ("no", "Date_Full", "12. mai 2011", r"\d{1,2}\. [a-z]+ \d{4}"),
        ("fr", "ADRESSE", "33 bis, rue Neuve", r"\d\d bis, .+"),
        ("de", "LOCATION_STREET", "Neue Straße 12a", r".+ \d\d[a-z]"),
        ("fr", "HOPITAL", "Hôpital Neuf", r"(Hôpital|Centre hospitalier|CHU|Clinique) de .+"),
        ("no", "Health_Care_Unit", "Nye legesenter", r".*([Ll]ege|helse).*"),
        ("de", "NAME_TITLE", "Dr. med.", r"(Prof\.|PD|Dr\.).*"),
        ("en", "IPADDR", "10.1.2.3", r"(192\.0\.2|198\.51\.100|203\.0\.113)\.\d+"),
        ("ru", "EMAIL", "a.b@x.ru", r"[a-z]+\.[a-z]+@example\.(com|org|net)"),
    ],
)
def test_values_are_of_the_language_and_keep_the_shape(language: str, label: str, like: str, shape: str) -> None:
    found = values(language, label, like)
    assert [value for value in found if not re.fullmatch(shape, value)] == []
    assert len(set(found)) > 1


def test_the_words_for_the_sexes_are_of_the_language() -> None:
    assert set(values("nl", "SEX", "vrouw")) == {"man"}
    assert set(values("de", "SEX", "W")) == {"M"}
    assert set(values("fr", "SEX", "homme")) == {"femme"}


def test_a_format_of_the_language_is_not_replaced_by_one_of_another() -> None:
    surrogates = Surrogates("de", 1, varied=1.0)
    assert all(re.fullmatch(r"\d{1,2}\. \w+ \d{4}", surrogates.value("DATE", "3. Mai 2020")) for _ in range(40))


@pytest.mark.parametrize(
    ("language", "number"),
    [
        ("no", "15108695088"),
        ("da", "070761-4285"),
        ("nl", "111222333"),
        ("fr", "1 84 12 76 451 089 46"),
        ("de", "86095742719"),
        ("de", "A123456780"),
    ],
)
def test_published_examples_pass_the_check_of_their_country_and_no_other_digit_does(language: str, number: str) -> None:
    assert could_be_national(number, language)
    assert could_be_national(f"Nr. {number}, ny", language)
    if language != "da":  # which has no check digit
        last = int(number[-1])
        assert not any(could_be_national(f"{number[:-1]}{digit}", language) for digit in range(10) if digit != last)
    assert not could_be_national("320761-4285", "da")
    assert not could_be_national(number, "fi")


@pytest.mark.parametrize("label", ["SOCIAL_SECURITY_NUMBER", "SECU", "BSN", "ID", "MRN", "NOBODY_KNOWS"])
@given(number=st.from_regex(r"[A-Z]?[0-9]{6,15}|[0-9]{6}[- ][0-9]{4,5}", fullmatch=True), seed=st.integers(0, 99))
@settings(max_examples=40)
def test_no_number_could_belong_to_a_person(label: str, number: str, seed: int) -> None:
    for language in CHECKED:
        value = Surrogates(language, seed).value(label, number)
        assert len(value) == len(number)
        assert not could_be_national(value, language) and not could_identify(value)
    if label in {"SOCIAL_SECURITY_NUMBER", "SECU", "BSN"}:
        assert not is_checked("fi")
        assert re.sub(r"\D", "", Surrogates("fi", seed).value(label, number)).startswith("0000")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_values_and_says_which_are_its_own(language: str) -> None:
    random.seed(5)
    before, surrogates = random.getstate(), Surrogates(language, 3, varied=0.3)
    for kinds in label_sets().values():
        for kind, labels in kinds.items():
            assert surrogates.knows(labels[0]) == is_covered(kind, language)
            for like in (None, "Abc 12", "x", "3 mai 2020"):
                value = surrogates.value(labels[0], like)
                assert value and value == value.strip() and "\n" not in value
    assert random.getstate() == before
    assert (len(months_of(language)), len(weekdays_of(language))) == (12, 7)


def test_nothing_english_counts_as_a_value_of_another_language() -> None:
    assert not Surrogates("fi").knows("FAMILY")
    assert not Surrogates("it").knows("PROFESSION")
    assert not Surrogates("lb").knows("NAME")
    assert all(Surrogates(language).knows(label) for language in ("sv", "es", "en") for label in ("NAME", "FAMILY"))


TEXT = "Wer: Kapitän. Herkunft: Nordland, Kunde Süd."
SPANS = ((5, 12, "RANG"), (24, 32, "HERKUNFT"), (40, 43, "HERKUNFT"))
NOTE = Document("1", TEXT, tuple(Entity(*span) for span in SPANS))


@given(st.integers(0, 200))
def test_a_mention_that_cannot_be_invented_gives_way_to_another_of_its_label(seed: int) -> None:
    others = mentions_of([NOTE, Document("2", "Ostland", (Entity(0, 7, "HERKUNFT"),))])
    assert others == {"RANG": ["Kapitän"], "HERKUNFT": ["Nordland", "Ostland", "Süd"]}
    found = replace_mentions(NOTE, Surrogates("de", seed), Random(seed), 1.0, others)
    surfaces = [found.surface(entity) for entity in found.entities]
    assert surfaces[0] == "Kapitän"  # there is no other
    assert surfaces[1] in {"Ostland", "Süd"} and surfaces[2] in {"Nordland", "Ostland"}
    assert replace_mentions(NOTE, Surrogates("de", seed), Random(seed), 1.0).text == TEXT
    assert replace_mentions(NOTE, Surrogates("de", seed), Random(seed), 0.0, others).text == TEXT


def test_the_page_names_every_label_set_and_kind_and_its_examples_are_valid() -> None:
    for name in label_sets():
        for word in re.findall(r"[A-Za-z0-9-]{4,}", name):
            assert word.casefold() in PAGE.casefold()
    listed = re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE)
    assert {kind for row in listed for kind in re.findall(r"`(\w+)`", row)} == set(get_args(Kind))
    [block] = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert len(parse(LabelKinds, yaml.safe_load(block)).labels) == 3
