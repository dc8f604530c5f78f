"""Parquet: the named columns are de-identified, the others stay as they are.

A Parquet file is written in one go, so the rows write their new texts to a file of lines first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from deidsynth.corpora.formats.table import pyarrow_for
from deidsynth.corpora.loading import reading_errors
from deidsynth.corpora.opening import opened
from deidsynth.deidentification.inputs.columns import Columns, patient_of
from deidsynth.deidentification.inputs.rows import Results, Row, Source, Written, unreadable
from deidsynth.documents import Document
from deidsynth.errors import InputError

_BATCH_ROWS = 256


def parquet(path: Path, target: str, columns: Columns) -> Source:
    """A table.

    Args:
        path: the file.
        target: the file to write to.
        columns: which of them hold what.

    Raises:
        InputError: it cannot be read, lacks a column, or has something else than text in it.
        MissingExtraError: pyarrow is not installed.
    """
    arrow = pyarrow_for("reading Parquet")
    with reading_errors(path), opened(path) as stream:
        try:
            file = arrow.parquet.ParquetFile(stream)
        except arrow.ArrowException as error:
            raise InputError(f"{path}: unreadable Parquet ({type(error).__name__}); write the file again") from None
        schema, n_rows = file.schema_arrow, file.metadata.num_rows
    kept = columns.kept(schema.names, str(path))
    for name in columns.texts:
        if not _is_text(arrow, schema.field(name).type):
            raise InputError(f"{path}: the column {name!r} does not hold text; fix --column")
    rows, finish = partial(_rows, path, target, columns), partial(_finish, path, columns)
    return Source(path, rows, (target,), n_rows * len(columns.texts), finish, kept)


def _is_text(arrow: Any, kind: Any) -> bool:
    return any(getattr(arrow.types, f"is_{name}")(kind) for name in ("string", "large_string", "string_view"))


def _rows(path: Path, target: str, columns: Columns) -> Iterator[Row]:
    wanted = [*columns.texts, *([columns.patient] if columns.patient is not None else [])]
    number = 0
    arrow = pyarrow_for("reading Parquet")
    with reading_errors(path), opened(path) as stream:
        for batch in arrow.parquet.ParquetFile(stream).iter_batches(batch_size=_BATCH_ROWS, columns=wanted):
            cells = [batch.column(batch.schema.get_field_index(name)) for name in wanted]
            for index in range(batch.num_rows):
                number += 1
                yield _row(f"{path}: row {number}", target, columns, [column[index] for column in cells])


def _row(place: str, target: str, columns: Columns, scalars: list[Any]) -> Row:
    try:
        cells = [scalar.as_py() for scalar in scalars]
    except UnicodeDecodeError:
        return unreadable(place, "has text that is not UTF-8, against the rules of Parquet; write the file again")
    texts = cells[: len(columns.texts)]
    try:
        group = None if columns.patient is None else patient_of(cells[-1])
    except ValueError as error:
        return unreadable(place, str(error))
    documents = tuple(Document(place, text, group=group) for text in texts if text is not None)
    number = int(place.rpartition(" ")[2])
    return Row(place, partial(_written, target, number, texts), documents)


def _written(target: str, number: int, texts: list[str | None], results: Results) -> Written:
    made = iter(results)
    new = [None if text is None else getattr(next(made), "text", None) for text in texts]
    return Written(target, json.dumps([number, new]) + "\n")


def _finish(path: Path, columns: Columns, lines: Path, output: Path) -> None:
    """Write the table: the rows that have a line, with the texts of that line, in the row groups of the original."""
    arrow = pyarrow_for("writing Parquet")
    with reading_errors(path), opened(path) as stream, lines.open(encoding="ascii") as written:
        file = arrow.parquet.ParquetFile(stream)
        with arrow.parquet.ParquetWriter(output, file.schema_arrow, compression=_compression(arrow, file)) as writer:
            line, number = _next(written), 0
            for group in range(file.num_row_groups):
                chosen = list[Any]()
                for batch in file.iter_batches(batch_size=_BATCH_ROWS, row_groups=[group]):
                    indices, texts = [], []
                    for index in range(batch.num_rows):
                        number += 1
                        if line is not None and line[0] == number:
                            indices.append(index)
                            texts.append(line[1])
                            line = _next(written)
                    chosen.append(_with_texts(arrow, batch.take(arrow.array(indices, arrow.int64())), columns, texts))
                table = arrow.Table.from_batches(chosen, file.schema_arrow)
                writer.write_table(table, row_group_size=max(1, table.num_rows))


def _with_texts(arrow: Any, batch: Any, columns: Columns, texts: list[list[str | None]]) -> Any:
    """Some rows with new texts."""
    for place, name in enumerate(columns.texts):
        at = batch.schema.get_field_index(name)
        field = batch.schema.field(at)
        batch = batch.set_column(at, field, arrow.array([each[place] for each in texts], field.type))
    return batch


def _compression(arrow: Any, file: Any) -> str | dict[str, str]:
    """How the columns of a file are compressed, where that can be written; ``NONE`` for those that are not.

    One name if all are compressed alike: nested columns may have other paths in the file that is written.
    """
    if not file.num_row_groups:
        return {}
    first = file.metadata.row_group(0)
    codecs = {each.path_in_schema: each.compression for each in map(first.column, range(first.num_columns))}
    names = {name: "NONE" if codec == "UNCOMPRESSED" else codec.removesuffix("_RAW") for name, codec in codecs.items()}
    known = {name: codec for name, codec in names.items() if codec == "NONE" or arrow.Codec.is_available(codec.lower())}
    alike = set(known.values())
    return alike.pop() if len(known) == len(names) and len(alike) == 1 else known


def _next(lines: Any) -> tuple[int, list[str | None]] | None:
    line = lines.readline()
    return tuple(json.loads(line)) if line else None
