"""Label Studio: a JSON list of tasks, as in JSON and JSON-MIN exports.

A source is a ``.json`` file or a folder of them. Of the annotations of a task that were not canceled, the ground truth
is read, else the first; a task without one is skipped and counted, since nobody has confirmed that its text has no
entities. If no task of a file has an annotation, as in model output for import, the first prediction of each is read,
as silver. Newer versions count code points, older ones UTF-16 units: the text stated beside the offsets decides which.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

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
from deidsynth.corpora.links import LINK, LINK_MESSAGE, is_link
from deidsynth.corpora.records import RawSpan, ReadResult, Record
from deidsynth.corpora.span_lists import is_score
from deidsynth.corpora.stated_texts import Stated, in_code_points
from deidsynth.documents import Corpus, Document, Split
from deidsynth.errors import Problem

NAME = "label-studio"
SUFFIX = ".json"
TEXT, CONTROL = "text", "label"
"""Names of the text and of the labels in the tasks that are written, and so in the project that takes them."""

NOT_SUBMITTED = "tasks_without_annotation"
"""What is counted of tasks that nobody submitted."""

_ANNOTATION_KEYS = ("annotations", "completions")
_OTHER_TEXT = frozenset({"hypertextlabels", "paragraphlabels"})
_NOT_TEXT = frozenset({"doc_id", "annotation_id", "annotator", "created_at", "updated_at", "lead_time", "id"})
"""Keys beside the text: our own, and those of the minimal export."""
_NO_TEXT = (
    "data must have the text under the key text, or as its only string; rename the key, or give the Text tag of the "
    "project (to_name) the name of the key"
)


def sniff(path: Path) -> bool:
    """Whether the path looks like a Label Studio export."""
    return looks_like(path, SUFFIX, _looks)


def read_records(path: Path) -> ReadResult:
    """Raw records and problems of a file or a folder."""
    result = ReadResult(NAME)
    for source in find_sources(path, SUFFIX, _looks, result):
        predicted, usual = _survey(task for task, _ in list_of_objects(source.path, ReadResult(NAME)))
        for number, (task, line) in enumerate(list_of_objects(source.path, result), start=1):
            try:
                record = _record(task, number, line, source, result, predicted, usual)
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


def write_predictions(corpus: Corpus, path: Path) -> Counter[str]:
    """As ``write``, with the entities as predictions, which a person accepts or corrects; each has its score.

    Args:
        corpus: what to write; a document without entities is a task without a prediction.
        path: of the new file, which ends in ``.json``.

    Raises:
        UnrepresentableError: as for ``write``.
        StorageError: as for ``write``.
    """

    def lines(documents: list[Document]) -> Sequence[str]:
        return list_lines(_predicted(number, document) for number, document in enumerate(documents, start=1))

    return write_files(corpus, path, None, SUFFIX, lines)


def _looks(path: Path) -> bool | None:
    return most_elements(path, _is_task)


def _is_task(task: object) -> bool:
    if not isinstance(task, dict):
        return False
    if isinstance(task.get("data"), dict):
        return any(isinstance(task.get(key), list) for key in _ANNOTATION_KEYS) or bool(task.get("predictions"))
    if task.get("label") is None and "annotation_id" in task:
        return True
    return any(value and _are_regions(value) for value in task.values())


def _survey(tasks: Iterable[dict[str, Any]]) -> tuple[bool, str | None]:
    """Whether no task of a file has an annotation, and the key under which most annotated tasks have their text."""
    predicted, keys = True, Counter[str]()
    for task in tasks:  # faults are reported when the file is read
        predicted = predicted and not any(task.get(key) for key in _ANNOTATION_KEYS)
        with suppress(FieldError):
            data = task["data"] if isinstance(task.get("data"), dict) else task
            regions = _minimal_regions(task) if data is task else _regions(task, 0, "", ReadResult(NAME))
            if regions:
                keys[_text_key(data, regions, None)] += 1
    return predicted, max(keys, key=lambda key: keys[key], default=None)


def _are_regions(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(each, dict) and {"start", "end", "labels"} <= each.keys() for each in value
    )


def _record(
    task: dict[str, Any],
    number: int,
    line: int,
    source: Source,
    result: ReadResult,
    predicted: bool,
    usual: str | None,
) -> Record | None:
    data = task["data"] if isinstance(task.get("data"), dict) else task
    if data is task:
        if any(isinstance(task.get(key), list) for key in _ANNOTATION_KEYS):
            string(task, "text")  # not the minimal export: data is missing
        predicted, regions = False, _minimal_regions(task)
    else:
        unannotated = all(task.get(key) in (None, []) for key in _ANNOTATION_KEYS)
        predicted = predicted and unannotated and task.get("predictions") is not None
        regions = _predicted_regions(task, result) if predicted else _regions(task, line, str(source.path), result)
    if regions is None:
        if not any(isinstance(value, str) for value in data.values()):
            raise FieldError(_NO_TEXT)
        result.skipped[NOT_SUBMITTED] += 1
        return None
    text = data[_text_key(data, regions, usual)]
    if is_link(text):
        raise FieldError(LINK_MESSAGE, LINK)
    given = task.get("id") if data is task or data.get("doc_id") is None else data["doc_id"]
    doc_id = document_id(given, f"{source.name}-{number}")
    stated: list[Stated] = []

    def keep(value: Any) -> RawSpan:
        stated.append(_region(value, line, scored=predicted))
        return stated[-1].span

    spans_of(regions, keep, source, line, result)
    placed = in_code_points(text, stated)
    result.skipped["documents_with_utf16_offsets"] += placed.from_utf16
    result.problems += (text_mismatch(source, span, "the text") for span in placed.wrong)
    origin, annotation, language = source.provenance
    annotation = annotation or ("silver" if predicted else None)
    return Record(
        doc_id,
        text,
        placed.spans,
        str(source.path),
        line,
        None,
        source.split,
        origin,
        annotation,
        language=language,
        has_known_unit=placed.proven,
    )


def _text_key(data: dict[str, Any], regions: Sequence[Any], usual: str | None) -> str:
    """The key of the text that was annotated.

    It is the only one in which the stated texts of the regions are, else the one that they name with ``to_name``, else
    the ``usual`` one of the file, ``text``, or the only string.

    Raises:
        FieldError: none of these, or regions in several texts.
    """
    strings = [key for key, value in data.items() if isinstance(value, str) and key not in _NOT_TEXT]
    names = [each.get("to_name") for each in regions if isinstance(each, dict)]
    named = {key for key in strings if key in names}
    if len(named) > 1:
        raise FieldError("its entities are in several texts of data; make a task of each text")
    shown = [each for each in _stated(regions) if each.text is not None]
    proven = [key for key in strings if shown and in_code_points(data[key], shown).fit]
    if len(proven) == 1:
        return proven[0]
    for key in (*named, usual, "text"):
        if key in strings:
            return key
    if len(strings) != 1:
        raise FieldError(_NO_TEXT)
    return strings[0]


def _minimal_regions(task: dict[str, Any]) -> list[Any] | None:
    if task.get("label") is not None:
        return items(task, "label")
    found = [each for value in task.values() if value and _are_regions(value) for each in value]
    # JSON-MIN omits the key if an annotator marked nothing.
    return found if found or "annotation_id" in task else None


def _regions(task: dict[str, Any], line: int, path: str, result: ReadResult) -> list[Any] | None:
    key = next((key for key in _ANNOTATION_KEYS if task.get(key) is not None), "annotations")
    only_predicted = task.get(key) is None and task.get("predictions") is not None
    annotations = [] if only_predicted else items(task, key)
    if not all(isinstance(each, dict) for each in annotations):
        raise FieldError(f"{key} must be a list of objects")
    valid = [each for each in annotations if not each.get("was_cancelled")]
    predictions = task.get("predictions")
    result.skipped["predictions"] += len(predictions) if isinstance(predictions, list) else 0
    result.skipped["canceled_annotations"] += len(annotations) - len(valid)
    result.skipped["further_annotations"] += max(len(valid) - 1, 0)
    if not valid:
        return None
    chosen = next((each for each in valid if each.get("ground_truth") is True), valid[0])
    regions = _spans_alone(items(chosen, "result"), result)
    if not regions and not chosen.get("ground_truth") and any(each.get("result") for each in valid):
        message = (
            "the first annotation of the task has no entity, but another one has; mark the right one as ground truth, "
            "or cancel the other"
        )
        result.problems.append(Problem(path, message, line, "several-annotations", fatal=False))
    return regions


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
        elif not isinstance(kind, str | None) or kind == "labels" or kind in _OTHER_TEXT:
            regions.append(each)
        else:
            result.skipped["other_results"] += 1
    return regions


def _region(value: Any, line: int, scored: bool) -> Stated:
    kind = value.get("type") if isinstance(value, dict) else None
    if not isinstance(kind, str | None):
        raise FieldError("the type of an entity must be a string, such as labels; fix it")
    if kind in _OTHER_TEXT:
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
    if score is not None and not is_score(score):
        raise FieldError("the score of an entity must be a number in [0, 1]; leave it out if there is none")
    start, end = whole_number(inner, "start"), whole_number(inner, "end")
    span = RawSpan(start, end, labels[0], None if score is None else float(score), line)
    return Stated(span, shown if isinstance(shown, str) else None)


def _stated(regions: Iterable[Any]) -> Iterator[Stated]:
    """The regions without a fault."""
    for value in regions:
        with suppress(FieldError):
            yield _region(value, 0, scored=False)


def _plain(number: int, document: Document) -> dict[str, Any]:
    annotation = {"result": _written_regions(document.without_scores()), "was_cancelled": False}
    return _task(number, document) | {"annotations": [annotation], "predictions": []}


def _predicted(number: int, document: Document) -> dict[str, Any]:
    predictions = []
    if document.entities:
        scores = [entity.score for entity in document.entities if entity.score is not None]
        prediction: dict[str, Any] = {"model_version": "deidsynth", "result": _written_regions(document)}
        predictions.append(prediction | ({"score": min(scores)} if scores else {}))
    return _task(number, document) | {"annotations": [], "predictions": predictions}


def _task(number: int, document: Document) -> dict[str, Any]:
    return {"id": number, "data": {TEXT: document.text, "doc_id": document.doc_id}}


def _written_regions(document: Document) -> list[dict[str, Any]]:
    return [
        {
            "id": f"e{index}",
            "from_name": CONTROL,
            "to_name": TEXT,
            "type": "labels",
            "value": {
                "start": entity.start,
                "end": entity.end,
                "text": document.surface(entity),
                "labels": [entity.label],
            },
        }
        | ({} if entity.score is None else {"score": entity.score})
        for index, entity in enumerate(document.entities, start=1)
    ]
