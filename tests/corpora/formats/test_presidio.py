"""Presidio: the layout of presidio-evaluator, every fault, and a public data set where it is at hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deidsynth.corpora.formats import presidio
from deidsynth.corpora.records import check_records
from deidsynth.documents import Corpus, Document, Entity

TEXT = "Ana Ek bor i Umeå."


def span(start: object = 0, end: object = 6, label: object = "PERSON", value: object = "Ana Ek") -> dict[str, object]:
    return {"entity_type": label, "entity_value": value, "start_position": start, "end_position": end}


def sample(**changed: object) -> dict[str, object]:
    return {"full_text": TEXT, "masked": "", "spans": [span()], "template_id": 4, "metadata": None} | changed


def put(path: Path, *samples: object) -> Path:
    path.write_text(json.dumps(samples, indent=2), encoding="utf-8")
    return path


def test_documents_of_one_template_are_one_group(tmp_path: Path) -> None:
    path = put(
        tmp_path / "x.json",
        sample(),
        sample(template_id="4"),
        sample(template_id=None, metadata={"doc_id": "mine", "Country": "x"}),
    )
    result = presidio.read_records(path)
    assert presidio.sniff(path) and not result.problems and not result.skipped
    assert [(record.doc_id, record.group) for record in result.records] == [
        ("x-1", "template-4"),
        ("x-2", "template-4"),
        ("mine", None),
    ]
    assert {record.spans[0][:3] for record in result.records} == {(0, 6, "PERSON")}
    assert [record.line for record in result.records] == [2, 16, 30]


def test_keys_beside_text_and_spans_may_be_missing(tmp_path: Path) -> None:
    lean = span()
    del lean["entity_value"]
    path = put(tmp_path / "x.json", {"full_text": TEXT, "spans": [lean]})
    result = presidio.read_records(path)
    assert presidio.sniff(path) and not result.problems
    assert (result.records[0].doc_id, result.records[0].group) == ("x-1", None)


@pytest.mark.parametrize(
    ("changed", "code", "message"),
    [
        ({"spans": [span(1, 7)]}, "text-mismatch", "entity_value of entity 1:7 differs from the text at its offsets"),
        (
            {"spans": [span(value=1)]},
            "text-mismatch",
            "entity_value of entity 0:6 differs from the text at its offsets",
        ),
        ({"spans": [span("0")]}, "malformed", "start_position of an entity must be an integer"),
        ({"spans": [span(end=None)]}, "malformed", "end_position of an entity must be an integer"),
        ({"spans": [span(label=None)]}, "malformed", "entity_type must be a string"),
        ({"spans": ["Ana"]}, "malformed", "a span must be an object"),
        ({"spans": None}, "malformed", "spans must be a list"),
        ({"full_text": None}, "malformed", "full_text must be a string"),
        ({"template_id": [1]}, "malformed", "template_id must be an integer, a string or null"),
        ({"template_id": True}, "malformed", "template_id must be an integer, a string or null"),
        ({"metadata": []}, "malformed", "metadata must be an object or null"),
        ({"metadata": {"doc_id": []}}, "malformed", "the id must be a string or an integer"),
    ],
)
def test_every_fault_has_its_line(tmp_path: Path, changed: dict[str, object], code: str, message: str) -> None:
    path = put(tmp_path / "x.json", sample(spans=[]), sample(**changed), sample())
    result = presidio.read_records(path)
    (problem,) = result.problems
    assert (problem.code, problem.line) == (code, 9)
    assert message in problem.message and "Ana" not in problem.message
    assert result.records[-1].doc_id == "x-3"


def test_offsets_out_of_bounds_are_told_once(tmp_path: Path) -> None:
    result = presidio.read_records(put(tmp_path / "x.json", sample(spans=[span(0, 99)])))
    assert [problem.code for problem in result.problems + check_records(result.records)] == ["out-of-bounds"]


def test_what_is_written_is_the_layout(tmp_path: Path) -> None:
    document = Document("a", TEXT, (Entity(0, 6, "PERSON"), Entity(13, 17, "CITY")))
    presidio.write(Corpus((document,)), tmp_path / "x.json", None)
    (written,) = json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))
    assert written == {
        "full_text": TEXT,
        "masked": "{{PERSON}} bor i {{CITY}}.",
        "spans": [span(), span(13, 17, "CITY", "Umeå")],
        "template_id": None,
        "metadata": {"doc_id": "a"},
    }


def test_the_public_data_set(data_folder: Path) -> None:
    path = data_folder / "en_presidio_synth"
    if not path.is_dir():
        pytest.skip(f"no data set at {path}")
    result = presidio.read_records(path)
    assert presidio.sniff(path) and presidio.sniff(path / "data" / "synth_dataset_v2.json")
    assert result.problems + check_records(result.records) == []
    assert (len(result.records), sum(len(record.spans) for record in result.records)) == (1500, 2863)
    assert len({record.group for record in result.records}) == 209
