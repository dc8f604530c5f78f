"""Values that many share: drawn as they are known in public, without a look at what they replace."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from deidsynth.documents import Document, Entity
from deidsynth.surrogates.pseudonyms import Pseudonyms
from deidsynth.surrogates.public_values import PublicValues


def drawn(language: str, kind: str, like: str, n: int = 400) -> Counter[str]:
    values = PublicValues(language, "1")
    return Counter(values.value(kind, like) or "" for _ in range(n))


def test_a_sex_says_nothing_of_the_one_it_replaces() -> None:
    for like in ("mujer", "varón"):
        found = drawn("es", "sex", like)
        assert set(found) == {"mujer", "varón", "hombre"}
        assert 140 < found["mujer"] < 260
    assert drawn("es", "sex", "M").keys() == {"H", "M"}
    assert drawn("es", "sex", "no consta").keys() == {""}, "left to the surrogate of its shape"


@pytest.mark.parametrize(
    ("kind", "like", "other"),
    [("country", "España", "Francia"), ("place", "Madrid", "Zuera"), ("family", "hija", "tía")],
)
def test_what_is_drawn_depends_on_the_seed_and_not_on_the_original(kind: str, like: str, other: str) -> None:
    assert drawn("es", kind, like) == drawn("es", kind, other)
    assert PublicValues("es", "1").value(kind, like) == PublicValues("es", "1").value(kind, like)
    assert [PublicValues("es", str(seed)).value(kind, like) for seed in range(9)] != [like] * 9


def test_most_countries_are_home_and_most_places_are_on_the_map() -> None:
    assert drawn("es", "country", "Perú")["España"] > 300
    assert drawn("sv", "country", "NORGE")["SVERIGE"] > 300
    places = drawn("sv", "place", "Hult")
    assert places["Stockholm"] and places["Göteborg"] and places[""], "some are invented, by the surrogates"


@pytest.mark.parametrize(
    ("language", "like", "shape"), [("es", "28046", r"(0[1-9]|[1-5]\d)\d{3}"), ("sv", "114 55", r"[1-9]\d\d \d\d")]
)
def test_postcodes_have_the_shape_of_postcodes(language: str, like: str, shape: str) -> None:
    found = drawn(language, "place", like)
    assert len(found) > 100
    assert all(re.fullmatch(shape, value) for value in found)
    assert drawn(language, "place", "2804").keys() == {""}


def test_domains_of_addresses_are_invented_and_many() -> None:
    values = PublicValues("es", "1")
    found = {values.mail_address("ana.ruiz@example.org") for _ in range(50)}
    assert len(found) > 40
    assert all(re.fullmatch(r"ana\.ruiz@[a-z]{6,12}\.(es|com|org|net)", address) for address in found)
    assert values.mail_address("no address") == "no address"


def test_pseudonyms_have_them_the_same_throughout_a_patient() -> None:
    text = "Madrid, Ana, MADRID, ana@clinica.es"
    entities = (Entity(0, 6, "TERRITORIO"), Entity(8, 11, "NOMBRE_SUJETO_ASISTENCIA"), Entity(13, 19, "TERRITORIO"))
    entities = (*entities, Entity(21, 35, "CORREO_ELECTRONICO"))
    made = Pseudonyms("es", 4).of([Document("1", text, entities)])[0]
    first, name, second, address = (made.surface(entity) for entity in made.entities)
    assert second == first.upper()
    assert name != "Ana"
    assert "clinica" not in address and "ana" not in address.partition("@")[0]
