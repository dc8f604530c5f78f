"""CSV and TSV, row by row: the named columns are de-identified, the others stay as they are."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from deidsynth.corpora.encodings import MARK, decode, is_utf_16
from deidsynth.corpora.formats.table import DELIMITERS, head, header, long_cells
from deidsynth.corpora.loading import reading_errors
from deidsynth.corpora.opening import opened
from deidsynth.corpora.records import is_encodable
from deidsynth.deidentification.inputs.columns import Columns, patient_of
from deidsynth.deidentification.inputs.rows import Results, Row, Source, Written, plain, unreadable
from deidsynth.documents import Document
from deidsynth.errors import InputError, Problem

_UTF_8 = "has bytes that are not UTF-8; fix the row"
_FROM_HERE = (
    "not valid CSV from here on: nothing more of the file is written; close the quotes, and double those inside"
)


@dataclass(frozen=True, slots=True)
class _Dialect:
    """How a table is written: delimiter, line end, whether all cells are quoted, and a byte order mark or nothing."""

    delimiter: str
    line_end: str
    quotes_all: bool
    mark: str

    @classmethod
    def of(cls, first: bytes, suffix: str, column: str) -> _Dialect:
        delimiter = header(first, DELIMITERS[suffix], column)[1]
        line = first.partition(b"\n")[0]
        mark = MARK if line.startswith(MARK.encode()) else ""
        quotes_all = line.decode("utf-8", "replace").removeprefix(mark).startswith('"')
        return cls(delimiter, "\r\n" if line.endswith(b"\r") else "\n", quotes_all, mark)

    def line(self, cells: Sequence[str]) -> str:
        """A row as it is written."""
        written = io.StringIO(newline="")
        # With both characters in the line end, a cell with either of them is quoted.
        writer = csv.writer(
            written,
            delimiter=self.delimiter,
            quoting=csv.QUOTE_ALL if self.quotes_all else csv.QUOTE_MINIMAL,
            lineterminator="\r\n",
        )
        writer.writerow(cells)
        return written.getvalue().removesuffix("\r\n") + self.line_end


def delimited(path: Path, target: str, columns: Columns) -> Source:
    """A table.

    Args:
        path: a file that ends in ``.csv`` or ``.tsv``.
        target: the file to write to.
        columns: which of them hold what.

    Raises:
        InputError: it cannot be read, is not UTF-8, or lacks a column.
    """
    with reading_errors(path), opened(path):
        first = head(path)
    text = decode(first, str(path)) if is_utf_16(first) else ""
    if isinstance(text, Problem):
        raise InputError(str(text))
    dialect = _Dialect.of(first, path.suffix.lower(), columns.texts[0])
    with _cells(path, dialect) as lines:
        names = next((cells for cells, _ in lines), [])
        kept = columns.kept(names, str(path))
        n_rows = sum(1 for cells, _ in lines if cells)
    rows = partial(_rows, path, target, columns, dialect, names)
    return Source(path, rows, (target,), n_rows * len(columns.texts), kept=kept)


@contextmanager
def _cells(path: Path, dialect: _Dialect) -> Iterator[Iterator[tuple[list[str], int]]]:
    """The rows of a file, each with its line; the last one is empty at line -N if the file is no CSV from line N on."""
    with reading_errors(path), opened(path) as raw, long_cells():
        text = io.TextIOWrapper(raw, encoding="utf-8", errors="surrogateescape", newline="")
        yield _numbered(text, dialect)


def _numbered(text: IO[str], dialect: _Dialect) -> Iterator[tuple[list[str], int]]:
    if text.read(len(MARK)) != MARK:
        text.seek(0)
    reader = csv.reader(text, delimiter=dialect.delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            yield cells, line
            line = reader.line_num + 1
    except csv.Error:
        yield [], -line


def _rows(path: Path, target: str, columns: Columns, dialect: _Dialect, names: Sequence[str]) -> Iterator[Row]:
    places = [names.index(name) for name in columns.texts]
    patient = None if columns.patient is None else names.index(columns.patient)
    with _cells(path, dialect) as lines:
        next(lines, None)
        yield plain(f"{path}:1", target, dialect.mark + dialect.line(names))
        for cells, line in lines:
            place = f"{path}:{abs(line)}"
            if line < 0:
                yield unreadable(place, _FROM_HERE)
            elif not cells:
                yield plain(place, target, dialect.line_end)
            elif len(cells) != len(names):
                message = f"the row has {len(cells)} cells and the header {len(names)}; quote the cells"
                yield unreadable(place, message)
            elif not all(map(is_encodable, cells)):
                yield unreadable(place, _UTF_8)
            else:
                group = None if patient is None else patient_of(cells[patient])
                documents = tuple(Document(place, cells[each], group=group) for each in places)
                yield Row(place, partial(_written, target, dialect, cells, places), documents)


def _written(target: str, dialect: _Dialect, cells: list[str], places: Sequence[int], results: Results) -> Written:
    new = list(cells)
    for place, made in zip(places, results, strict=True):
        assert made is not None  # a row of a table is whole
        new[place] = made.text
    return Written(target, dialect.line(new))
