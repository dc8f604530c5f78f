"""Tables with one document per row, or one entity, in CSV, TSV or Parquet.

There is a text column and, in any order, optional columns of ids, entities (a JSON list of start, end, label and
optionally score), groups and splits; a column named in the layout must exist. Other columns are skipped and counted.
A source is a file or a folder of files; names of folders or files may name the splits.
"""

from __future__ import annotations

import codecs
import csv
import importlib
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from deidsynth.config import TableLayout
from deidsynth.corpora.document_files import read_text, text_heads
from deidsynth.corpora.folders import documents_by_file, left_out, skip_outside_splits
from deidsynth.corpora.formats.column_roles import (
    ROLES,
    SAMPLE_ROWS,
    ColumnError,
    find_roles,
    report_unused,
    settle_ids,
)
from deidsynth.corpora.formats.entity_rows import PREFIX, Row, are_of_documents, by_document, find_parts
from deidsynth.corpora.opening import Allowance, opened, why_not
from deidsynth.corpora.output import refuse_surrogates
from deidsynth.corpora.records import ReadResult, Record
from deidsynth.corpora.span_lists import RowError, are_names, decoded, list_names, spans_of, split_of
from deidsynth.documents import Corpus, Document, Split
from deidsynth.errors import MissingExtraError, Problem, TooLargeError, UnrepresentableError
from deidsynth.files import whole_file

NAME = "table"
DELIMITERS = {".csv": ",;\t", ".tsv": "\t"}
PARQUET = ".parquet"
SUFFIXES = (*DELIMITERS, PARQUET)

_START = PREFIX + "start"
_HEAD = 1 << 16
_BATCH_ROWS = 256
_LONGEST_CELL = 2**31 - 1  # fits a C long on every platform
_OPTION = "--layout table.{role}=NAME"


@dataclass(slots=True)
class _Reading:
    """Where rows go, the names of documents if the ids of a guessed column are not unique, and rows of one entity."""

    layout: TableLayout
    result: ReadResult
    row_names: dict[int, str] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)


def sniff(path: Path) -> bool:
    """Whether the path looks like a table: a file with a header, or a folder of files with a text column."""
    if path.is_dir():
        return any(_has_text(file, TableLayout()) for file, _ in _files(path, TableLayout()))
    if path.suffix.lower() == ".csv":
        names, _ = header(head(path), ",;\t", TableLayout().text)
        return TableLayout().text in names or (len(set(names)) == len(names) > 1 and are_names(names))
    return _has_text(path, TableLayout())


def read_records(path: Path, layout: TableLayout) -> ReadResult:
    """Raw records and problems of a file or a folder; in Parquet, the line of a record is its row.

    Args:
        path: the file or folder.
        layout: which column contains what.

    Raises:
        MissingExtraError: reading Parquet needs pyarrow, which is not installed.
    """
    reading = _Reading(layout, ReadResult(NAME))
    skip_outside_splits(reading.result, path, SUFFIXES, NAME, lambda file: _has_text(file, layout))
    for file, split in _files(path, layout):
        if file.suffix.lower() == PARQUET:
            _read_parquet(file, split, reading)
        else:
            with long_cells():
                _read_csv(file, split, reading)
    settle_ids(reading.result, reading.row_names)
    return reading.result


def write(corpus: Corpus, path: Path, splits: Mapping[str, Split] | None, layout: TableLayout) -> Counter[str]:
    """Counts of what a table cannot store, after writing the corpus into a new file.

    Args:
        corpus: what to write.
        path: a name that ends in ``.csv``, ``.tsv`` or ``.parquet``.
        splits: split of every document id, or None; written as a column.
        layout: names of the columns.

    Raises:
        UnrepresentableError: any other name, two columns of the same name, a text with a NUL character (in CSV) or with
            a lone surrogate.
        MissingExtraError: writing Parquet needs pyarrow, which is not installed.
        StorageError: the disk is full or not writable.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UnrepresentableError(f"a table is one file; give a TARGET that ends in {', '.join(SUFFIXES)}")
    if len({getattr(layout, role) for role in ROLES}) < len(ROLES):
        raise UnrepresentableError("two columns of the table would have the same name; name them with --layout")
    refuse_surrogates(corpus)
    if suffix != PARQUET:
        _refuse_nul(corpus)
    parquet = pyarrow_for("writing Parquet") if suffix == PARQUET else None
    columns = _columns(corpus, splits, layout)
    with whole_file(path, private=corpus.origin == "real") as temporary:
        if parquet is not None:
            arrays = {name: parquet.array(values, parquet.string()) for name, values in columns.items()}
            parquet.parquet.write_table(parquet.table(arrays), temporary)
        else:
            with temporary.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, delimiter=DELIMITERS[suffix][0], quoting=csv.QUOTE_ALL, lineterminator="\n")
                writer.writerow(columns)
                writer.writerows(zip(*columns.values(), strict=True))
    return left_out(corpus, "provenance")


def _files(path: Path, layout: TableLayout) -> list[tuple[Path, Split | None]]:
    # What cannot be decoded is read, so that its fault is reported.
    found, n_others = documents_by_file(
        path, SUFFIXES, NAME, lambda file: _has_text(file, layout) or not _is_decodable(file)
    )
    # If no table has the column, each of them reports it.
    return documents_by_file(path, SUFFIXES, NAME, lambda _: True)[0] if n_others and not found else found


def _has_text(path: Path, layout: TableLayout) -> bool:
    suffix = path.suffix.lower()
    if suffix == PARQUET:
        return head(path).startswith(b"PAR1")
    return suffix in DELIMITERS and layout.text in header(head(path), DELIMITERS[suffix], layout.text)[0]


def _is_decodable(path: Path) -> bool:
    return path.suffix.lower() == PARQUET or next(text_heads(path), None) is not None


def head(path: Path) -> bytes:
    """The first bytes of a file; none if it cannot be opened."""
    with suppress(OSError), opened(path) as file:
        return file.read(_HEAD)
    return b""


def header(first: bytes, delimiters: str, text: str) -> tuple[list[str], str]:
    """The cells of the first row and its delimiter: the one that yields the text column, or else the most cells."""
    found: list[tuple[list[str], str]] = []
    for delimiter in delimiters:
        with suppress(UnicodeDecodeError, csv.Error, StopIteration):
            start = codecs.getincrementaldecoder("utf-8")().decode(first).removeprefix("\ufeff")
            names = next(csv.reader(io.StringIO(start, newline=""), delimiter=delimiter, strict=True))
            found.append((names, delimiter))
    return max(found, key=lambda each: (text in each[0], len(each[0])), default=([], delimiters[0]))


@contextmanager
def long_cells() -> Iterator[None]:
    """Allow cells as long as notes; the csv module has one limit per process."""
    before = csv.field_size_limit(_LONGEST_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _read_csv(path: Path, split: Split | None, reading: _Reading) -> None:
    result = reading.result
    content = read_text(path, result)
    if content is None:
        return
    first = content[:_HEAD].encode()
    delimiter = header(first, DELIMITERS.get(path.suffix.lower(), ",;\t"), reading.layout.text)[1]
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True)
    line, number = 1, 0
    try:
        names = next(reader, [])
        roles = _roles(names, _first_rows(content, delimiter), str(path), reading)
        line = reader.line_num + 1
        for cells in reader if roles else ():
            if cells:
                number += 1
                if len(cells) == len(names):
                    row = {role: cells[names.index(name)] for role, name in roles.items()}
                    _read_row(row, roles, number, path, line, split, reading)
                else:
                    message = f"the row has {len(cells)} cells and the header {len(names)}; quote the cells"
                    result.problems.append(Problem(str(path), message, line, "malformed"))
            line = reader.line_num + 1
        _read_entity_rows(roles, path, split, reading)
    except csv.Error:
        message = "not valid CSV from here on; close the quotes, and double those inside a cell"
        result.problems.append(Problem(str(path), message, line, "malformed"))


def _first_rows(content: str, delimiter: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    with suppress(csv.Error):  # reported when the table is read
        reader = csv.DictReader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True)
        for row in islice(reader, SAMPLE_ROWS):
            rows.append(dict(row))
    return rows


def _read_parquet(path: Path, split: Split | None, reading: _Reading) -> None:
    arrow = pyarrow_for("reading Parquet")
    try:
        with opened(path) as stream:
            file, allowance = arrow.parquet.ParquetFile(stream), Allowance(str(path))
            _require_room(file.metadata, allowance)
            first = next(file.iter_batches(batch_size=SAMPLE_ROWS), None)
            rows = [] if first is None else first.to_pylist()
            roles = _roles(file.schema_arrow.names, rows, str(path), reading)
            batches = file.iter_batches(batch_size=_BATCH_ROWS, columns=list(roles.values())) if roles else ()
            number = 0
            for batch in batches:
                allowance.take(batch.nbytes)
                for cells in batch.to_pylist():
                    number += 1
                    row = {role: cells[name] for role, name in roles.items()}
                    _read_row(row, roles, number, path, number, split, reading)
            _read_entity_rows(roles, path, split, reading)
    except TooLargeError as error:
        reading.result.problems.append(error.problem)
    except UnicodeDecodeError:
        message = "it has text that is not UTF-8, against the rules of Parquet; write the file again"
        reading.result.problems.append(Problem(str(path), message, code="encoding"))
    except (arrow.ArrowException, OSError) as error:
        is_ours = isinstance(error, OSError) and error.errno is not None
        message = why_not(error) if is_ours else f"unreadable Parquet ({type(error).__name__}); write the file again"
        reading.result.problems.append(Problem(str(path), message, code="malformed"))


def _require_room(metadata: Any, allowance: Allowance) -> None:
    """Refuse a file that states more bytes than may be unpacked."""
    allowance.require(sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups)))


def pyarrow_for(feature: str) -> Any:
    """The library.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        importlib.import_module("pyarrow.parquet")
        return importlib.import_module("pyarrow")
    except ImportError:
        raise MissingExtraError(feature, "tables") from None


def _roles(
    names: Sequence[str], first_rows: Sequence[Mapping[str, object]], path: str, reading: _Reading
) -> dict[str, str]:
    """The column of each role that exists; empty, with a problem, if the columns have a fault."""
    layout, result = reading.layout, reading.result
    try:
        if layout.text not in names:
            is_named = layout.text != TableLayout().text
            named = "change table.text" if is_named else "name the text column: --layout table.text=NAME"
            if "tokens" in names:
                named = "tokens with tags are read from JSON lines, or from a dataset with deidsynth.from_dataset"
            raise ColumnError(f"no column {layout.text!r}; {list_names(names)}; {named}")
        roles = find_roles(names, layout, lambda name: [row.get(name) for row in first_rows], _OPTION)
        twice = [role for role, name in roles.items() if names.count(name) > 1]
        if twice:
            named = "rename one, or name another with --layout"
            raise ColumnError(f"more than one column for {' and '.join(twice)}; {named}")
    except ColumnError as error:
        result.problems.append(Problem(path, str(error), 1, "columns"))
        return {}
    others = [name for name in names if name not in roles.values()]
    if "entities" not in roles and (parts := find_parts(others, first_rows)):
        roles |= parts
        others = [name for name in others if name not in parts.values()]
    report_unused(others, "entities" in roles or _START in roles, path, _OPTION, result)
    return roles


def _read_row(
    row: Mapping[str, Any],
    roles: Mapping[str, str],
    number: int,
    path: Path,
    line: int,
    split: Split | None,
    reading: _Reading,
) -> None:
    result = reading.result
    if _START in roles:
        reading.rows.append(Row(row, number, line))
        return
    faults: list[RowError] = []
    try:
        if not isinstance(row["text"], str):
            raise RowError("the text must be a string; fill in or remove the row")
        row_name = doc_id = f"{path.stem}-{number}"
        if "doc_id" in row:
            doc_id = "" if row["doc_id"] is None else str(row["doc_id"])
        placed = spans_of(decoded(row.get("entities")), row["text"], result.skipped, faults, line)
        group = None if row.get("group") in (None, "") else str(row["group"])
        split = split_of(row.get("split")) or split
    except RowError as error:
        result.problems.append(Problem(str(path), str(error), line, error.code))
        return
    result.problems += [Problem(str(path), str(each), line, each.code, of_entity=True) for each in faults]
    if roles.get("doc_id", reading.layout.doc_id) != reading.layout.doc_id:
        reading.row_names[len(result.records)] = row_name
    result.records.append(
        Record(
            doc_id,
            row["text"],
            placed.spans,
            str(path),
            line,
            group,
            split,
            holds_entities="entities" in roles,
            has_known_unit=placed.proven,
        )
    )


def _read_entity_rows(roles: Mapping[str, str], path: Path, split: Split | None, reading: _Reading) -> None:
    """Read the rows of a file with one entity per row, if it is one."""
    rows, reading.rows = reading.rows, []
    roles = {role: name for role, name in roles.items() if not role.startswith(PREFIX)}
    may_number = roles.get("doc_id", "").lower() == "id" != reading.layout.doc_id
    if may_number and not are_of_documents(rows, "doc_id"):
        del roles["doc_id"]
        reading.result.skipped["columns"] += 1
    of_documents = {**roles, "entities": ""}
    for row in by_document(rows, "doc_id" if "doc_id" in roles else None):
        cells = {role: row.cells[role] for role in of_documents}
        _read_row(cells, of_documents, row.number, path, row.line, split, reading)


def _refuse_nul(corpus: Corpus) -> None:
    for number, document in enumerate(corpus, start=1):
        labels = "".join(entity.label for entity in document.entities)
        if "\0" in f"{document.doc_id}{document.text}{document.group or ''}{labels}":
            raise UnrepresentableError(
                f"document number {number} has a NUL character, which CSV cannot store; write jsonl"
            )


def _columns(corpus: Corpus, splits: Mapping[str, Split] | None, layout: TableLayout) -> dict[str, list[str | None]]:
    columns: dict[str, list[str | None]] = {
        layout.doc_id: [document.doc_id for document in corpus],
        layout.text: [document.text for document in corpus],
        layout.entities: [_entity_list(document) for document in corpus],
    }
    if any(document.group is not None for document in corpus):
        columns[layout.group] = [document.group for document in corpus]
    if splits:
        columns[layout.split] = [splits[document.doc_id] for document in corpus]
    return columns


def _entity_list(document: Document) -> str:
    entities = (
        {"start": each.start, "end": each.end, "label": each.label}
        | ({} if each.score is None else {"score": each.score})
        for each in document.entities
    )
    return json.dumps(list(entities), ensure_ascii=False)
