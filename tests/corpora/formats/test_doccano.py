"""Doccano: both exports, every fault with its line, what is skipped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deidsynth.corpora import find_format, load_corpus
from deidsynth.corpora.formats import doccano
from deidsynth.corpora.records import RawSpan
from deidsynth.documents import Corpus, Document, Entity
from deidsynth.errors import CorpusError

TEXT = "Ana Ek bor i Umeå."


def put(path: Path, *objects: object) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in objects), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "data",
    [
        {"text": TEXT, "label": [[0, 6, "NAME"], [13, 17, "PLACE"]]},
        {"data": TEXT, "labels": [[0, 6, "NAME"], [13, 17, "PLACE"]]},
        {
            "text": TEXT,
            "entities": [
                {"id": 3, "label": "NAME", "start_offset": 0, "end_offset": 6},
                {"id": 4, "label": "PLACE", "start_offset": 13, "end_offset": 17},
            ],
        },
    ],
)
def test_every_export_is_read(tmp_path: Path, data: dict[str, object]) -> None:
    path = put(tmp_path / "x.jsonl", {"id": 7} | data, data)
    result = doccano.read_records(path)
    assert doccano.sniff(path) and not result.problems and not result.skipped
    assert [(record.doc_id, record.line) for record in result.records] == [("7", 1), ("x-2", 2)]
    for record in result.records:
        assert record.text == TEXT
        assert record.spans == (
            RawSpan(0, 6, "NAME", line=record.line),
            RawSpan(13, 17, "PLACE", line=record.line),
        )


def test_what_a_corpus_does_not_hold_is_counted(tmp_path: Path) -> None:
    relation = {"id": 1, "from_id": 3, "to_id": 4, "type": "of"}
    path = put(
        tmp_path / "x.jsonl",
        {"id": 1, "text": TEXT, "entities": [], "relations": [relation, relation], "Comments": ["?"]},
        {"id": 2, "text": TEXT, "label": [], "comments": None, "ward": "x", "meta": {}},
    )
    result = doccano.read_records(path)
    assert doccano.sniff(path) and not result.problems
    assert result.skipped == {"relations": 2, "comments": 1, "unknown_keys": 2}


def test_annotations_of_older_exports_are_read_and_numbers_of_labels_refused(tmp_path: Path) -> None:
    entity = {"label": "NAME", "start_offset": 0, "end_offset": 6, "user": 1}
    good = {"id": 1, "text": TEXT, "annotations": [entity], "meta": {}}
    path = put(tmp_path / "x.jsonl", good, good | {"id": 2, "annotations": [entity | {"label": 3}]})
    result = doccano.read_records(path)
    assert doccano.sniff(path) and [span[:3] for span in result.records[0].spans] == [(0, 6, "NAME")]
    (problem,) = result.problems
    assert (problem.code, problem.line) == ("numeric-label", 2)
    assert "the names are elsewhere" in problem.message and "labels that a tool exports apart" in problem.message


@pytest.mark.parametrize("form", ["list", "lines"])
def test_json_with_a_list_or_with_lines_is_read(tmp_path: Path, form: str) -> None:
    data = [{"id": n, "text": TEXT, "label": [[0, 6, "NAME"]]} for n in range(3)]
    path = tmp_path / "x.json"
    path.write_text(json.dumps(data, indent=1) if form == "list" else "\n".join(map(json.dumps, data)))
    assert find_format(path) == find_format(tmp_path) == "doccano"
    assert [span[:3] for each in doccano.read_records(path).records for span in each.spans] == [(0, 6, "NAME")] * 3


@pytest.mark.parametrize(
    "data",
    [
        {"doc_id": "a", "text": TEXT, "label": []},
        {"doc_id": "a", "text": TEXT, "entities": []},
        {"text": TEXT, "entities": []},
        {"text": TEXT, "entities": [{"start": 0, "end": 3, "label": "NAME"}]},
        {"text": TEXT, "label": ["positive"]},
        {"text": TEXT, "labels": [1, 0]},
        {"text": TEXT, "label": "positive"},
        {"text": TEXT},
        {"text": [TEXT], "label": []},
        {"label": []},
    ],
)
def test_other_json_lines_look_different(tmp_path: Path, data: object) -> None:
    assert not doccano.sniff(put(tmp_path / "x.jsonl", data))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"label": []}, "text must be a string; add it"),
        ({"text": 1, "label": []}, "text must be a string; put it in quotes"),
        ({"data": 1, "label": []}, "data must be a string; put it in quotes"),
        ({"text": TEXT}, "the object has no label, labels or entities"),
        ({"text": TEXT, "label": {}}, "label must be a list; write [] if it is empty"),
        ({"text": TEXT, "id": 1.5, "label": []}, "the id must be a string or an integer"),
        ({"text": TEXT, "id": True, "label": []}, "the id must be a string or an integer"),
        ({"text": TEXT, "label": [[0, 3]]}, "a label must be a list of start, end and label"),
        ({"text": TEXT, "label": [[0, 3.0, "A"]]}, "end of an entity must be an integer"),
        ({"text": TEXT, "label": [[True, 3, "A"]]}, "start of an entity must be an integer"),
        ({"text": TEXT, "label": [[0, 3, None]]}, "label must be a string"),
        ({"text": TEXT, "entities": ["Ana"]}, "an entity must be an object with label, start_offset and end_offset"),
        ({"text": TEXT, "entities": [{"label": "A", "start_offset": 0}]}, "end_offset of an entity must be an integer"),
        ([TEXT], "expected an object; write one object on each line"),
    ],
)
def test_every_fault_has_its_line_and_reading_goes_on(tmp_path: Path, data: object, message: str) -> None:
    good = {"text": TEXT, "label": []}
    result = doccano.read_records(put(tmp_path / "x.jsonl", good, data, good))
    (problem,) = result.problems
    assert message in problem.message and "Ana" not in problem.message
    assert (problem.path, problem.line, problem.code) == (str(tmp_path / "x.jsonl"), 2, "malformed")
    assert result.records[-1].line == 3


@pytest.mark.parametrize("line", ["{", '{"id": ' + "1" * 5000 + "}", "[" * 100_000])
def test_a_line_that_is_no_json_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "x.jsonl").write_text(f"\n{line}\n")
    (problem,) = doccano.read_records(tmp_path / "x.jsonl").problems
    assert (problem.line, problem.code) == (2, "malformed")
    assert "not JSON" in problem.message


def test_every_faulty_entity_is_told(tmp_path: Path) -> None:
    path = put(tmp_path / "x.jsonl", {"text": TEXT, "label": [[0], [0, 3, "NAME"], [1]]})
    result = doccano.read_records(path)
    assert len(result.problems) == 2
    assert [span[:3] for span in result.records[0].spans] == [(0, 3, "NAME")]


def test_two_entities_with_one_id_are_told_and_read(tmp_path: Path) -> None:
    entities = [{"id": 3, "label": "A", "start_offset": at, "end_offset": at + 1} for at in (0, 1)]
    other = [{"id": 3, "label": "A", "start_offset": 0, "end_offset": 1}]
    path = put(tmp_path / "x.jsonl", {"text": TEXT, "entities": entities}, {"text": TEXT, "entities": other})
    result = doccano.read_records(path)
    assert [(each.code, each.line, each.fatal) for each in result.problems] == [("duplicate-entity-id", 1, False)]
    assert len(result.records[0].spans) == 2


def test_what_is_written_can_be_imported(tmp_path: Path) -> None:
    corpus = Corpus((Document("a", "é\U0001f600", (Entity(1, 2, "A"),)),))
    doccano.write(corpus, tmp_path / "x.jsonl", None)
    written = (tmp_path / "x.jsonl").read_text(encoding="utf-8")
    assert written == '{"id": "a", "text": "é\U0001f600", "label": [[1, 2, "A"]]}\n'


@pytest.mark.parametrize(
    "data",
    [
        {"labels": [[0, 3, 3], [4, 6, "NAME"]]},
        {"label": [[0, 3, 3]]},
        {"annotations": [{"label": 3, "start_offset": 0, "end_offset": 3}]},
    ],
)
def test_numbers_of_labels_are_no_fault_of_one_entity(tmp_path: Path, data: dict[str, object]) -> None:
    path = put(tmp_path / "x.jsonl", {"id": 1, "text": TEXT, **data})
    for skip_invalid in (False, True):
        with pytest.raises(CorpusError, match="the names are elsewhere") as error:
            load_corpus(path, skip_invalid=skip_invalid)
        assert "skip" not in str(error.value)
