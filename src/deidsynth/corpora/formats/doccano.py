"""Doccano: JSON lines with ``id``, ``text`` and ``label [[start, end, label]]``, or with ``entities`` and relations.

Older exports have ``annotations`` with the numbers of labels, whose names are elsewhere: these are refused. A source is
a ``.jsonl`` or ``.json`` file (of lines, or one list) or a folder of them. Relations, comments and unknown keys are
left out and counted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from deidsynth.corpora.document_files import Source, find_sources, looks_like, write_files
from deidsynth.corpora.json_source import (
    FieldError,
    document_id,
    items,
    most_values,
    spans_of,
    string,
    values_of,
    whole_number,
)
from deidsynth.corpora.records import RawSpan, ReadResult, Record, repeated_ids
from deidsynth.corpora.span_lists import NUMERIC, NUMERIC_LABEL
from deidsynth.documents import Corpus, Document, Split

NAME = "doccano"
SUFFIX = ".jsonl"
SUFFIXES = (SUFFIX, ".json")

_ENTITY_KEYS = ("entities", "annotations")
_PAIR_KEYS = ("label", "labels")
_COUNTED = {"relations": "relations", "Comments": "comments", "comments": "comments"}
_KNOWN = frozenset({"id", "text", "data", *_ENTITY_KEYS, *_PAIR_KEYS, *_COUNTED})


def sniff(path: Path) -> bool:
    """Whether the path looks like a Doccano export."""
    return looks_like(path, SUFFIXES, _looks)


def read_records(path: Path) -> ReadResult:
    """Raw records and problems of a file or a folder."""
    result = ReadResult(NAME)
    for source in find_sources(path, SUFFIXES, _looks, result):
        for data, line in values_of(source.path, result):
            try:
                if not isinstance(data, dict):
                    raise FieldError("expected an object; write one object on each line")
                result.records.append(_record(data, line, source, result))
            except FieldError as error:
                result.problems.append(error.problem(source, line))
    result.skipped = +result.skipped
    return result


def write(corpus: Corpus, path: Path, splits: Mapping[str, Split] | None) -> Counter[str]:
    """Counts of what Doccano's format cannot store, after writing the corpus into a new file or folder.

    Args:
        corpus: what to write; the id of a document becomes its ``id``.
        path: a name that ends in ``.jsonl`` becomes a file, any other a folder with a file for each split.
        splits: split of every document id, or None; only a folder can store them.

    Raises:
        UnrepresentableError: splits for a single file, or a text with a lone surrogate, which UTF-8 cannot encode.
        StorageError: the disk is full or not writable.
    """
    return write_files(corpus, path, splits, SUFFIX, _lines)


def _looks(path: Path) -> bool | None:
    return most_values(path, _is_document)


def _is_document(data: object) -> bool:
    if not isinstance(data, dict) or "doc_id" in data or not isinstance(data.get("text", data.get("data")), str):
        return False
    entities = data.get("entities", data.get("annotations"))
    if isinstance(entities, list):
        # Without entities, only the relations distinguish the export from other JSON lines.
        return any(isinstance(each, dict) and "start_offset" in each for each in entities) or (
            not entities and ("relations" in data or "annotations" in data)
        )
    labels = data.get("label", data.get("labels"))
    return (
        "tokens" not in data
        and isinstance(labels, list)
        and (not labels or any(isinstance(each, list) for each in labels))
    )


def _record(data: dict[str, Any], line: int, source: Source, result: ReadResult) -> Record:
    text = string(data, "text" if "text" in data or "data" not in data else "data")
    keys = [key for key in (*_PAIR_KEYS, *_ENTITY_KEYS) if key in data]
    if not keys:
        raise FieldError("the object has no label, labels or entities; add one (label may be [])")
    spans: list[RawSpan] = []
    for key in keys:
        read = partial(_entity if key in _ENTITY_KEYS else _pair, line)
        spans += spans_of(items(data, key), read, source, line, result)
    given = [each.get("id") for key in _ENTITY_KEYS for each in data.get(key, ()) if isinstance(each, dict)]
    ids = ((each, line) for each in given if isinstance(each, int | str))
    result.problems += repeated_ids(ids, str(source.path))
    for key, kind in _COUNTED.items():
        value = data.get(key)
        result.skipped[kind] += len(value) if isinstance(value, list) else value is not None
    result.skipped["unknown_keys"] += len(data.keys() - _KNOWN)
    doc_id = document_id(data.get("id"), f"{source.name}-{line}")
    origin, annotation, language = source.provenance
    return Record(
        doc_id,
        text,
        tuple(spans),
        str(source.path),
        line,
        None,
        source.split,
        origin,
        annotation,
        language=language,
        has_known_unit=False,
    )


def _pair(line: int, value: Any) -> RawSpan:
    if not isinstance(value, list) or len(value) != 3:
        raise FieldError("a label must be a list of start, end and label; fix or remove it")
    start, end, label = value
    entity = {"start": start, "end": end, "label": label}
    return _span(entity, "start", "end", line)


def _entity(line: int, value: Any) -> RawSpan:
    if not isinstance(value, dict):
        raise FieldError("an entity must be an object with label, start_offset and end_offset")
    return _span(value, "start_offset", "end_offset", line)


def _span(entity: Mapping[str, Any], first: str, last: str, line: int) -> RawSpan:
    start, end = whole_number(entity, first), whole_number(entity, last)
    if type(entity.get("label")) is int:
        raise FieldError(NUMERIC_LABEL, NUMERIC)
    return RawSpan(start, end, string(entity, "label"), line=line)


def _lines(documents: Iterable[Document]) -> Iterator[str]:
    for document in documents:
        labels = [[entity.start, entity.end, entity.label] for entity in document.entities]
        data = {"id": document.doc_id, "text": document.text, "label": labels}
        yield json.dumps(data, ensure_ascii=False) + "\n"
