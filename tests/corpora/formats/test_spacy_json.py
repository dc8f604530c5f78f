"""spaCy and Prodigy: every form, answers, faults with their line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deidsynth.corpora import find_format, read_corpus, write_corpus
from deidsynth.corpora.formats import spacy_json
from deidsynth.corpora.records import ReadResult, build_corpus, check_records
from deidsynth.documents import Corpus, Document, Entity

TEXT = "\U0001f600 Ana Ek\r\nbor i Umeå."
SPANS = [{"start": 2, "end": 8, "label": "NAME"}, {"start": 16, "end": 20, "label": "PLACE"}]
PAIRS = [[2, 8, "NAME"], [16, 20, "PLACE"]]
PRODIGY = {"_input_hash": 1, "_task_hash": 2, "_view_id": "ner_manual", "answer": "accept"}


def put(path: Path, *values: object) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in values), encoding="utf-8")
    return path


def found(result: ReadResult) -> list[tuple[int, int, str]]:
    assert result.problems + check_records(result.records) == []
    return [entity.key for document in build_corpus(result) for entity in document.entities]


FORMS = {
    "spans": {"text": TEXT, "spans": SPANS},
    "ents of Doc.to_json": {"text": TEXT, "ents": SPANS, "tokens": [{"id": 0, "start": 0, "end": 1}]},
    "groups of spans": {"text": TEXT, "spans": {"sc": SPANS, "other": []}},
    "entities": {"text": TEXT, "entities": PAIRS},
    "Prodigy": {"text": TEXT, "spans": [{**each, "token_start": 0} for each in SPANS], **PRODIGY},
    "pair": [TEXT, {"entities": PAIRS}],
}


@pytest.mark.parametrize("value", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("form", ["lines", "list", "lines in .json"])
def test_every_form_is_found_and_read(tmp_path: Path, value: object, form: str) -> None:
    path = put(tmp_path / ("x.jsonl" if form == "lines" else "x.json"), value, value)
    if form == "list" or isinstance(value, list):
        path = tmp_path / "x.json"
        path.write_text(json.dumps([value, value], indent=1), encoding="utf-8")
    assert find_format(path) == "spacy"
    result = spacy_json.read_records(path)
    assert found(result) == [(2, 8, "NAME"), (16, 20, "PLACE")] * 2
    assert [(record.doc_id, record.text) for record in result.records] == [("x-1", TEXT), ("x-2", TEXT)]


def test_pairs_may_be_on_lines(tmp_path: Path) -> None:
    path = put(tmp_path / "x.jsonl", [TEXT, {"entities": PAIRS}], [TEXT, {"entities": []}])
    assert find_format(path) == "spacy"
    assert len(found(spacy_json.read_records(path))) == 2


@pytest.mark.parametrize("indent", [None, 1])
def test_a_file_of_one_object_is_read(tmp_path: Path, indent: int | None) -> None:
    listed = {"classes": ["NAME", "PLACE"], "annotations": [[TEXT, {"entities": PAIRS}], None]}
    for value in (listed, {"text": TEXT, "ents": SPANS}):
        path = tmp_path / "x.json"
        path.write_text(json.dumps(value, indent=indent), encoding="utf-8")
        assert find_format(path) == "spacy"
        assert len(found(spacy_json.read_records(path))) == 2


@pytest.mark.parametrize("content", ['{"text": "Ana', '[{"text": "Ana"', "7"])
def test_what_is_no_json_is_reported(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(content, encoding="utf-8")
    (problem,) = spacy_json.read_records(path).problems
    assert (problem.code, problem.line) == ("malformed", 1) and "Ana" not in problem.message


def test_answers_that_are_no_gold_are_skipped_and_counted(tmp_path: Path) -> None:
    line = {"text": TEXT, "spans": SPANS, **PRODIGY}
    path = put(tmp_path / "x.jsonl", line, line | {"answer": "reject"}, line | {"answer": "ignore"})
    result = spacy_json.read_records(path)
    assert len(found(result)) == 2
    assert result.skipped == {"rejected_answers": 1, "ignored_answers": 1}


def test_an_accepted_task_without_spans_has_no_entities(tmp_path: Path) -> None:
    result = spacy_json.read_records(put(tmp_path / "x.jsonl", {"text": TEXT, **PRODIGY}))
    assert found(result) == [] and len(result.records) == 1


def test_answers_about_single_suggestions_are_reported(tmp_path: Path) -> None:
    path = put(tmp_path / "x.jsonl", {"text": TEXT, "spans": SPANS[:1], **PRODIGY, "_view_id": "ner"})
    (problem,) = spacy_json.read_records(path).problems
    assert (problem.code, problem.fatal) == ("single-suggestions", False)


def test_ids_are_kept(tmp_path: Path) -> None:
    lines = [{"id": "a", "text": TEXT, "spans": []}, {"text": TEXT, "spans": [], "meta": {"id": 7}}]
    result = spacy_json.read_records(put(tmp_path / "x.jsonl", *lines))
    assert [record.doc_id for record in result.records] == ["a", "7"]


def test_entities_that_overlap_or_nest_are_refused_with_their_place(tmp_path: Path) -> None:
    nested = {"text": TEXT, "spans": [*SPANS, {"start": 2, "end": 5, "label": "FIRST"}]}
    result = spacy_json.read_records(put(tmp_path / "x.jsonl", {"text": TEXT, "spans": SPANS}, nested))
    (problem,) = check_records(result.records)
    assert (problem.code, problem.line, problem.fatal) == ("overlap", 2, True)


@pytest.mark.parametrize(
    ("value", "code", "message"),
    [
        ({"text": 1, "spans": []}, "malformed", "text must be a string"),
        ({"text": TEXT}, "malformed", "the object has no spans, ents or entities"),
        ({"text": TEXT, "spans": {"a": SPANS, "b": SPANS}}, "malformed", "there are 2 groups of spans"),
        ({"text": TEXT, "spans": SPANS, "ents": SPANS}, "malformed", "has both spans and ents"),
        ({"text": TEXT, "spans": "Ana"}, "malformed", "spans must be a list"),
        ({"text": TEXT, "spans": [{"start": 2, "end": 8, "label": 3}]}, "numeric-label", "the names are elsewhere"),
        ({"text": TEXT, "spans": [{"start": 2, "end": 8}]}, "malformed", "the keys found are start, end"),
        (
            {"text": TEXT, "spans": [{**SPANS[0], "text": "Eva"}]},
            "text-mismatch",
            "differs from the text at its offsets",
        ),
        ([TEXT, {}], "malformed", "the object has no spans, ents or entities"),
        ([TEXT, 1], "malformed", "expected an object with a text and spans"),
    ],
)
def test_every_fault_has_its_line_and_reading_goes_on(tmp_path: Path, value: object, code: str, message: str) -> None:
    good = {"text": TEXT, "spans": []}
    result = spacy_json.read_records(put(tmp_path / "x.jsonl", good, value, good))
    (problem,) = result.problems
    assert (problem.code, problem.line) == (code, 2)
    assert message in problem.message and "Ana" not in problem.message
    assert result.records[-1].line == 3


def test_what_is_written_is_what_prodigy_takes(tmp_path: Path) -> None:
    document = Document("a", TEXT, tuple(Entity(*each) for each in PAIRS))
    write_corpus(Corpus((document,)), tmp_path / "x.jsonl", "spacy")
    (line,) = (tmp_path / "x.jsonl").read_text(encoding="utf-8").splitlines()
    stated = [{**each, "text": TEXT[each["start"] : each["end"]]} for each in SPANS]
    assert json.loads(line) == {"id": "a", "text": TEXT, "spans": stated, "answer": "accept"}
    assert read_corpus(tmp_path / "x.jsonl").corpus.documents == (document,)


@pytest.mark.parametrize(
    "value",
    [
        {"doc_id": "a", "text": TEXT, "entities": SPANS},
        {"text": TEXT, "entities": SPANS},
        {"text": TEXT, "label": PAIRS},
        {"text": TEXT, "spans": ["Ana"]},
        {"full_text": TEXT, "spans": []},
        [TEXT, PAIRS],
        TEXT,
    ],
)
def test_other_values_look_different(tmp_path: Path, value: object) -> None:
    assert not spacy_json.sniff(put(tmp_path / "x.jsonl", value))
