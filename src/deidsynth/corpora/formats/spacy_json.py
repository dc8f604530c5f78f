"""spaCy and Prodigy: JSON with a text and its ``spans``, ``ents`` or ``entities``, or pairs of text and annotations.

A source is a ``.jsonl`` or ``.json`` file (of lines, or one list) or a folder of them. A value is an object, as Prodigy
and ``Doc.to_json`` write it, or a pair ``[text, {"entities": [[start, end, label]]}]``, as spaCy is trained on. Answers
of Prodigy other than ``accept`` are no gold: they are skipped and counted. What is written are accepted tasks, as
Prodigy's ``db-in`` takes them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from deidsynth.corpora.document_files import Source, find_sources, looks_like, write_files
from deidsynth.corpora.json_source import FieldError, document_id, most_values, values_of
from deidsynth.corpora.records import ReadResult, Record
from deidsynth.corpora.span_lists import RowError, is_span, spans_of
from deidsynth.corpora.stated_texts import Placed
from deidsynth.documents import Corpus, Document, Split
from deidsynth.errors import Problem

NAME = "spacy"
SUFFIX = ".jsonl"
SUFFIXES = (SUFFIX, ".json")

_SPAN_KEYS = ("spans", "ents", "entities")
_OF_PRODIGY = frozenset({"_task_hash", "_input_hash", "answer"})
_REJECTED = {"reject": "rejected_answers", "ignore": "ignored_answers"}
_SINGLE = frozenset({"ner", "ner_binary"})
"""Views in which a person accepts or rejects one suggested span at a time."""


def sniff(path: Path) -> bool:
    """Whether the path looks like data of spaCy or Prodigy."""
    return looks_like(path, SUFFIXES, _looks)


def read_records(path: Path) -> ReadResult:
    """Raw records and problems of a file or a folder."""
    result = ReadResult(NAME)
    for source in find_sources(path, SUFFIXES, _looks, result):
        views = Counter[str]()
        for number, (value, line) in enumerate(values_of(source.path, result), start=1):
            try:
                record = _record(value, number, line, source, result)
            except FieldError as error:
                result.problems.append(error.problem(source, line))
            else:
                result.records += [] if record is None else [record]
                views[str(value.get("_view_id")) if isinstance(value, dict) else ""] += record is not None
        if any(views[view] for view in _SINGLE):
            result.problems.append(_of_suggestions(source))
    result.skipped = +result.skipped
    return result


def write(corpus: Corpus, path: Path, splits: Mapping[str, Split] | None) -> Counter[str]:
    """Counts of what the format cannot store, after writing the corpus into a new file or folder.

    Args:
        corpus: what to write; the id of a document becomes its ``id``, and each span states its text.
        path: a name that ends in ``.jsonl`` becomes a file, any other a folder with a file for each split.
        splits: split of every document id, or None; only a folder can store them.

    Raises:
        UnrepresentableError: splits for a single file, or a text with a lone surrogate, which UTF-8 cannot encode.
        StorageError: the disk is full or not writable.
    """
    return write_files(corpus, path, splits, SUFFIX, _lines)


def _looks(path: Path) -> bool | None:
    return most_values(path, _is_document)


def _is_document(value: object) -> bool:
    if isinstance(value, list):
        return len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], dict) and "entities" in value[1]
    if not isinstance(value, dict) or "doc_id" in value or not isinstance(value.get("text"), str):
        return False
    if len(_OF_PRODIGY & value.keys()) > 1:
        return True
    if isinstance(value.get("entities"), list):
        return all(isinstance(each, list) and is_span(each) for each in value["entities"]) and bool(value["entities"])
    found = next((value[key] for key in ("spans", "ents") if key in value), None)
    groups = _groups(found)
    return groups is not None and all(isinstance(each, dict) and is_span(each) for group in groups for each in group)


def _groups(value: object) -> list[list[Any]] | None:
    """The groups of spans of a ``Doc``, or a single list of them; None if the value is neither."""
    groups: list[Any] = list(value.values()) if isinstance(value, dict) else [value]
    return groups if all(isinstance(each, list) for each in groups) else None


def _record(value: Any, number: int, line: int, source: Source, result: ReadResult) -> Record | None:
    data = _as_object(value)
    text = data.get("text")
    if not isinstance(text, str):
        raise FieldError(f"text must be a string; {'put it in quotes' if 'text' in data else 'add it'}")
    answer = data.get("answer", "accept")
    if answer != "accept":
        result.skipped[_REJECTED.get(str(answer), "other_answers")] += 1
        return None
    placed = _spans(_listed(data), text, line, source, result)
    result.skipped["relations"] += len(data["relations"]) if isinstance(data.get("relations"), list) else 0
    origin, annotation, language = source.provenance
    meta = data.get("meta")
    given = data.get("id", meta.get("id") if isinstance(meta, dict) else None)
    return Record(
        document_id(given, f"{source.name}-{number}"),
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


def _as_object(value: Any) -> Mapping[str, Any]:
    """A value as an object with ``text``; of a pair, the text and the annotations."""
    if isinstance(value, list) and len(value) == 2 and isinstance(value[1], dict):
        return {**value[1], "text": value[0]}
    if not isinstance(value, dict):
        raise FieldError("expected an object with a text and spans, or a pair of a text and an object with entities")
    return value


def _listed(data: Mapping[str, Any]) -> list[Any]:
    """The entities of an object, unchecked; none if Prodigy wrote none."""
    keys = [key for key in _SPAN_KEYS if data.get(key) is not None]
    if not keys and _OF_PRODIGY & data.keys():
        return []
    if not keys:
        raise FieldError("the object has no spans, ents or entities; add one (it may be [])")
    filled = [key for key in keys if data[key]] or keys[:1]
    if len(filled) > 1:
        raise FieldError(f"the object has both {' and '.join(filled)}; leave one of them")
    groups = _groups(data[filled[0]])
    if groups is None:
        raise FieldError(f"{filled[0]} must be a list; write [] if it is empty")
    groups = [group for group in groups if group]
    if len(groups) > 1:
        raise FieldError(f"there are {len(groups)} groups of spans; leave one of them")
    return groups[0] if groups else []


def _spans(values: list[Any], text: str, line: int, source: Source, result: ReadResult) -> Placed:
    """The spans of all valid values; an invalid one becomes a problem."""
    faults: list[RowError] = []
    try:
        placed = spans_of(values, text, result.skipped, faults, line)
    except RowError as error:
        raise FieldError(str(error), error.code) from None
    result.problems += [Problem(str(source.path), str(each), line, each.code, of_entity=True) for each in faults]
    return placed


def _of_suggestions(source: Source) -> Problem:
    message = (
        "its answers are about one suggested span each, so other entities of the texts may be unmarked; export what "
        "was annotated with ner.manual or ner.correct"
    )
    return Problem(str(source.path), message, code="single-suggestions", fatal=False)


def _lines(documents: Iterable[Document]) -> Iterator[str]:
    for document in documents:
        spans = [
            {"start": entity.start, "end": entity.end, "label": entity.label, "text": document.surface(entity)}
            for entity in document.entities
        ]
        task = {"id": document.doc_id, "text": document.text, "spans": spans, "answer": "accept"}
        yield json.dumps(task, ensure_ascii=False) + "\n"
