"""Numbers of which only a piece was found are replaced as a whole, and nothing beside them is."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, strategies as st

from deidsynth.config.detection import Detection
from deidsynth.deidentification.detectors import Detectors
from deidsynth.documents import Document, Entity
from marked_finds import found

LABELS = ["NAME", "PHONE", "ID", "MEDICALRECORD", "DATE", "AGE"]
DETECTORS = Detectors(Detection(second_pass=False), language="es", labels=LABELS)


def surfaces(marked: str, detectors: Detectors = DETECTORS) -> Sequence[str]:
    document = detectors(found(marked).document).document
    return [document.surface(each) for each in document.entities]


@pytest.mark.parametrize(
    ("marked", "whole"),
    [
        ("Llamar al {PHONE:913} 9388 787 y luego", "913 9388 787"),
        ("Llamar al 913 {PHONE:9388} 787.", "913 9388 787"),
        ("Llamar al 913 9388 {PHONE:787}", "913 9388 787"),
        ("Avisar al {PHONE:91 393} 88\u00a078, tardes", "91 393 88\u00a078"),
        ("Avisar al {PHONE:91}-393.88.78.", "91-393.88.78"),
        ("Avisar al {PHONE:9139}38878", "913938878"),
        ("Avisar al +34 {PHONE:91 393 88} 78", "+34 91 393 88 78"),
        ("ring {PHONE:070-123 45} 67", "070-123 45 67"),
        ("ring {PHONE:08-123 456} 78 i dag", "08-123 456 78"),
        ("call {PHONE:07700} 900123", "07700 900123"),
        ("call {PHONE:555-123}-4567", "555-123-4567"),
        ("NHC {MEDICALRECORD:123} 456 789", "123 456 789"),
        ("NHC {MEDICALRECORD:1234}5678-9", "12345678-9"),
        ("Nº Col: 28 28 {ID:787}71", "28 28 78771"),
        ("pnr {ID:850101} 1234", "850101 1234"),
    ],
)
def test_the_rest_of_a_number_is_found(marked: str, whole: str) -> None:
    assert surfaces(marked) == [whole]


@pytest.mark.parametrize(
    "marked",
    [
        "Llamar al {PHONE:913938787} 12/03/2020",
        "Llamar al {PHONE:913 938} 12-03-2020",
        "Llamar al {PHONE:913 938} 2020-03-12",
        "Llamar al {PHONE:913 938} 12 de mayo",
        "12-03-2020 {PHONE:938 787}",
        "El 3 de mayo de 2020 {PHONE:938 787}",
        "mayo 2020 {PHONE:938 787}",
        "NHC {ID:123 456} 45 años",
        "NHC {ID:123456} 500 mg",
        "NHC {ID:123456} 37,5 ºC",
        "NHC {ID:123456} 37.5",
        "NHC {ID:123456} 120/80",
        "NHC {ID:123456} 14:30",
        "TA 120/80 {ID:123456}",
        "Hb 13.5 {ID:123456}",
        "B12 {ID:123456}",
        "NHC {ID:123456} 98%",
        "NHC {ID:123456} 12h",
        "Llamar al {PHONE:913938787} 913938788",
        "Llamar al {PHONE:913 93 87 87} 45 camas",
        "Llamar al {PHONE:9139387} 3 hijos",
        "Llamar al {PHONE:913 9387} 2019",
        "Llamar al {PHONE:913 938}. 787 casos",
        "Llamar al {PHONE:913 938}, 787 casos",
        "Llamar al {PHONE:913 938}\n787 casos",
        "Llamar al {PHONE:913 938}  - 787 casos",
        "El {DATE:12} 345 678",
        "{AGE:45} 123 456",
    ],
)
def test_dates_values_and_other_numbers_beside_a_number_stay(marked: str) -> None:
    document = found(marked).document
    assert DETECTORS(document).document.entities == document.entities


def test_a_number_ends_where_another_entity_begins() -> None:
    assert surfaces("{PHONE:913} {ID:9388} 787") == ["913", "9388 787"]
    assert surfaces("{PHONE:913}{ID:938} 787") == ["913", "938 787"]


def test_the_label_of_a_user_says_what_is_a_number_and_the_finder_of_its_piece_is_named() -> None:
    detectors = Detectors(Detection(), language="es", labels=["TFN"], kinds={"TFN": "phone"})
    made = detectors(found("Llamar al {TFN:913} 9388 787").document)
    assert (made.document.entities, made.sources) == ((Entity(10, 22, "TFN"),), ("model",))


def test_without_patterns_a_number_stays_as_the_model_found_it() -> None:
    detectors = Detectors(Detection(patterns=False), language="es", labels=LABELS)
    assert surfaces("Llamar al {PHONE:913} 9388 787", detectors) == ["913"]


def test_two_pieces_of_one_number_share_what_is_between_them() -> None:
    assert surfaces("Llamar {PHONE:913} 938 {PHONE:787}") == ["913 938", "787"]
    assert surfaces("Llamar {PHONE:913} 938 {ID:787} ya") == ["913 938", "787"]


@given(
    st.lists(st.sampled_from(["1", "20", "345", "2019", ".", "-", " ", "  ", "+", "mg", "maj ", "/", "\xa0"])),
    st.data(),
)
def test_what_was_found_only_grows_by_digits_and_what_joins_them(pieces: list[str], data: st.DataObject) -> None:
    text = "".join(pieces)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=6)))
    spans = zip(cuts[::2], cuts[1::2], strict=False)
    document = Document("1", text, tuple(Entity(*span, data.draw(st.sampled_from(LABELS))) for span in spans))
    made = Detectors(Detection(second_pass=False), language=None, labels=LABELS)(document).document
    alone = {at for each in document.entities for at in range(each.start, each.end)}
    grown = {at for each in made.entities for at in range(each.start, each.end)} - alone
    assert alone.isdisjoint(grown)
    assert all(text[at] in "0123456789+.- \xa0" for at in grown)
    assert len(made.entities) >= len(document.entities)
    bare = {end for each in document.entities for end in (each.start, each.end - 1)}
    ends = {end for each in made.entities for end in (each.start, each.end - 1)} - bare
    assert not any(text[at].isspace() for at in ends)
