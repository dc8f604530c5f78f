"""Values that are known of patients before their notes are read: names, numbers, and whatever else is stated."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from deidsynth.corpora.encodings import decode
from deidsynth.deidentification.words import forms_of
from deidsynth.documents import Entity
from deidsynth.errors import CorpusError, InputError, InvalidEntityError, Problem
from deidsynth.plain_data import RepeatedKeyError, read_json

FEWEST_CHARACTERS = 2
"""Letters of the shortest value that is sought."""
FEWEST_DIGITS = 4
"""Letters and digits of the shortest value with a digit that is sought."""
_COLUMNS = ("patient", "value", "label")
_DELIMITERS = ",;\t"
_LABEL_REMEDY = "the label must be one word, such as NAME"
_VALUE_REMEDY = "no value; write a name or a number, or leave the line out"
_SHORT_REMEDY = "the value is so short that it would be found everywhere; leave the line out"


@dataclass(frozen=True, slots=True, repr=False)
class KnownValue:
    """A value that is known of a patient.

    Args:
        text: as it is known.
        label: of the entities that its mentions are; None for one of the model's own by the kind of value.
    """

    text: str
    label: str | None = None


class KnownValues:
    """The values that are known of patients, and those that are sought in every document.

    Args:
        values: by patient; those of None are sought in every document.
    """

    def __init__(self, values: Mapping[str | None, Iterable[KnownValue]]) -> None:
        self._values = {patient: tuple(dict.fromkeys(some)) for patient, some in values.items()}

    def __repr__(self) -> str:
        return f"KnownValues(n_patients={len(self.patients)}, n_values={sum(map(len, self._values.values()))})"

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The values of a file.

        A file that ends in ``.jsonl`` has an object with ``patient``, ``value`` and optionally ``label`` on each line;
        any other is CSV with these names in its first line, separated by commas, semicolons or tabs. Without a
        patient, a value is sought in every document.

        Raises:
            InputError: the file cannot be read.
            CorpusError: lines of it are no values; each is named, and nothing of it is quoted.
        """
        path = Path(path)
        try:
            text = decode(path.read_bytes(), str(path))
        except OSError as error:
            raise InputError(
                f"{path}: cannot be read ({error.strerror}); give a CSV or JSONL file of known values"
            ) from None
        if isinstance(text, Problem):
            raise CorpusError([text])
        rows = _json_rows(text) if path.suffix.lower() == ".jsonl" else _csv_rows(text)
        values: dict[str | None, list[KnownValue]] = {}
        problems = list[Problem]()
        for line, row in rows:
            fault = row if isinstance(row, str) else _fault(row)
            if isinstance(row, str) or fault:
                problems.append(Problem(str(path), fault or "", line))
                continue
            patient = _text(row.get("patient")) or None
            values.setdefault(patient, []).append(KnownValue(_text(row["value"]), _text(row.get("label")) or None))
        if problems:
            raise CorpusError(problems)
        return cls(values)

    @property
    def patients(self) -> frozenset[str]:
        """The patients of whom something is known."""
        return frozenset(patient for patient in self._values if patient is not None)

    def of(self, patient: str | None) -> tuple[KnownValue, ...]:
        """The values of a patient, without those that are sought in every document; with None, these."""
        return self._values.get(patient, ())


def _csv_rows(text: str) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """The rows of a CSV file or what is wrong with them, each with its line."""
    head = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    names: list[str] = []
    try:
        names = [name.strip().casefold() for name in next(reader, [])]
        if "value" not in names or len(set(names)) < len(names):
            yield 1, "the first line must name the columns: patient, value and, if you like, label, each once"
            return
        line = reader.line_num + 1
        for row in reader:
            if len(row) > len(names):
                yield line, "more cells than columns; put cells that hold the separator in double quotes"
            elif any(cell.strip() for cell in row):
                yield line, dict(zip(names, row, strict=False))
            line = reader.line_num + 1
    except csv.Error:
        yield reader.line_num, "not CSV; check the double quotes of this line"


def _json_rows(text: str) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """The objects of a JSONL file or what is wrong with its lines, each with its line."""
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = read_json(line)
        except RepeatedKeyError:
            yield number, "a key occurs twice; keep one of them"
        except ValueError:
            yield number, "not JSON; write one object a line"
        else:
            yield number, row if isinstance(row, dict) else "not an object; write one with patient and value"


def _fault(row: Mapping[str, Any]) -> str | None:
    """What is wrong with a row; None if nothing is."""
    for name in _COLUMNS:
        value = row.get(name)
        if isinstance(value, bool) or not isinstance(value, str | int | None):
            return f"the {name} must be text"
    value, label = _text(row.get("value")), _text(row.get("label"))
    form = "".join(forms_of(value))
    if not form:
        return _VALUE_REMEDY
    if len(form) < (FEWEST_DIGITS if any(map(str.isdecimal, form)) else FEWEST_CHARACTERS):
        return _SHORT_REMEDY
    try:
        Entity(0, 1, label or "NAME")
    except InvalidEntityError:
        return _LABEL_REMEDY
    return None


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()
