"""Presidio: the JSON list of presidio-evaluator, with ``full_text`` and ``spans`` for each document.

A source is a ``.json`` file or a folder of them. Documents made from one template form a group, since they share text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
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
from deidsynth.corpora.records import RawSpan, ReadResult, Record
from deidsynth.documents import Corpus, Document, Split

NAME = "presidio"
SUFFIX = ".json"


def sniff(path: Path) -> bool:
    """Whether the path looks like a presidio-evaluator dataset."""
    return looks_like(path, SUFFIX, _looks)


def read_records(path: Path) -> ReadResult:
    """Raw records and problems of a file or a folder."""
    result = ReadResult(NAME)
    for source in find_sources(path, SUFFIX, _looks, result):
        for number, (data, line) in enumerate(list_of_objects(source.path, result), start=1):
            try:
                result.records.append(_record(data, number, line, source, result))
            except FieldError as error:
                result.problems.append(error.problem(source, line))
    return result


def write(corpus: Corpus, path: Path, splits: Mapping[str, Split] | None) -> Counter[str]:
    """Counts of what the format cannot store, after writing the corpus into a new file or folder.

    Args:
        corpus: what to write; the id of a document becomes ``metadata.doc_id``.
        path: a name that ends in ``.json`` becomes a file, any other a folder with a file for each split.
        splits: split of every document id, or None; only a folder can store them.

    Raises:
        UnrepresentableError: splits for a single file, or a text with a lone surrogate, which UTF-8 cannot encode.
        StorageError: the disk is full or not writable.
    """
    return write_files(corpus, path, splits, SUFFIX, lambda documents: list_lines(map(_plain, documents)))


def _looks(path: Path) -> bool | None:
    return most_elements(path, _is_document)


def _is_document(data: object) -> bool:
    return isinstance(data, dict) and isinstance(data.get("full_text"), str) and isinstance(data.get("spans"), list)


def _record(data: dict[str, Any], number: int, line: int, source: Source, result: ReadResult) -> Record:
    text = string(data, "full_text")
    template, metadata = data.get("template_id"), data.get("metadata")
    if template is not None and not isinstance(template, str) and type(template) is not int:
        raise FieldError("template_id must be an integer, a string or null; fix it")
    if metadata is not None and not isinstance(metadata, dict):
        raise FieldError("metadata must be an object or null; fix it")
    doc_id = document_id((metadata or {}).get("doc_id"), f"{source.name}-{number}")
    group = None if template is None else f"template-{template}"
    spans = spans_of(items(data, "spans"), lambda value: _span(value, text, line, source), source, line, result)
    origin, annotation, language = source.provenance
    return Record(
        doc_id, text, tuple(spans), str(source.path), line, group, source.split, origin, annotation, language=language
    )


def _span(value: Any, text: str, line: int, source: Source) -> RawSpan:
    if not isinstance(value, dict):
        raise FieldError("a span must be an object with entity_type, start_position and end_position")
    start, end = whole_number(value, "start_position"), whole_number(value, "end_position")
    span = RawSpan(start, end, string(value, "entity_type"), line=line)
    shown = value.get("entity_value")
    if shown is not None and 0 <= start < end <= len(text) and shown != text[start:end]:
        raise FieldError(text_mismatch(source, span, "entity_value").message, "text-mismatch")
    return span


def _plain(document: Document) -> dict[str, Any]:
    spans = [
        {
            "entity_type": entity.label,
            "entity_value": document.surface(entity),
            "start_position": entity.start,
            "end_position": entity.end,
        }
        for entity in document.entities
    ]
    return {
        "full_text": document.text,
        "masked": document.replace_entities(lambda entity: f"{{{{{entity.label}}}}}").text,
        "spans": spans,
        "template_id": None,
        "metadata": {"doc_id": document.doc_id},
    }
