"""ASQ-PHI: blocks of a text and the values of its identifiers, one JSON object per line, without offsets.

A source is a ``.txt`` file or a folder of them; the format is read only. The longest value is located first, each at
the first free occurrence in the text, preferably at word boundaries.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from deidsynth.corpora.document_files import Source, find_sources, looks_like, read_text, text_heads
from deidsynth.corpora.json_source import FieldError, string
from deidsynth.corpora.records import RawSpan, ReadResult, Record
from deidsynth.errors import Problem

NAME = "asq-phi"
SUFFIX = ".txt"

_QUERY = "===QUERY==="
_TAGS = "===PHI_TAGS==="


class _Tag(NamedTuple):
    """A value to locate."""

    value: str
    label: str
    line: int


@dataclass(slots=True)
class _Block:
    """The lines of one document, with line breaks."""

    line: int
    text: list[str] = field(default_factory=list)
    tags: list[tuple[int, str]] | None = None


def sniff(path: Path) -> bool:
    """Whether the path looks like ASQ-PHI."""
    return looks_like(path, SUFFIX, _looks)


def read_records(path: Path) -> ReadResult:
    """Raw records and problems of a file or a folder."""
    result = ReadResult(NAME)
    for source in find_sources(path, SUFFIX, _looks, result):
        content = read_text(source.path, result)
        for number, block in enumerate(_blocks(content or "", source, result), start=1):
            record = _record(block, number, source, result)
            if record is not None:
                result.records.append(record)
    return result


def _looks(path: Path) -> bool | None:
    head = None
    for head in text_heads(path):
        lines = [line for line in map(str.rstrip, head.split("\n")) if line]
        if lines[:1] != [_QUERY] or _TAGS in lines:
            return lines[:1] == [_QUERY]
    return None if head is None else False


def _blocks(content: str, source: Source, result: ReadResult) -> Iterator[_Block]:
    block: _Block | None = None
    stray = False
    for number, line in enumerate(content.split("\n"), start=1):
        mark = line.rstrip()
        if mark == _QUERY:
            if block is not None:
                yield block
            block = _Block(number)
        elif block is None:
            if mark and not stray:
                message = f"there is text before the first {_QUERY}; remove it"
                result.problems.append(Problem(str(source.path), message, number, "malformed"))
                stray = True
        elif block.tags is not None:
            if mark:
                block.tags.append((number, line))
        elif mark == _TAGS:
            block.tags = []
        else:
            block.text.append(line)
    if block is not None:
        yield block


def _record(block: _Block, number: int, source: Source, result: ReadResult) -> Record | None:
    where = str(source.path)
    if block.tags is None:
        message = f"{_TAGS} is missing after the text; add it, followed by one object for each identifier"
        result.problems.append(Problem(where, message, block.line, "malformed"))
        return None
    text = "\n".join(block.text)
    # The last line break belongs to the marker that follows.
    text = text.removesuffix("\r")
    tags = []
    for line, content in block.tags:
        try:
            tags.append(_tag(content, line))
        except FieldError as error:
            result.problems.append(error.problem(source, line, of_entity=True))
    spans = []
    for tag, place in zip(tags, _locate(text, tags), strict=True):
        if place is None:
            message = "the value is not in the text, or only inside another value; fix it, or its entity is lost"
            result.problems.append(Problem(where, message, tag.line, "value-not-found", fatal=False))
        else:
            spans.append(RawSpan(place, place + len(tag.value), tag.label, line=tag.line))
    doc_id = f"{source.name}-{number}"
    origin, annotation, language = source.provenance
    return Record(
        doc_id, text, tuple(spans), where, block.line, None, source.split, origin, annotation, language=language
    )


def _tag(content: str, line: int) -> _Tag:
    try:
        data: Any = json.loads(content)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise FieldError("expected a JSON object with identifier_type and value; fix or remove the line")
    value, label = string(data, "value"), string(data, "identifier_type").upper()
    if not value:
        raise FieldError("value must not be empty; fix or remove the line")
    return _Tag(value, label, line)


def _locate(text: str, tags: Sequence[_Tag]) -> list[int | None]:
    """The first code point of each value, or None; longer values first, since a shorter one may be part of them."""
    places: list[int | None] = [None] * len(tags)
    taken: list[tuple[int, int]] = []
    for index in sorted(range(len(tags)), key=lambda index: -len(tags[index].value)):
        value = tags[index].value
        free = [
            start
            for start in _occurrences(text, value)
            if all(start + len(value) <= first or last <= start for first, last in taken)
        ]
        if free:
            place = next((start for start in free if _at_boundaries(text, start, start + len(value))), free[0])
            places[index] = place
            taken.append((place, place + len(value)))
    return places


def _occurrences(text: str, value: str) -> Iterator[int]:
    start = text.find(value)
    while start >= 0:
        yield start
        start = text.find(value, start + 1)


def _at_boundaries(text: str, start: int, end: int) -> bool:
    def cuts_a_word(offset: int) -> bool:
        return 0 < offset < len(text) and text[offset - 1].isalnum() and text[offset].isalnum()

    return not cuts_a_word(start) and not cuts_a_word(end)
