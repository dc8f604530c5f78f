"""Further mentions of names that a model found once, and what is none."""

from __future__ import annotations

import pytest

from deidsynth.config.detection import Detection
from deidsynth.deidentification.detectors import Detectors
from deidsynth.documents import Document, Entity

LABELS = ("FIRST_NAME", "LAST_NAME", "NAME")


def again(language: str | None, *names: str, text: str, label: str = "NAME") -> list[str]:
    """What the second pass finds in a text that follows names, each found by the model on a line of its own."""
    head = "".join(f"{name}\n" for name in names)
    entities, start = [], 0
    for name in names:
        entities.append(Entity(start, start + len(name), label, 0.9))
        start += len(name) + 1
    document = Document("1", head + "—\n" + text, tuple(entities))
    found = Detectors(Detection(), language=language, labels=LABELS)(document)
    assert found.document.entities[: len(names)] == tuple(entities)
    assert set(found.sources[len(names) :]) <= {"second pass"}
    return [document.surface(entity) for entity in found.document.entities[len(names) :]]


@pytest.mark.parametrize(
    ("language", "name", "text", "mentions"),
    [
        ("sv", "Anna Berg", "Bergs hund skällde. Hunden sprang upp på ett berg.", ["Bergs"]),
        ("sv", "Anna Berg", "Berg mår bra, säger Anna. Annas mor också.", ["Berg", "Anna", "Annas"]),
        (
            "sv",
            "Anna Berg",
            "ANNA BERG, Berg, Anna. A. Berg och Berg A. igen",
            ["ANNA BERG", "Berg, Anna", "A. Berg", "Berg A"],
        ),
        ("sv", "Anna Berg", "Dikterat av A.B. idag.", ["A.B."]),
        ("sv", "Anna-Karin Ek", "Karin Ek. Anna-Karin, Ek. EK-kod och ek.", ["Karin Ek", "Anna-Karin", "Ek"]),
        ("sv", "Åsa Öberg", "Asa Oberg och ÖBERG", ["Asa Oberg", "ÖBERG"]),
        (
            "es",
            "María del Carmen García López",
            "García López vino. La Sra. García, Carmen.",
            ["García López", "García, Carmen"],
        ),
        ("es", "Ana de la Torre", "Ana de la Torre; la torre y De la", ["Ana de la Torre"]),
        ("en", "John Smith", "Smith's wife. Mr. Smith came.", ["Smith", "Smith"]),
        (None, "Anna Berg", "Bergs hund", ["Bergs"]),
    ],
)
def test_parts_initials_and_genitives_are_found(language: str, name: str, text: str, mentions: list[str]) -> None:
    assert again(language, name, text=text) == mentions


@pytest.mark.parametrize(
    ("language", "name", "text"),
    [
        ("sv", "Anna Berg", "anna berg, annas, ett berg"),  # lower case
        ("sv", "Jakob Down", "Creutzfeldt-Jakob, Jakob-Creutzfeldt, Downs syndrom, Down"),
        ("sv", "Anders Parkinson", "Parkinson sedan 2010, Parkinsons sjukdom, parkinsonism, Mb Parkinson"),
        ("sv", "Karin Wall", "Mb Wall, Walls tecken, Karin-Anna, Wallin, KarinWall"),
        ("es", "Marta Cortes", "Síndrome de Cortes, signo de la Cortes, enfermedad de Marta-Cortada"),
        ("es", "Luis Crohn", "enfermedad de Crohn, Crohn activo, CROHN"),
        ("es", "Dolores Rubio", "Dolores abdominales. Rubio. DOLORES ABDOMINALES. dolores"),
        ("es", "Ana de la Torre", "De la mano. La paciente. DE LA"),
        ("sv", "Stig Stark", "Stark smärta.\nStark värk. Stig upp."),
        ("sv", "Bo Ek", "bo kvar, BO, EK, ek"),
        ("en", "Will Smith", "Will need review. Smith's fracture sign. Smith test"),
        ("es", "Eva Fuentes", "E.F. normal. A.P. sin interés."),
        ("es", "Luis Centro", "Acudió al Centro Andaluz. Centro:"),
    ],
)
def test_words_eponyms_terms_and_compounds_are_not(language: str, name: str, text: str) -> None:
    if name == "Will Smith":  # an apostrophe and -s are a genitive: only what follows tells the sign from the person
        assert again(language, name, text=text) == ["Smith"]
        return
    assert again(language, name, text=text) == []


def test_an_eponym_beside_another_part_of_the_name_is_the_person() -> None:
    assert again("sv", "Anders Parkinson", text="Anders Parkinson, A. Parkinson") == [
        "Anders Parkinson",
        "A. Parkinson",
    ]


def test_mentions_have_the_label_of_the_first_mention() -> None:
    text = "Anna Berg. Dr Berg. Bergs hund, Annas hund, Anna Berg."
    entities = (Entity(0, 4, "FIRST_NAME", 0.9), Entity(5, 9, "LAST_NAME", 0.9))
    found = Detectors(Detection(), language="sv", labels=LABELS)(Document("1", text, entities)).document
    assert [(found.surface(entity), entity.label) for entity in found.entities] == [
        ("Anna", "FIRST_NAME"),
        ("Berg", "LAST_NAME"),
        ("Berg", "LAST_NAME"),
        ("Bergs", "LAST_NAME"),
        ("Annas", "FIRST_NAME"),
        ("Anna", "FIRST_NAME"),
        ("Berg", "LAST_NAME"),
    ]


def test_first_and_last_names_apart_are_one_name_with_initials() -> None:
    text = "Anna Berg kom. A. Berg gick."
    entities = (Entity(0, 4, "FIRST_NAME", 0.9), Entity(5, 9, "LAST_NAME", 0.9))
    found = Detectors(Detection(), language="sv", labels=LABELS)(Document("1", text, entities)).document
    assert [found.surface(entity) for entity in found.entities[2:]] == ["A", "Berg"]


def test_of_many_names_with_the_same_part_the_one_that_fits_best_is_meant() -> None:
    names = ("Anna Ek", "Anna Dal", "Anna Maria Dal", "Bo von Dal", "Bo Ek")
    text = "Sedan gick Anna Maria Dals hund, A. Dal, men Dal och sen Bo von Dal."
    assert again("sv", *names, text=text) == ["Anna Maria Dals", "A. Dal", "Dal", "Bo von Dal"]


def test_only_names_of_people_are_sought() -> None:
    text = "Lunds lasarett, Lund. Lunds hund."
    found = Detectors(Detection(), language="sv", labels=["HOSPITAL"])(
        Document("1", text, (Entity(0, 14, "HOSPITAL"),))
    )
    assert len(found.document.entities) == 1


def test_a_mention_that_the_model_saw_in_part_becomes_whole() -> None:
    text = "Anna Berg kom. Anna Berg gick."
    entities = (Entity(0, 9, "NAME", 0.9), Entity(15, 19, "NAME", 0.4))
    found = Detectors(Detection(), language="sv", labels=LABELS)(Document("1", text, entities))
    assert found.document.entities[1] == Entity(15, 24, "NAME", 0.4)
    assert found.sources == ("model", "model")


def test_offsets_are_those_of_the_text_as_it_is() -> None:
    text = "A\u030asa\u00a0 O\u0308berg\r\nDr\tO\u0308\u00adberg 😀 A\u030asas"
    entities = (Entity(0, 13, "NAME", 0.9),)
    found = Detectors(Detection(), language="sv", labels=LABELS)(Document("1", text, entities)).document
    assert [found.surface(entity) for entity in found.entities[1:]] == ["O\u0308\u00adberg", "A\u030asas"]


def test_it_can_be_switched_off() -> None:
    document = Document("1", "Anna Berg. Berg.", (Entity(0, 9, "NAME"),))
    found = Detectors(Detection(second_pass=False), language="sv", labels=LABELS)(document)
    assert found.document == document
