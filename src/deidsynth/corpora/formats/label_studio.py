"""Label Studio: a JSON list of tasks, as in JSON and JSON-MIN exports.

A source is a ``.json`` file or a folder of them. The first annotation of each task that was not canceled is read; a
task without one is skipped and counted, since nobody has confirmed that its text has no entities. If no task of a file
has an annotation, as in model output for import, the first prediction of each is read, as silver. Newer versions count
code points, older ones UTF-16 units: the text stated beside the offsets decides which.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from deidsynth.corpora.document_files import Source, find_sources, looks_like, write_files
from deidsynth.corpora.json_source import (
    FieldError,
    document_id,
    items,
    list_lines,
    list_of_objects,
    most_elements,
    spans_of,
    string,
    text_mismatch,
    whole_number,
)
from deidsynth.corpora.records import RawSpan, ReadResult, Record
from deidsynth.documents import Corpus, Document, Split

NAME = "label-studio"
SUFFIX = ".json"

_ANNOTATION_KEYS = ("annotations", "completions")
_OTHER_TEXT = frozenset({"hypertextlabels", "paragraphlabels"})
_LAST_OF_BMP = "\uffff"


class _Shown(NamedTuple):
    """A span with the text that the file states for it."""

    span: RawSpan
    text: str | None


def sniff(path: Path) -> bool:
    """Whether the path looks like a Label Studio export."""
    return looks_like(path, SUFFIX, _looks)


def read_records(path: Path) -> ReadResult:
    """Raw records and problems of a file or a folder."""
    result = ReadResult(NAME)
    for source in find_sources(path, SUFFIX, _looks, result):
        predicted = not _has_annotations(source.path)
        for number, (task, line) in enumerate(list_of_objects(source.path, result), start=1):
            try:
                record = _record(task, number, line, source, result, predicted)
            except FieldError as error:
                result.problems.append(error.problem(source, line))
            else:
                result.records += [] if record is None else [record]
    result.skipped = +result.skipped
    return result


def write(corpus: Corpus, path: Path, splits: Mapping[str, Split] | None) -> Counter[str]:
    """Counts of what the format cannot store, after writing the corpus into a new file or folder.

    Args:
        corpus: what to write; the id of a document becomes ``data.doc_id``.
        path: a name that ends in ``.json`` becomes a file, any other a folder with a file for each split.
        splits: split of every document id, or None; only a folder can store them.

    Raises:
        UnrepresentableError: splits for a single file, or a text with a lone surrogate, which UTF-8 cannot encode.
        StorageError: the disk is full or not writable.
    """

    def lines(documents: list[Document]) -> Sequence[str]:
        return list_lines(_plain(number, document) for number, document in enumerate(documents, start=1))

    return write_files(corpus, path, splits, SUFFIX, lines)


def _looks(path: Path) -> bool | None:
    return most_elements(path, _is_task)


def _is_task(task: object) -> bool:
    if not isinstance(task, dict):
        return False
    if isinstance(task.get("data"), dict):
        return any(isinstance(task.get(key), list) for key in _ANNOTATION_KEYS) or bool(task.get("predictions"))
    label = task.get("label")
    if label is None and "annotation_id" in task:
        return True
    return isinstance(label, list) and bool(label) and all(map(_is_region, label))


def _has_annotations(path: Path) -> bool:
    """Whether any task of a file has an annotation; in most files the first one does."""
    tasks = list_of_objects(path, ReadResult(NAME))  # faults are reported when the file is read
    return any(task.get(key) for task, _ in tasks for key in _ANNOTATION_KEYS)


def _is_region(value: object) -> bool:
    return isinstance(value, dict) and {"start", "end", "labels"} <= value.keys()


def _record(
    task: dict[str, Any], number: int, line: int, source: Source, result: ReadResult, predicted: bool
) -> Record | None:
    data = task["data"] if isinstance(task.get("data"), dict) else task
    if data is task:
        predicted, text, regions = False, string(task, "text"), _minimal_regions(task)
    else:
        unannotated = all(task.get(key) in (None, []) for key in _ANNOTATION_KEYS)
        predicted = predicted and unannotated and task.get("predictions") is not None
        text, regions = _text(data), (_predicted_regions if predicted else _regions)(task, result)
    if regions is None:
        result.skipped["tasks_without_annotation"] += 1
        return None
    given = task.get("id") if data is task or data.get("doc_id") is None else data["doc_id"]
    doc_id = document_id(given, f"{source.name}-{number}")
    shown: list[_Shown] = []

    def keep(value: Any) -> RawSpan:
        shown.append(_region(value, line, scored=predicted))
        return shown[-1].span

    spans_of(regions, keep, source, line, result)
    spans = _in_code_points(text, shown, source, result)
    origin, annotation, language = source.provenance
    annotation = annotation or ("silver" if predicted else None)
    return Record(
        doc_id, text, tuple(spans), str(source.path), line, None, source.split, origin, annotation, language=language
    )


def _text(data: dict[str, Any]) -> str:
    if isinstance(data.get("text"), str):
        return string(data, "text")
    strings = [value for key, value in data.items() if isinstance(value, str) and key != "doc_id"]
    if len(strings) != 1:
        raise FieldError("data must have the text under the key text, or as its only string; rename the key")
    return strings[0]


def _minimal_regions(task: dict[str, Any]) -> list[Any] | None:
    if task.get("label") is not None:
        return items(task, "label")
    # JSON-MIN omits the key if an annotator marked nothing.
    return [] if "annotation_id" in task else None


def _regions(task: dict[str, Any], result: ReadResult) -> list[Any] | None:
    key = next((key for key in _ANNOTATION_KEYS if task.get(key) is not None), "annotations")
    only_predicted = task.get(key) is None and task.get("predictions") is not None
    annotations = [] if only_predicted else items(task, key)
    if not all(isinstance(each, dict) for each in annotations):
        raise FieldError(f"{key} must be a list of objects")
    valid = [each for each in annotations if not each.get("was_cancelled")]
    chosen = items(valid[0], "result") if valid else None
    predictions = task.get("predictions")
    result.skipped["predictions"] += len(predictions) if isinstance(predictions, list) else 0
    result.skipped["canceled_annotations"] += len(annotations) - len(valid)
    result.skipped["further_annotations"] += max(len(valid) - 1, 0)
    return None if chosen is None else _spans_alone(chosen, result)


def _predicted_regions(task: dict[str, Any], result: ReadResult) -> list[Any] | None:
    predictions = items(task, "predictions")
    if not all(isinstance(each, dict) for each in predictions):
        raise FieldError("predictions must be a list of objects")
    if not predictions:
        return None
    result.skipped["further_predictions"] += len(predictions) - 1
    return _spans_alone(items(predictions[0], "result"), result)


def _spans_alone(chosen: list[Any], result: ReadResult) -> list[Any]:
    regions = []
    for each in chosen:
        kind = each.get("type", "labels") if isinstance(each, dict) else "labels"
        if kind == "relation":
            result.skipped["relations"] += 1
        elif kind == "labels" or kind in _OTHER_TEXT:
            regions.append(each)
        else:
            result.skipped["other_results"] += 1
    return regions


def _region(value: Any, line: int, scored: bool) -> _Shown:
    if isinstance(value, dict) and value.get("type") in _OTHER_TEXT:
        raise FieldError("an entity marks HTML or a dialogue, not plain text; export a project with a Text tag")
    inner = value.get("value", value) if isinstance(value, dict) else None
    if not isinstance(inner, dict):
        raise FieldError("an entity must be an object with start, end and labels")
    labels = inner.get("labels")
    if not isinstance(labels, list) or len(labels) != 1 or not isinstance(labels[0], str):
        n_labels = len(labels) if isinstance(labels, list) else 0
        code = "several-labels" if n_labels > 1 else "malformed"
        raise FieldError(f"an entity needs exactly one label, but this one has {n_labels}; give it one", code)
    shown = inner.get("text")
    score = value.get("score") if scored else None
    if score is not None and type(score) not in (int, float):
        raise FieldError("the score of an entity must be a number in [0, 1]; leave it out if there is none")
    start, end = whole_number(inner, "start"), whole_number(inner, "end")
    span = RawSpan(start, end, labels[0], None if score is None else float(score), line)
    return _Shown(span, shown if isinstance(shown, str) else None)


def _in_code_points(text: str, shown: Sequence[_Shown], source: Source, result: ReadResult) -> list[RawSpan]:
    spans = [each.span for each in shown]
    wrong = [each.span for each in shown if not _fits(text, each.span, each.text)]
    if not wrong:
        return spans
    units = [0, *accumulate(1 + (character > _LAST_OF_BMP) for character in text)]
    place = {unit: position for position, unit in enumerate(units)}
    converted = [span._replace(start=place.get(span.start, -1), end=place.get(span.end, -1)) for span in spans]
    if all(_fits(text, span, each.text) for span, each in zip(converted, shown, strict=True)):
        result.skipped["documents_with_utf16_offsets"] += 1
        return converted
    mismatched = [span for span in wrong if 0 <= span.start < span.end <= len(text)]
    result.problems += [text_mismatch(source, span, "the text") for span in mismatched]
    return [span for span in spans if span not in mismatched]


def _fits(text: str, span: RawSpan, shown: str | None) -> bool:
    """Whether the stated text of an entity, if any, is the text at its offsets."""
    if shown is None:
        return span.start >= 0 and span.end >= 0
    found = text[span.start : span.end] if 0 <= span.start < span.end else ""
    return shown == found or _folded(shown) == _folded(found)


def _folded(text: str) -> str:
    # Label Studio writes a line break as a backslash and an n, and several spaces as one.
    return re.sub(r"\s+", " ", text.replace("\\n", "\n"))


def _plain(number: int, document: Document) -> dict[str, Any]:
    regions = [
        {
            "id": f"e{index}",
            "from_name": "label",
            "to_name": "text",
            "type": "labels",
            "value": {
                "start": entity.start,
                "end": entity.end,
                "text": document.surface(entity),
                "labels": [entity.label],
            },
        }
        for index, entity in enumerate(document.entities, start=1)
    ]
    return {
        "id": number,
        "data": {"text": document.text, "doc_id": document.doc_id},
        "annotations": [{"result": regions, "was_cancelled": False}],
        "predictions": [],
    }
