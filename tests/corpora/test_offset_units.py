"""Offsets in UTF-16 units without stated texts: converted where that is proven, else told."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deidsynth import from_dataset
from deidsynth.corpora import check_corpus, load_corpus
from deidsynth.documents import Corpus

EMOJI = "\U0001f600"
TEXT = f"{EMOJI}{EMOJI} Anna Ek ringde Bo i Lund idag."
NAMES = ("Anna Ek", "Bo", "Lund")

Spans = list[tuple[int, int, str]]


def spans(text: str, *surfaces: str, utf16: bool) -> Spans:
    def offset(place: int) -> int:
        return len(text[:place].encode("utf-16-le")) // 2 if utf16 else place

    places = [(text.index(each), text.index(each) + len(each)) for each in surfaces]
    return [(offset(start), offset(end), "NAME") for start, end in places]


def doccano(path: Path, *documents: tuple[str, Spans]) -> Path:
    return lines(path / "in.jsonl", [{"text": text, "label": found} for text, found in documents])


def spacy(path: Path, *documents: tuple[str, Spans]) -> Path:
    return lines(path / "in.jsonl", [{"text": text, "spans": objects(found)} for text, found in documents])


def label_studio(path: Path, *documents: tuple[str, Spans]) -> Path:
    def task(text: str, found: Spans) -> dict[str, Any]:
        regions = [{"value": {"start": start, "end": end, "labels": [label]}} for start, end, label in found]
        return {"data": {"text": text}, "annotations": [{"result": regions}]}

    (path / "in.json").write_text(json.dumps([task(*each) for each in documents]), encoding="utf-8")
    return path / "in.json"


def table(path: Path, *documents: tuple[str, Spans]) -> Path:
    with (path / "in.csv").open("w", encoding="utf-8", newline="") as file:
        rows = ((text, json.dumps(objects(found))) for text, found in documents)
        csv.writer(file).writerows([("text", "entities"), *rows])
    return path / "in.csv"


def objects(found: Spans) -> list[dict[str, Any]]:
    return [{"start": start, "end": end, "label": label} for start, end, label in found]


def lines(path: Path, values: list[Any]) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in values), encoding="utf-8")
    return path


def surfaces(corpus: Corpus) -> list[str]:
    return [document.surface(entity) for document in corpus for entity in document.entities]


WRITERS = [doccano, spacy, label_studio, table]


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("utf16", [True, False])
def test_what_is_proven_is_read_in_its_unit(write: Callable[..., Path], utf16: bool, tmp_path: Path) -> None:
    documents = [(TEXT, spans(TEXT, *NAMES, utf16=utf16)), ("Eva sov.", [(0, 3, "NAME")])]
    checked = check_corpus(write(tmp_path, *documents))
    assert checked.problems == []
    found = [each.text[span.start : span.end] for each in checked.records for span in each.spans]
    assert found == [*NAMES, "Eva"]
    assert checked.skipped["documents_with_utf16_offsets"] == utf16


@pytest.mark.parametrize("write", WRITERS)
def test_a_single_entity_is_no_proof(write: Callable[..., Path], tmp_path: Path) -> None:
    found = spans(TEXT, "Anna Ek", utf16=True)
    checked = check_corpus(write(tmp_path, (TEXT, found)))
    assert [(each.code, each.fatal) for each in checked.problems] == [("utf16-offsets", False)]
    assert [span[:3] for span in checked.records[0].spans] == found
    assert "utf-16-le" in checked.problems[0].message and "Anna" not in checked.problems[0].message


def test_documents_that_contradict_each_other_are_not_converted(tmp_path: Path) -> None:
    other = f"Hej {EMOJI}, Eva Berg sov."
    path = doccano(tmp_path, (TEXT, spans(TEXT, *NAMES, utf16=True)), (other, spans(other, "Eva Berg", utf16=False)))
    assert [(each.code, each.line) for each in check_corpus(path).problems] == [("utf16-offsets", 1)]
    with pytest.warns(UserWarning, match="UTF-16 units"):
        corpus = load_corpus(path)
    assert surfaces(corpus)[-1] == "Eva Berg"


def test_a_document_whose_entities_contradict_each_other_is_left_to_other_checks(tmp_path: Path) -> None:
    mixed = [*spans(TEXT, "Anna Ek", utf16=True), *spans(TEXT, "Lund", utf16=False)]
    assert check_corpus(doccano(tmp_path, (TEXT, mixed))).problems == []


def test_an_entity_out_of_bounds_makes_it_an_error(tmp_path: Path) -> None:
    text = f"{EMOJI} Lund"
    path = doccano(tmp_path, (text, spans(text, "Lund", utf16=True)))
    for skip_invalid in (False, True):
        found = {each.code: each.fatal for each in check_corpus(path, skip_invalid=skip_invalid).problems}
        assert found == {"utf16-offsets": True, "out-of-bounds": not skip_invalid}


def test_stated_texts_prove_what_looks_wrong(tmp_path: Path) -> None:
    start = TEXT.index("nna E")
    entity = {"start": start, "end": start + 4, "label": "NAME", "text": "nna "}
    path = lines(tmp_path / "in.jsonl", [{"text": TEXT, "spans": [entity]}] * 2)
    assert [each.spans[0][:2] for each in check_corpus(path).records] == [(start, start + 4)] * 2


def test_datasets_are_read_alike() -> None:
    rows = [{"text": TEXT, "entities": objects(spans(TEXT, *NAMES, utf16=True))}]
    with pytest.warns(UserWarning, match="converted 1 documents with utf16 offsets"):
        assert surfaces(from_dataset(rows)) == list(NAMES)
