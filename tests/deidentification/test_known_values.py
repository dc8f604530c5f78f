"""Known values: files of them, and their mentions in any case and with any separators."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deidsynth.config.detection import Detection
from deidsynth.deidentification.detectors import Detectors
from deidsynth.deidentification.known_values import KnownValue, KnownValues
from deidsynth.documents import Document, Entity
from deidsynth.errors import CorpusError, InputError

NOTHING_ELSE = Detection(patterns=False, second_pass=False)


def found(
    text: str,
    *values: KnownValue | str,
    language: str | None = "sv",
    labels: tuple[str, ...] = ("NAME", "ID"),
    entities: tuple[Entity, ...] = (),
) -> list[tuple[str, str]]:
    """Surface and label of the mentions of the values of a patient."""
    known = KnownValues({"7": [KnownValue(each) if isinstance(each, str) else each for each in values]})
    detectors = Detectors(NOTHING_ELSE, language=language, labels=labels, known=known)
    document = detectors(Document("1", text, entities, "7")).document
    return [(document.surface(entity), entity.label) for entity in document.entities]


def surfaces(text: str, *values: KnownValue | str, language: str | None = "sv") -> list[str]:
    return [surface for surface, _ in found(text, *values, language=language)]


@pytest.mark.parametrize(
    ("value", "text", "mentions"),
    [
        ("Anna Svärd", "anna svärd, ANNA SVARD, Annas, svärds", ["anna svärd", "ANNA SVARD", "Annas", "svärds"]),
        ("Svärd, Lena", "Lena kom. L. Svärd, L.S.", ["Lena", "L. Svärd", "L.S."]),
        ("Anna Svärd", "Annas Svärd och Anna-Lena, Svärdsjö, xAnna", ["Annas Svärd"]),
        ("Anna Berg", "på ett berg, men Berg kom", ["Berg"]),
        ("Jakob Down", "Creutzfeldt-Jakob, Downs syndrom, down; Down kom", ["Down"]),
        ("Bo Ek", "Bo bor i bo, ek, EK", ["Bo"]),
    ],
)
def test_names_are_found_whole_and_in_parts(value: str, text: str, mentions: list[str]) -> None:
    assert surfaces(text, value) == mentions


def test_each_surname_and_given_name_is_sought() -> None:
    text = "maria vino. La sra. garcía; López. La del."
    assert surfaces(text, "María del Carmen García López", language="es") == ["maria", "garcía; López"[:6], "López"]


@pytest.mark.parametrize(
    ("value", "text", "mentions"),
    [
        (
            "811218-9876",
            "811218 9876, 8112189876, 19811218-9876, 811218-98765",
            ["811218 9876", "8112189876", "19811218-9876"],
        ),
        ("198112189876", "811218-9876", ["811218-9876"]),
        (
            "070-174 06 05",
            "0701740605 eller +46 (0)70-174 06 05, 0046701740605",
            ["0701740605", "46 (0)70-174 06 05", "0046701740605"],
        ),
        ("AB 123", "ab-123 och AB123, AB1234", ["ab-123", "AB123"]),
        ("4711", "4711, 47.11, 4711-3, 2.4711, 4\n711", ["4711", "47.11"]),
        ("12345678Z", "12.345.678-z", ["12.345.678-z"]),
    ],
)
def test_numbers_are_found_with_any_separators(value: str, text: str, mentions: list[str]) -> None:
    assert surfaces(text, value) == mentions


def test_other_values_are_found_word_by_word() -> None:
    street, mail = KnownValue("Storgatan 12, Lund", "STREET"), KnownValue("anna@exempel.se")
    text = "Bor på storgatan 12\nLund. Storgatan 1. Mail ANNA@EXEMPEL.SE"
    assert found(text, street, mail) == [("storgatan 12\nLund", "STREET"), ("ANNA@EXEMPEL.SE", "EMAIL")]


def test_labels_are_the_stated_ones_or_of_the_model() -> None:
    parts = ("FIRST_NAME", "LAST_NAME", "PHONE_NUMBER")
    assert found("Anna Svärd 4711", "Anna Svärd", "4711", labels=parts) == [
        ("Anna", "FIRST_NAME"),
        ("Svärd", "LAST_NAME"),
        ("4711", "ID"),
    ]
    assert found("Anna Svärd", KnownValue("Anna Svärd", "PATIENT"), labels=parts) == [("Anna Svärd", "PATIENT")]
    spanish = ("NOMBRE_PERSONAL_SANITARIO", "NOMBRE_SUJETO_ASISTENCIA")
    assert found("Ana Gil", "Ana Gil", labels=spanish, language="es") == [("Ana Gil", "NOMBRE_SUJETO_ASISTENCIA")]


def test_a_name_that_the_model_found_in_parts_stays_in_parts() -> None:
    entities = (Entity(0, 4, "FIRST_NAME", 0.9), Entity(5, 10, "LAST_NAME", 0.8))
    assert found("Anna Svärd", "Anna Svärd", entities=entities) == [("Anna", "FIRST_NAME"), ("Svärd", "LAST_NAME")]


def test_values_of_other_patients_are_not_sought() -> None:
    known = KnownValues({"7": [KnownValue("Anna")], "8": [KnownValue("Lena")], None: [KnownValue("Ulla")]})
    detectors = Detectors(NOTHING_ELSE, language="sv", labels=["NAME"], known=known)
    document = Document("1", "Anna Lena Ulla")
    names = {
        patient: [each.document.surface(entity) for entity in each.document.entities]
        for patient in ("7", "8", "9", None)
        for each in [detectors(replace(document, group=patient))]
    }
    assert names == {"7": ["Anna", "Ulla"], "8": ["Lena", "Ulla"], "9": ["Ulla"], None: ["Ulla"]}
    assert detectors(replace(document, group="7")).sources == ("known value", "known value")


def test_a_second_pass_seeks_what_is_known() -> None:
    known = KnownValues({None: [KnownValue("Ann Ek")]})
    found = Detectors(Detection(), language="sv", labels=["NAME"], known=known)(Document("1", "ann ek kom"))
    assert found.sources == ("known value",)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_csv_file_has_a_header_and_any_of_three_separators(tmp_path: Path, separator: str) -> None:
    rows = [
        ["Label", "patient", "Value", "ward"],
        ["", "7", '"Svärd, Anna"', "3"],
        ["MRN", "", "4711", ""],
        ["", "", "", ""],
    ]
    path = tmp_path / "known.csv"
    path.write_bytes(("\ufeff" + "\r\n".join(map(separator.join, rows))).encode())
    known = KnownValues.load(path)
    assert known.patients == {"7"}
    assert known.of("7") == (KnownValue("Svärd, Anna"),)
    assert known.of(None) == (KnownValue("4711", "MRN"),)


def test_a_jsonl_file_has_an_object_on_each_line(tmp_path: Path) -> None:
    path = tmp_path / "known.jsonl"
    path.write_text('{"patient": 7, "value": "Anna Svärd", "label": "NAME"}\n\n{"value": 4711}\n', encoding="utf-8")
    known = KnownValues.load(path)
    assert known.of("7") == (KnownValue("Anna Svärd", "NAME"),)
    assert known.of(None) == (KnownValue("4711"),)
    assert repr(known) == "KnownValues(n_patients=1, n_values=2)"


@pytest.mark.parametrize(
    ("name", "content", "lines"),
    [
        ("k.csv", "patient,name\n7,Hemlig\n", [1]),
        ("k.csv", "", [1]),
        (
            "k.csv",
            'patient,value,label\n7,Anna,\n7,,\n7,H,\n7,123,\n7,Hemlig,TWO WORDS\n7,Hemlig,N,X\n"a\nb",\n',
            [3, 4, 5, 6, 7, 8],
        ),
        ("k.csv", 'patient,value\n7,"Hemlig', [2]),
        (
            "k.jsonl",
            '{"value": "Anna"}\n[1]\nHemlig\n{"value": ["Hemlig"]}\n{"value": "a", "value": "Hemlig"}\n{}\n',
            [2, 3, 4, 5, 6],
        ),
    ],
)
def test_faults_are_named_by_line_and_nothing_is_quoted(
    tmp_path: Path, name: str, content: str, lines: list[int]
) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(CorpusError) as raised:
        KnownValues.load(path)
    assert [problem.line for problem in raised.value.problems] == lines
    assert "Hemlig" not in str(raised.value)
    assert raised.value.exit_code == 2


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.csv: cannot be read"):
        KnownValues.load(tmp_path / "nothing.csv")
    (tmp_path / "latin.csv").write_bytes("patient,value\n7,Svärd".encode("latin-1"))
    with pytest.raises(CorpusError, match="not UTF-8"):
        KnownValues.load(tmp_path / "latin.csv")
