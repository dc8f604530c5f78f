"""Pseudonyms: every entity has a surrogate, the same throughout a patient, and nothing else changes."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings, strategies as st

from deidsynth.documents import Document, Entity
from deidsynth.surrogates import Pseudonyms, Surrogates

LABELS = ("NAME", "FIRST_NAME", "LAST_NAME", "DATE", "AGE", "SEX", "PHONE", "EMAIL", "CITY", "HOSPITAL", "ID", "ODD")
SURFACES = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1, max_size=12)
GAPS = st.text("abc åÅ.\n", min_size=1, max_size=6)


def document(doc_id: str, *pieces: str | tuple[str, str], group: str | None = None) -> Document:
    """A document of pieces, those with a label being entities."""
    text, entities = "", []
    for piece in pieces:
        surface, label = piece if isinstance(piece, tuple) else (piece, "")
        if label:
            entities.append(Entity(len(text), len(text) + len(surface), label))
        text += surface
    return Document(doc_id, text, tuple(entities), group)


def surfaces(document: Document) -> list[str]:
    return [document.surface(entity) for entity in document.entities]


def gaps(document: Document) -> list[str]:
    return [text for text, entity in document.pieces() if entity is None]


@settings(max_examples=120, deadline=None)
@given(
    st.lists(st.tuples(GAPS, SURFACES, st.sampled_from(LABELS)), min_size=1, max_size=5),
    st.sampled_from(["sv", "es", "en", "fi"]),
)
def test_only_entities_change_and_all_of_them_do(pieces: list[tuple[str, str, str]], language: str) -> None:
    flat = [part for gap, surface, label in pieces for part in (gap, (surface, label))]
    before = document("1", *flat, " end")
    [after] = Pseudonyms(language, 7).of([before])
    assert gaps(after) == gaps(before)
    assert [entity.label for entity in after.entities] == [entity.label for entity in before.entities]
    for old, new in zip(surfaces(before), surfaces(after), strict=True):
        assert new.strip().casefold() != old.strip().casefold() or not old.strip()
        kept = len(old) - len(old.lstrip())
        assert new[:kept] == old[:kept]


def test_a_value_has_one_surrogate_in_all_documents_of_a_patient() -> None:
    visits = [
        document("a", ("Anna Lindner", "NAME"), " ", ("Umeå", "CITY"), " ", ("19 mars 2004", "DATE"), group="p"),
        document("b", ("LINDNER", "LAST_NAME"), " ", ("umeå", "CITY"), " ", ("19 mars 2004", "DATE"), group="p"),
        document("c", ("Lindner, Anna", "NAME"), " ", ("Anna\nLindner", "NAME"), group="p"),
    ]
    [name, city, date], [last, again, same_date], [turned, broken] = map(surfaces, Pseudonyms("sv", 1).of(visits))
    first, surname = name.split()
    assert (last, turned, broken) == (surname.upper(), f"{surname}, {first}", f"{first}\n{surname}")
    assert (again, same_date) == (city.lower(), date)


def test_particles_of_names_stay_and_a_name_that_is_one_does_not() -> None:
    [after] = Pseudonyms("es", 1).of([document("1", ("Juan de la Cruz", "NAME"), " y ", ("De", "NAME"))])
    whole, alone = surfaces(after)
    assert whole.split()[1:3] == ["de", "la"]
    assert alone.casefold() != "de"


def test_patients_have_surrogates_of_their_own() -> None:
    notes = [document(str(number), ("Anna Lindner", "NAME"), " ", ("840612-2385", "ID")) for number in range(40)]
    found = Counter(tuple(surfaces(after)) for after in Pseudonyms("sv", 1).of(notes))
    assert len(found) == 40


def test_surrogates_of_a_patient_do_not_depend_on_others() -> None:
    notes = [document(str(number), ("Anna Lindner", "NAME"), " ", ("4 maj", "DATE")) for number in range(6)]
    whole = Pseudonyms("sv", 1).of(notes)
    assert Pseudonyms("sv", 1).of(notes[4:]) == whole[4:]
    assert Pseudonyms("sv", 1).of([notes[5], notes[0]]) == [whole[5], whole[0]]
    assert Pseudonyms("sv", 2).of(notes) != whole


def test_what_was_replaced_is_counted_and_never_shown() -> None:
    pseudonyms = Pseudonyms("sv", 1, labels={"PET": "first_name"})
    notes = [document("1", ("Anna", "NAME"), " ", ("Rex", "PET"), " ", ("QX-7", "WARD_CODE_X"), " ", (" ", "NAME"))]
    pseudonyms.of(notes)
    assert pseudonyms.by_kind == {"full_name": 1, "first_name": 1, "shape": 1}
    assert pseudonyms.not_invented == {"WARD_CODE_X": 1}
    assert repr(pseudonyms) == "Pseudonyms(n_replaced=3)"


@pytest.mark.parametrize("language", ["sv", "es", "fi"])
def test_a_restarted_source_is_a_new_one(language: str) -> None:
    used = Surrogates(language, 1)
    drawn = [used.value(label, "Anna 12") for label in LABELS]
    used.restart(1)
    assert [used.value(label, "Anna 12") for label in LABELS] == drawn
    used.restart(2)
    other = Surrogates(language, 2)
    assert [used.value(label, "Anna 12") for label in LABELS] == [other.value(label, "Anna 12") for label in LABELS]
