"""Invented notes: labels exact, facts consistent, numbers nobody's, no note twice, test names unseen."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import time
from collections import Counter
from datetime import date

import pytest

from deidsynth import errors
from deidsynth.demo import invented_corpus
from deidsynth.documents import Corpus, Document
from deidsynth.surrogates.identity import could_identify, dni_letter, nass_check, passes_luhn
from deidsynth.surrogates.names import name_pool
from fictitious_numbers import is_fictitious_swedish

LANGUAGES = ("sv", "es")
SWEDISH_LABELS = set(
    "FIRST_NAME LAST_NAME AGE FULL_DATE DATE_PART PHONE_NUMBER LOCATION HEALTH_CARE_UNIT ORGANIZATION "
    "PERSONAL_IDENTITY_NUMBER".split()
)
SPANISH_LABELS = set(
    "NOMBRE_SUJETO_ASISTENCIA EDAD_SUJETO_ASISTENCIA SEXO_SUJETO_ASISTENCIA FAMILIARES_SUJETO_ASISTENCIA "
    "NOMBRE_PERSONAL_SANITARIO FECHAS PROFESION HOSPITAL CENTRO_SALUD INSTITUCION CALLE TERRITORIO PAIS "
    "NUMERO_TELEFONO NUMERO_FAX CORREO_ELECTRONICO ID_SUJETO_ASISTENCIA ID_CONTACTO_ASISTENCIAL ID_ASEGURAMIENTO "
    "ID_TITULACION_PERSONAL_SANITARIO ID_EMPLEO_PERSONAL_SANITARIO OTROS_SUJETO_ASISTENCIA".split()
)
SHAPES = {
    "FIRST_NAME": r"[^\W\d_]+",
    "LAST_NAME": r"[^\W\d_]+( [^\W\d_]+)?",
    "AGE": r"\d{1,2}( år|-årig)?",
    "FULL_DATE": r"\d{4}-\d\d-\d\d|\d{6}|\d{1,2} [a-z]+ \d{4}|\d{1,2}/\d{1,2} \d{4}",
    "DATE_PART": r"\d{1,2}/\d{1,2}|\d{1,2} [a-z]+|[a-z]+( \d{4})?|\d{4}",
    "PERSONAL_IDENTITY_NUMBER": r"(\d\d)?\d{6}-?\d{4}",
    "PHONE_NUMBER": r"0[\d -]+",
    "EDAD_SUJETO_ASISTENCIA": r"1 año|\d{1,2} años",
    "SEXO_SUJETO_ASISTENCIA": r"[HM]|[Hh]ombre|[Mm]ujer|[Vv]arón|[Nn]iñ[oa]",
    "FECHAS": r"\d\d[/-]\d\d[/-]\d{4}|\d{1,2} de [a-z]+( de \d{4})?|\d\d/\d\d|([a-z]+ de )?\d{4}",
    "CORREO_ELECTRONICO": r"[a-z0-9._]+@(example\.(com|org|net)|(hospital|salud)\.example)",
    "ID_EMPLEO_PERSONAL_SANITARIO": r"E-\d{5}",
    "ID_CONTACTO_ASISTENCIAL": r"\d{7,8}",
    "NUMERO_TELEFONO": r"(\+34 )?4[\d ]+",
    "NUMERO_FAX": r"(\+34 )?4[\d ]+",
}


@pytest.fixture(scope="module")
def corpora() -> dict[tuple[str, str], Corpus]:
    return {
        (language, split): invented_corpus(language, 1500, split=split)  # type: ignore[arg-type]
        for language in LANGUAGES
        for split in ("train", "test")
    }


def surfaces(corpus: Corpus, *labels: str) -> list[str]:
    return [document.surface(e) for document in corpus for e in document.entities if e.label in labels]


def test_corpus_is_invented_gold_in_its_language(corpora: dict[tuple[str, str], Corpus]) -> None:
    for (language, split), corpus in corpora.items():
        assert (corpus.origin, corpus.annotation, corpus.language) == ("invented", "gold", language)
        assert corpus[0].doc_id == f"{language}-{split}-00001"


@pytest.mark.parametrize(("language", "labels"), [("sv", SWEDISH_LABELS), ("es", SPANISH_LABELS)])
def test_all_labels_occur_and_no_other(corpora: dict[tuple[str, str], Corpus], language: str, labels: set[str]) -> None:
    for split in ("train", "test"):
        assert set(corpora[language, split].label_scheme()) == labels


def test_surfaces_have_the_shape_of_their_label(corpora: dict[tuple[str, str], Corpus]) -> None:
    for corpus in corpora.values():
        for document in corpus:
            for entity in document.entities:
                surface = document.surface(entity)
                assert surface == surface.strip()
                assert "\n" not in surface
                if entity.label in SHAPES:
                    assert re.fullmatch(SHAPES[entity.label], surface), (entity.label, surface)


def test_no_template_mark_is_left(corpora: dict[tuple[str, str], Corpus]) -> None:
    for corpus in corpora.values():
        for document in corpus:
            assert not re.search(r"[{}<>|\[\]]|  | \.|\.\.", document.text), document.text


def test_names_stand_in_the_text_only_as_entities(corpora: dict[tuple[str, str], Corpus]) -> None:
    """A name that is labeled once in a note is labeled wherever it stands as a word."""
    for (language, _), corpus in corpora.items():
        labels = {"sv": {"FIRST_NAME", "LAST_NAME"}, "es": {"NOMBRE_SUJETO_ASISTENCIA"}}[language]
        for document in corpus:
            inside = [range(entity.start, entity.end) for entity in document.entities]
            names = {w for e in document.entities if e.label in labels for w in document.surface(e).split()}
            for name in {name.strip(",") for name in names if len(name) > 4}:
                for match in re.finditer(rf"\b{re.escape(name)}\b", document.text):
                    assert any(match.start() in span for span in inside) or name.lower() == match[0]


def test_lengths_and_entities(corpora: dict[tuple[str, str], Corpus]) -> None:
    for corpus in corpora.values():
        words = [len(document.text.split()) for document in corpus]
        assert min(words) >= 60
        assert max(words) <= 170
        assert 80 <= statistics.median(words) <= 115
        assert 9 <= statistics.median(len(document.entities) for document in corpus) <= 14


def test_swedish_numbers_belong_to_nobody(corpora: dict[tuple[str, str], Corpus]) -> None:
    for split in ("train", "test"):
        for number in surfaces(corpora["sv", split], "PERSONAL_IDENTITY_NUMBER"):
            digits = number.replace("-", "")[-10:]
            assert 980 <= int(digits[6:9]) <= 999
            assert not passes_luhn(digits)
        assert all(is_fictitious_swedish(phone) for phone in surfaces(corpora["sv", split], "PHONE_NUMBER"))


def test_spanish_numbers_belong_to_nobody(corpora: dict[tuple[str, str], Corpus]) -> None:
    for split in ("train", "test"):
        corpus = corpora["es", split]
        records = surfaces(corpus, "ID_SUJETO_ASISTENCIA")
        assert not any(could_identify(record) for record in records)
        dnis = [record for record in records if re.fullmatch(r"\d{8}[A-Z]", record)]
        assert dnis
        assert all(dni_letter(int(record[:8])) != record[8] for record in dnis)
        for number in surfaces(corpus, "ID_ASEGURAMIENTO"):
            digits = number.replace(" ", "")
            assert len(digits) == 12
            assert nass_check(digits) != int(digits[10:])
        assert all(int(n[:2]) > 52 for n in surfaces(corpus, "ID_TITULACION_PERSONAL_SANITARIO"))


def _years(document: Document, label: str) -> set[int]:
    found = [document.surface(e) for e in document.entities if e.label == label]
    return {int(re.search(r"\d+", surface)[0]) for surface in found}  # type: ignore[index]


def test_one_age_per_note_and_it_agrees_with_birth_and_note_dates(corpora: dict[tuple[str, str], Corpus]) -> None:
    checked = 0
    for document in corpora["sv", "train"]:
        ages = _years(document, "AGE")
        assert len(ages) <= 1
        long = [n for n in surfaces(Corpus((document,)), "PERSONAL_IDENTITY_NUMBER") if len(n) == 13]
        notes = re.match(
            r"(?:Daganteckning|Telefonkontakt|Inskrivningsanteckning|Sjuksköterskeanteckning) (\d{4})-(\d\d)-(\d\d)\n",
            document.text,
        )
        if not (ages and long and notes):
            continue
        birth = date(int(long[0][:4]), int(long[0][4:6]), int(long[0][6:8]))
        note = date(int(notes[1]), int(notes[2]), int(notes[3]))
        age = note.year - birth.year - ((note.month, note.day) < (birth.month, birth.day))
        assert ages == {age}
        checked += 1
    assert checked >= 3


def test_spanish_children_and_siblings_bear_the_right_surnames(corpora: dict[tuple[str, str], Corpus]) -> None:
    checked = 0
    for document in corpora["es", "train"]:
        patient = re.search(r"Paciente: (\w+) (\w+) (\w+)(?:\n|\.| NHC)", document.text)
        relative = re.search(
            r"[Ss]u (hermano|hermana|padre|madre) ([A-Z]\w+) ([A-ZÁÉÍÓÚÑ]\w+) ([A-ZÁÉÍÓÚÑ]\w+)", document.text
        )
        if patient is None or relative is None:
            continue
        if relative[1].startswith("herman"):
            assert (relative[3], relative[4]) == (patient[2], patient[3])
        else:
            assert relative[3] == (patient[2] if relative[1] == "padre" else patient[3])
        checked += 1
    assert checked >= 5


def test_sex_agrees_with_first_name(corpora: dict[tuple[str, str], Corpus]) -> None:
    pool = name_pool("es")
    checked = 0
    for document in corpora["es", "train"]:
        words = {w.lower() for w in surfaces(Corpus((document,)), "SEXO_SUJETO_ASISTENCIA") if len(w) > 1}
        first = re.search(r"Nombre: (\w+)\.", document.text)
        if first and words:
            assert first[1] in (pool.male if words & {"hombre", "varón", "niño"} else pool.female)
            assert not (words & {"hombre", "varón", "niño"} and words & {"mujer", "niña"})
            checked += 1
    assert checked >= 20


@pytest.mark.parametrize(
    ("language", "labels"),
    [
        ("sv", ("FIRST_NAME", "LAST_NAME")),
        ("es", ("NOMBRE_SUJETO_ASISTENCIA", "NOMBRE_PERSONAL_SANITARIO")),
        ("es", ("CENTRO_SALUD",)),
    ],
)
def test_train_and_test_share_no_names(
    corpora: dict[tuple[str, str], Corpus], language: str, labels: tuple[str, ...]
) -> None:
    def words(split: str) -> set[str]:
        if labels == ("CENTRO_SALUD",):
            return set(surfaces(corpora[language, split], *labels))
        return {w.strip(",") for s in surfaces(corpora[language, split], *labels) for w in s.split()}

    train, test = words("train"), words("test")
    assert train
    assert test
    assert not train & test


def test_towns_and_units_of_the_test_part_are_new(corpora: dict[tuple[str, str], Corpus]) -> None:
    train = {
        s for s in surfaces(corpora["sv", "train"], "HEALTH_CARE_UNIT") if re.search(r"sjukhus|lasarett|central", s)
    }
    test = {s for s in surfaces(corpora["sv", "test"], "HEALTH_CARE_UNIT") if re.search(r"sjukhus|lasarett|central", s)}
    assert test
    assert not train & test


def test_the_test_part_holds_phrasings_that_train_never_has(corpora: dict[tuple[str, str], Corpus]) -> None:
    for language, held_out, shared in (
        ("sv", "Journalanteckning", "Daganteckning"),
        ("es", "Cuidados, ", "Nota de planta"),
    ):
        train = [document.text for document in corpora[language, "train"]]
        test = [document.text for document in corpora[language, "test"]]
        assert not any(text.startswith(held_out) for text in train)
        assert any(text.startswith(held_out) for text in test)
        assert any(text.startswith(shared) for text in train)
        assert any(text.startswith(shared) for text in test)


def test_some_notes_have_slips_and_most_have_none(corpora: dict[tuple[str, str], Corpus]) -> None:
    texts = [document.text for document in corpora["sv", "train"]]
    assert 5 <= sum(re.search(r"[a-zåäö],[a-zåäö]", text) is not None for text in texts) <= 300
    counts = Counter(word for text in texts for word in re.findall(r"[a-zåäö]{6,}", text))
    usual = {"".join(sorted(word)) for word, count in counts.items() if count > 100}
    swapped = [word for word, count in counts.items() if count < 5 and "".join(sorted(word)) in usual]
    assert 20 < len(swapped) < sum(counts.values()) / 100


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_note_twice_among_ten_thousand(language: str) -> None:
    began = time.perf_counter()
    corpus = invented_corpus(language, 10_000, seed=4)  # type: ignore[arg-type]
    assert time.perf_counter() - began < 20
    assert len({document.text for document in corpus}) == 10_000


def test_a_shorter_corpus_is_the_beginning_of_a_longer_one() -> None:
    assert invented_corpus("es", 20).documents == invented_corpus("es", 50).documents[:20]
    assert invented_corpus("es", 20, seed=2).documents != invented_corpus("es", 20).documents


def test_the_hash_seed_changes_nothing() -> None:
    code = (
        "import hashlib; from deidsynth.demo import invented_corpus as c; "
        "print(hashlib.sha256('|'.join(d.text for l in ('sv', 'es') for d in c(l, 60)).encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "77")
    }
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fi", 3), "language 'fi'; choose one of es, sv"),
        (("sv", 0), "at least 1 document, got 0"),
        (("sv", 3, 1, "dev"), "no split 'dev' of the invented notes; choose train or test"),
    ],
)
def test_errors_name_the_remedy(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(errors.InputError, match=message):
        invented_corpus(*arguments)  # type: ignore[arg-type]
