"""JSON lines and JSON files: the texts at the named paths are de-identified, the rest stays as it is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from deidsynth.corpora.encodings import MARK, decode
from deidsynth.corpora.loading import reading_errors
from deidsynth.corpora.opening import opened
from deidsynth.corpora.records import is_encodable
from deidsynth.deidentification.inputs.columns import Columns, patient_of
from deidsynth.deidentification.inputs.json_paths import JsonPath, PathError, Slot
from deidsynth.deidentification.inputs.json_survey import Survey
from deidsynth.deidentification.inputs.rows import Results, Row, Source, Written, plain, unreadable
from deidsynth.documents import Document
from deidsynth.errors import InputError, Problem
from deidsynth.plain_data import RepeatedKeyError, read_json


class _Paths:
    """Where the texts and their patients are.

    Args:
        columns: paths.

    Raises:
        InputError: one of them is no path, or a text would have several patients.
    """

    def __init__(self, columns: Columns) -> None:
        self.texts = [JsonPath.parse(each) for each in columns.texts]
        self.patient = None if columns.patient is None else JsonPath.parse(columns.patient)
        for each in self.texts:
            if self.patient is not None and not self.patient.goes_with(each):
                raise InputError(
                    f"--patient-column {self.patient.text}: has a [] that --column {each.text} lacks, so a text would "
                    "have several patients; name a key on the way to the text"
                )

    def of(self, value: Any, place: str) -> tuple[list[Slot], list[Document]]:
        """The places of the texts in a value, and the texts.

        Raises:
            ValueError: the value is not built so, or has something else than text there.
        """
        slots: list[Slot] = []
        documents: list[Document] = []
        for path in self.texts:
            if not path.is_met(value):
                raise PathError(f"has nothing at {path.text}; name the path to the texts with --column")
            for slot in path.slots(value):
                text = slot.value
                if not isinstance(text, str):
                    raise PathError(f"what is at {path.text} is not text; fix it, or choose another path")
                group = None if self.patient is None else patient_of(self.patient.one(value, path, slot))
                slots.append(slot)
                documents.append(Document(place, text, group=group))
        return slots, documents


def json_lines(path: Path, target: str, columns: Columns) -> Source:
    """A file with a JSON value on each line.

    Args:
        path: the file.
        target: the file to write to.
        columns: paths into each value.

    Raises:
        InputError: it cannot be read, or a path is none.
    """
    paths = _Paths(columns)
    survey, n_lines = Survey(str(path), paths.texts, paths.patient), 0
    with reading_errors(path), opened(path) as file:
        for line in file:
            if line.strip():
                n_lines += 1
                _add(line, survey)
    rows = partial(_line_rows, path, target, paths)
    n_texts = None if any(None in each.steps for each in paths.texts) else n_lines * len(paths.texts)
    return Source(path, rows, (target,), n_texts, survey=survey)


def _add(content: bytes, survey: Survey) -> None:
    """Take note of a value, unless it cannot be read, which is told when its texts are."""
    try:
        value = read_json(content)
    except ValueError:
        return
    survey.add(value)


def _line_rows(path: Path, target: str, paths: _Paths) -> Iterator[Row]:
    with reading_errors(path), opened(path) as file:
        offset = 0
        for number, line in enumerate(file, start=1):
            place = f"{path}:{number}"
            text = decode(line, str(path), number, offset)
            mark = MARK if not offset and line.startswith(MARK.encode()) else ""
            offset += len(line)
            if isinstance(text, Problem):
                yield unreadable(place, text.message)
            elif not text.strip():
                yield plain(place, target, mark + text)
            else:
                stripped = text.rstrip("\r\n")
                yield _row(place, target, stripped, paths, mark, text[len(stripped) :] or "\n")


def _row(place: str, target: str, text: str, paths: _Paths, mark: str, line_end: str) -> Row:
    found = _read(place, text, paths)
    if isinstance(found, str):
        return unreadable(place, found)
    value, slots, documents = found
    return Row(place, partial(_line, target, value, slots, mark, line_end), tuple(documents))


def _read(place: str, text: str, paths: _Paths) -> tuple[Any, list[Slot], list[Document]] | str:
    """A value, and the places of its texts; or what is wrong with it."""
    try:
        value = read_json(text)
    except RepeatedKeyError as error:
        return str(error)
    except ValueError:
        return "not JSON that can be read; fix it"
    if not is_encodable(json.dumps(value, ensure_ascii=False)):
        return "has half of a character (a lone surrogate), which UTF-8 cannot encode; repair it"
    try:
        slots, documents = paths.of(value, place)
    except ValueError as error:
        return str(error)
    return value, slots, documents


def _line(target: str, value: Any, slots: Sequence[Slot], mark: str, line_end: str, results: Results) -> Written:
    _put(slots, results)
    return Written(target, mark + json.dumps(value, ensure_ascii=False) + line_end)


def json_file(path: Path, target: str, columns: Columns) -> Source:
    """A file that is one JSON value, which is held in memory; a text that cannot be de-identified becomes null.

    Args:
        path: the file.
        target: the file to write to.
        columns: paths into the value.

    Raises:
        InputError: a path is none.
    """
    paths = _Paths(columns)
    survey = Survey(str(path), paths.texts, paths.patient)
    with reading_errors(path), opened(path) as file:
        _add(file.read(), survey)
    return Source(path, partial(_file_rows, path, target, paths), survey=survey)


def _file_rows(path: Path, target: str, paths: _Paths) -> Iterator[Row]:
    with reading_errors(path), opened(path) as file:
        text = decode(file.read(), str(path))
    found = text.message if isinstance(text, Problem) else _read(str(path), text, paths)
    if isinstance(found, str):
        yield unreadable(str(path), found)
        return
    value, slots, documents = found
    yield Row(str(path), partial(_value, target, value, slots), tuple(documents), is_whole=False)


def _value(target: str, value: Any, slots: Sequence[Slot], results: Results) -> Written:
    _put(slots, results)
    return Written(target, json.dumps(value, ensure_ascii=False, indent=1) + "\n", is_added=False)


def _put(slots: Sequence[Slot], results: Results) -> None:
    for slot, made in zip(slots, results, strict=True):
        slot.put(None if made is None else made.text)
