"""Tokens with tags: JSON objects with ``tokens`` and ``ner_tags``, ``labels`` or ``tags`` of the same length.

A source is a ``.jsonl`` or ``.json`` file (of lines, or one list) or a folder of them. Tags are IOB, IOB2, BIOES or
BILOU (in any of the forms of ``tag_styles``) or raw labels. The text is ``text`` or ``full_text`` of the object if the
tokens are in it; else the tokens with their ``trailing_whitespace``, or joined by blanks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from deidsynth.corpora.document_files import Source, find_sources, looks_like
from deidsynth.corpora.json_source import FieldError, document_id, most_values, values_of
from deidsynth.corpora.records import RawSpan, ReadResult, Record
from deidsynth.corpora.span_lists import NUMERIC, NUMERIC_LABEL
from deidsynth.corpora.tag_styles import Scheme, scheme_of
from deidsynth.errors import Problem
from deidsynth.tagging import is_tag, spans_of_tags

NAME = "tokens"
SUFFIXES = (".jsonl", ".json")

_TOKEN_KEYS = ("tokens", "words")
_TAG_KEYS = ("ner_tags", "labels", "tags", "ner", "bio_tags", "token_labels", "label")
_TEXT_KEYS = ("text", "full_text")
_ID_KEYS = ("doc_id", "id", "document")


@dataclass(frozen=True, slots=True)
class _Row:
    """The tokens of a document and their tags, in the same number."""

    data: Mapping[str, Any]
    tokens: Sequence[str]
    tags: Sequence[str]
    line: int
    number: int


def sniff(path: Path) -> bool:
    """Whether the path looks like tokens with tags."""
    return looks_like(path, SUFFIXES, _looks)


def read_records(path: Path) -> ReadResult:
    """Raw records and problems of a file or a folder."""
    result = ReadResult(NAME)
    for source in find_sources(path, SUFFIXES, _looks, result):
        rows = []
        for number, (value, line) in enumerate(values_of(source.path, result), start=1):
            try:
                rows.append(_row(value, line, number))
            except FieldError as error:
                result.problems.append(error.problem(source, line))
        scheme = scheme_of([tag for row in rows for tag in row.tags])
        if scheme.warning is not None:
            result.problems.append(Problem(str(source.path), scheme.warning, code="tag-form", fatal=False))
        for row in rows:
            try:
                result.records.append(_record(row, scheme, source, result))
            except FieldError as error:
                result.problems.append(error.problem(source, row.line))
    return result


def _looks(path: Path) -> bool | None:
    return most_values(path, _is_document)


def _is_document(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    tokens = next((value[key] for key in _TOKEN_KEYS if key in value), None)
    tags = next((value[key] for key in _TAG_KEYS if isinstance(value.get(key), list)), None)
    are_tokens = isinstance(tokens, list) and all(isinstance(each, str) for each in tokens)
    return are_tokens and tags is not None and all(isinstance(each, str | int) for each in tags)


def _row(value: Any, line: int, number: int) -> _Row:
    if not isinstance(value, dict):
        raise FieldError("expected an object with tokens and ner_tags")
    tokens = next((value[key] for key in _TOKEN_KEYS if key in value), None)
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise FieldError("tokens must be a list of strings")
    key = next((key for key in _TAG_KEYS if isinstance(value.get(key), list)), None)
    if key is None:
        raise FieldError("the object has no ner_tags, labels or tags; add one with a tag for each token")
    tags = value[key]
    if len(tags) != len(tokens):
        raise FieldError(f"there must be one tag for each of the {len(tokens)} tokens, but {key} has {len(tags)}")
    if any(type(tag) is int for tag in tags):
        raise FieldError(f"{key}: {NUMERIC_LABEL}", NUMERIC)
    if not all(isinstance(tag, str) for tag in tags):
        raise FieldError(f"{key} must be a list of strings, such as O, B-NAME and I-NAME")
    return _Row(value, tokens, tags, line, number)


def _record(row: _Row, scheme: Scheme, source: Source, result: ReadResult) -> Record:
    tags = [scheme.form.get(tag, tag) for tag in row.tags]
    if not all(is_tag(tag, scheme.prefixed) for tag in tags):
        raise FieldError("a tag does not have the form of the others in this file; fix it", "tag")
    text, bounds = _placed(row, result)
    spans = tuple(
        RawSpan(bounds[first][0], bounds[last - 1][1], label, line=row.line)
        for first, last, label in spans_of_tags(tags, scheme.prefixed)
    )
    given = next((row.data[key] for key in _ID_KEYS if row.data.get(key) is not None), None)
    doc_id = document_id(given, f"{source.name}-{row.number}")
    origin, annotation, language = source.provenance
    return Record(
        doc_id, text, spans, str(source.path), row.line, None, source.split, origin, annotation, language=language
    )


def _placed(row: _Row, result: ReadResult) -> tuple[str, list[tuple[int, int]]]:
    """The text of a document and where its tokens are in it."""
    stated = next((row.data[key] for key in _TEXT_KEYS if isinstance(row.data.get(key), str)), None)
    if stated is not None:
        bounds = _found(stated, row.tokens)
        if bounds is not None:
            return stated, bounds
        result.skipped["texts_that_do_not_fit"] += 1
    gaps = row.data.get("trailing_whitespace")
    if not isinstance(gaps, list) or len(gaps) != len(row.tokens):
        gaps = [*[True] * (len(row.tokens) - 1), False]
    pieces = [token + " " * bool(gap) for token, gap in zip(row.tokens, gaps, strict=False)]
    starts = [0, *accumulate(map(len, pieces))]
    return "".join(pieces), [(start, start + len(token)) for start, token in zip(starts, row.tokens, strict=False)]


def _found(text: str, tokens: Sequence[str]) -> list[tuple[int, int]] | None:
    """Where tokens are in a text; None if something other than white space is between them."""
    bounds, place = [], 0
    for token in tokens:
        start = text.find(token, place)
        if start < 0 or text[place:start].strip():
            return None
        place = start + len(token)
        bounds.append((start, place))
    return bounds if not text[place:].strip() else None
