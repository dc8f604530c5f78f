"""Label Studio: both exports, UTF-16 offsets, every fault with its line, what is skipped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deidsynth.corpora.formats import label_studio
from deidsynth.corpora.records import ReadResult, check_records
from deidsynth.documents import Corpus, Document, Entity

TEXT = "Ana Ek bor i Umeå."
ASTRAL = "\U0001f600 Ana \U0001f600 Ek"


def value(start: object = 0, end: object = 6, text: object = "Ana Ek", labels: object = ("NAME",)) -> dict[str, object]:
    return {"start": start, "end": end, "text": text, "labels": labels}


def region(*arguments: object, kind: str = "labels", **named: object) -> dict[str, object]:
    return {"id": "x", "from_name": "label", "to_name": "text", "type": kind, "value": value(*arguments, **named)}


def task(*results: object, text: object = TEXT, **changed: object) -> dict[str, object]:
    annotations = [{"id": 1, "result": results, "was_cancelled": False}]
    return {"id": 1, "data": {"text": text}, "annotations": annotations, "predictions": []} | changed


def read(folder: Path, *tasks: object) -> ReadResult:
    path = folder / "x.json"
    path.write_text(json.dumps(tasks, indent=1), encoding="utf-8")
    return label_studio.read_records(path)


def spans(result: ReadResult) -> list[tuple[int, int, str]]:
    return [span[:3] for record in result.records for span in record.spans]


def test_tasks_are_read(tmp_path: Path) -> None:
    result = read(tmp_path, task(region(), region(13, 17, "Umeå", ["PLACE"])), task(id=None))
    assert not result.problems and not result.skipped
    assert [(record.doc_id, record.text) for record in result.records] == [("1", TEXT), ("x-2", TEXT)]
    assert spans(result) == [(0, 6, "NAME"), (13, 17, "PLACE")]
    assert label_studio.sniff(tmp_path / "x.json") and label_studio.sniff(tmp_path)


def test_tasks_of_json_min_are_read(tmp_path: Path) -> None:
    tasks = [
        {"id": 1, "text": TEXT, "label": [value()]},
        {"id": 2, "text": TEXT, "annotation_id": 5},
        {"id": 3, "text": TEXT},
    ]
    result = read(tmp_path, *tasks)
    assert label_studio.sniff(tmp_path / "x.json")
    assert not result.problems and result.skipped == {"tasks_without_annotation": 1}
    assert [(record.doc_id, len(record.spans)) for record in result.records] == [("1", 1), ("2", 0)]
    read(tmp_path, tasks[1])
    assert label_studio.sniff(tmp_path / "x.json")


def test_the_first_annotation_that_stands_is_taken(tmp_path: Path) -> None:
    annotations = [
        {"result": [region(0, 3, "Ana")], "was_cancelled": True},
        {"result": [region()], "was_cancelled": False},
        {"result": [region(0, 3, "Ana")]},
        {"result": []},
    ]
    result = read(
        tmp_path,
        task(annotations=annotations, predictions=[{"result": []}]),
        task(id=2, annotations=[]),
        task(id=3, annotations=annotations[:1], predictions=[4, 5]),
    )
    assert not result.problems and spans(result) == [(0, 6, "NAME")]
    assert result.skipped == {
        "further_annotations": 2,
        "canceled_annotations": 2,
        "predictions": 3,
        "tasks_without_annotation": 2,
    }


def test_the_ground_truth_is_taken(tmp_path: Path) -> None:
    annotations = [{"result": [], "ground_truth": False}, {"result": [region()], "ground_truth": True}]
    result = read(tmp_path, task(annotations=annotations), task(id=2, annotations=annotations[::-1]))
    assert not result.problems and spans(result) == [(0, 6, "NAME")] * 2
    assert result.skipped == {"further_annotations": 2}


def test_an_empty_annotation_before_another_is_reported(tmp_path: Path) -> None:
    result = read(tmp_path, task(annotations=[{"result": []}, {"result": [region()]}]), task(id=2))
    (problem,) = result.problems
    assert (problem.code, problem.line, problem.fatal) == ("several-annotations", 2, False)
    assert "mark the right one as ground truth" in problem.message and not spans(result)


@pytest.mark.parametrize(
    "link", ["/data/upload/3/a.txt", "s3://notes/a.txt", "https://example.org/a.txt", "/data/local-files/?d=a.txt"]
)
def test_a_link_in_place_of_a_text_is_refused(tmp_path: Path, link: str) -> None:
    tasks = [task(text=link), {"id": 2, "text": link, "label": [value()]}, task(data={"note": link}, id=3)]
    result = read(tmp_path, *tasks, task(text=f"See {link}", id=4))
    assert [each.code for each in result.problems] == ["link"] * 3
    assert "a link to a file, not the text itself" in result.problems[0].message
    assert [record.doc_id for record in result.records] == ["4"]


OTHER = "Bo kom hit igår, sent."


def test_of_several_texts_the_one_is_taken_that_its_entities_name_or_prove(tmp_path: Path) -> None:
    both = {"title": OTHER, "note": TEXT}
    named = task({**region(0, 6, None), "to_name": "note"}, data=both)
    result = read(tmp_path, named, task(region(), data=both, id=2), task(data=both, id=3))
    assert not result.problems
    assert [(record.text, len(record.spans)) for record in result.records] == [(TEXT, 1), (TEXT, 1), (TEXT, 0)]


def test_what_the_entities_prove_goes_before_the_key_text(tmp_path: Path) -> None:
    data = {"text": OTHER, "note": TEXT}
    result = read(tmp_path, task(region(), data=data), task(region(0, 2, "Bo"), data=data, id=2))
    assert [record.text for record in result.records] == [TEXT, OTHER]


def test_entities_in_several_texts_of_a_task_are_refused(tmp_path: Path) -> None:
    regions = [{**region(0, 2, "Bo"), "to_name": "title"}, {**region(), "to_name": "note"}]
    (problem,) = read(tmp_path, task(*regions, data={"title": OTHER, "note": TEXT})).problems
    assert "its entities are in several texts of data; make a task of each text" in problem.message


def test_other_keys_of_json_min_are_found(tmp_path: Path) -> None:
    tasks = [
        {"id": 1, "note": TEXT, "ner": [value()], "annotator": 1, "annotation_id": 4, "created_at": "2024-01-01"},
        {"id": 2, "note": TEXT, "annotator": 1, "annotation_id": 5, "created_at": "2024-01-01"},
    ]
    result = read(tmp_path, *tasks)
    assert label_studio.sniff(tmp_path / "x.json") and not result.problems
    assert [(record.text, len(record.spans)) for record in result.records] == [(TEXT, 1), (TEXT, 0)]


def test_of_a_file_without_annotations_the_first_predictions_are_read_as_silver(tmp_path: Path) -> None:
    first = {"model_version": "m", "score": 0.9, "result": [region() | {"score": 0.5}, region(13, 17, "Umeå")]}
    tasks = [
        {"data": {"text": TEXT, "doc_id": "a"}, "predictions": [first, {"result": []}]},
        {"data": {"text": TEXT}, "predictions": [{"result": []}], "annotations": []},
        {"data": {"text": TEXT}, "predictions": []},
    ]
    result = read(tmp_path, *tasks)
    assert label_studio.sniff(tmp_path / "x.json") and not result.problems
    assert [(each.doc_id, each.annotation, len(each.spans)) for each in result.records] == [
        ("a", "silver", 2),
        ("x-2", "silver", 0),
    ]
    assert [span[:4] for span in result.records[0].spans] == [(0, 6, "NAME", 0.5), (13, 17, "NAME", None)]
    assert result.skipped == {"further_predictions": 1, "tasks_without_annotation": 1}
    annotated = read(tmp_path, *tasks, task(region()))
    assert [(each.annotation, len(each.spans)) for each in annotated.records] == [(None, 1)]
    assert annotated.skipped == {"predictions": 3, "tasks_without_annotation": 3}


def test_the_completions_of_old_versions_are_annotations(tmp_path: Path) -> None:
    result = read(tmp_path, {"id": 1, "data": {"text": TEXT}, "completions": [{"result": [region()]}]})
    assert label_studio.sniff(tmp_path / "x.json") and spans(result) == [(0, 6, "NAME")]


def test_what_a_corpus_does_not_hold_is_counted(tmp_path: Path) -> None:
    result = read(tmp_path, task(region(), {"type": "relation", "from_id": "x"}, {"type": "choices", "value": {}}))
    assert not result.problems and result.skipped == {"relations": 1, "other_results": 1}


def test_the_text_may_be_the_only_string(tmp_path: Path) -> None:
    result = read(tmp_path, task(data={"note": TEXT, "n": 1, "doc_id": "mine"}), task(data={"a": TEXT, "b": TEXT}))
    assert [(record.doc_id, record.text) for record in result.records] == [("mine", TEXT)]
    assert [problem.message.split(",")[0] for problem in result.problems] == [
        "data must have the text under the key text"
    ]


def test_offsets_in_utf16_units_are_converted(tmp_path: Path) -> None:
    old = task(region(3, 6, "Ana"), region(10, 12, "Ek"), region(7, 9, None), text=ASTRAL)
    new = task(region(2, 5, "Ana"), region(8, 10, "Ek"), region(6, 7, None), text=ASTRAL, id=2)
    result = read(tmp_path, old, new)
    assert result.problems + check_records(result.records) == []
    assert spans(result)[:3] == spans(result)[3:] == [(2, 5, "NAME"), (8, 10, "NAME"), (6, 7, "NAME")]
    assert result.skipped == {"documents_with_utf16_offsets": 1}


@pytest.mark.parametrize(
    "results",
    [
        [region(3, 6, "Ana"), region(8, 10, "Ek")],  # one in each unit
        [region(3, 6, "Ana"), region(1, 3, None)],  # inside a surrogate pair
        [region(3, 6, "Eva")],
    ],
)
def test_offsets_in_neither_unit_are_a_mismatch(tmp_path: Path, results: list[object]) -> None:
    result = read(tmp_path, task(*results, text=ASTRAL))
    assert [(problem.code, problem.line) for problem in result.problems] == [("text-mismatch", 2)]
    assert "the text of entity 3:6 differs from the text at its offsets" in result.problems[0].message
    assert not result.skipped


def test_offsets_out_of_bounds_are_told_once(tmp_path: Path) -> None:
    result = read(tmp_path, task(region(0, 99), region(2, 2, "")))
    codes = [problem.code for problem in result.problems + check_records(result.records)]
    assert codes == ["out-of-bounds", "empty-entity"]


@pytest.mark.parametrize("shown", ["Ana\\nEk", "Ana Ek", "Ana\n  Ek"])
def test_white_space_may_be_shown_otherwise(tmp_path: Path, shown: str) -> None:
    result = read(tmp_path, task(region(0, 8, shown), text="Ana\n  Ek"))
    assert not result.problems and spans(result) == [(0, 8, "NAME")]


@pytest.mark.parametrize(
    ("bad", "code", "message"),
    [
        (task(region(labels=["A", "B"])), "several-labels", "an entity needs exactly one label, but this one has 2"),
        (task(region(labels=[])), "malformed", "an entity needs exactly one label, but this one has 0"),
        (task(region(labels=[1])), "malformed", "an entity needs exactly one label"),
        (task(region(labels=None)), "malformed", "an entity needs exactly one label, but this one has 0"),
        (task(region("0")), "malformed", "start of an entity must be an integer"),
        (task(region(end=True)), "malformed", "end of an entity must be an integer"),
        (task(region(1, 7)), "text-mismatch", "the text of entity 1:7 differs from the text at its offsets"),
        (task(region(kind="hypertextlabels")), "malformed", "an entity marks HTML or a dialogue, not plain text"),
        (task("Ana"), "malformed", "an entity must be an object with start, end and labels"),
        (task({"value": 1}), "malformed", "an entity must be an object with start, end and labels"),
        (task(annotations={}), "malformed", "annotations must be a list"),
        (task(annotations=["Ana"]), "malformed", "annotations must be a list of objects"),
        (task(annotations=[{}]), "malformed", "result must be a list"),
        (
            task(annotations=[], predictions=[{"result": [region() | {"score": "high"}]}]),
            "malformed",
            "the score of an entity must be a number",
        ),
        (task(annotations=[], predictions=["Ana"]), "malformed", "predictions must be a list of objects"),
        (task(text=1), "malformed", "data must have the text under the key text"),
        (task(id=[]), "malformed", "the id must be a string or an integer"),
        (task(data=TEXT), "malformed", "text must be a string; add it"),
        ({"id": 1, "text": TEXT, "label": "Ana"}, "malformed", "label must be a list"),
    ],
)
def test_every_fault_has_its_line(tmp_path: Path, bad: object, code: str, message: str) -> None:
    first = {"id": 5, "text": TEXT, "label": []}
    result = read(tmp_path, first, bad, first)
    (problem,) = result.problems
    assert (problem.code, problem.line) == (code, 7)
    assert message in problem.message and "Ana" not in problem.message
    assert result.records[-1].doc_id == "5"


@pytest.mark.parametrize(
    "first",
    [
        {"id": 1, "text": TEXT, "label": []},
        {"id": 1, "text": TEXT, "label": ["x"]},
        {"id": 1, "text": TEXT},
        {"data": {"text": TEXT}},
        {"data": TEXT, "annotations": []},
    ],
)
def test_other_lists_look_different(tmp_path: Path, first: object) -> None:
    read(tmp_path, first)
    assert not label_studio.sniff(tmp_path / "x.json")


def test_what_is_written_can_be_imported(tmp_path: Path) -> None:
    corpus = Corpus((Document("a", TEXT, (Entity(0, 6, "NAME"),)),))
    label_studio.write(corpus, tmp_path / "x.json", None)
    (written,) = json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))
    assert written == {
        "id": 1,
        "data": {"text": TEXT, "doc_id": "a"},
        "annotations": [{"result": [region(labels=["NAME"]) | {"id": "e1"}], "was_cancelled": False}],
        "predictions": [],
    }
