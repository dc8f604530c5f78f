"""Corpora from and to datasets of the ``datasets`` library, which only writing needs.

Two shapes are read: texts with lists of entities (also in a column with another common name, such as ``spans`` or
doccano's ``label``), and tokens with tags, where the text is the tokens joined by blanks.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, chain, islice
from typing import Any

from deidsynth.config import TableLayout
from deidsynth.corpora.folders import by_split, refuse_unassigned, splits_of
from deidsynth.corpora.formats.column_roles import SAMPLE_ROWS, ColumnError, find_roles, report_unused, settle_ids
from deidsynth.corpora.invalid_entities import leave_out_invalid
from deidsynth.corpora.loading import LoadedCorpus
from deidsynth.corpora.offset_units import settle_units
from deidsynth.corpora.output import refuse_surrogates
from deidsynth.corpora.records import (
    SPLIT_NAMES,
    RawSpan,
    ReadResult,
    Record,
    build_corpus,
    check_records,
    settle_texts,
)
from deidsynth.corpora.span_lists import RowError, decoded, list_names, spans_of, split_of
from deidsynth.corpora.stated_texts import Placed
from deidsynth.documents import Corpus, Document, Origin, Split
from deidsynth.errors import CorpusError, MissingExtraError, Problem
from deidsynth.tagging import is_tag, spans_of_tags

NAME = "dataset"

_OPTION = "layout=TableLayout({role}=NAME)"


def from_dataset(
    dataset: Any,
    *,
    layout: TableLayout | None = None,
    tokens: str = "tokens",
    tags: str = "ner_tags",
    language: str | None = None,
    origin: Origin | None = None,
    skip_invalid: bool = False,
) -> Corpus:
    """The checked corpus of a dataset; its documents have the splits that it names.

    Skipped content is reported as a Python warning.

    Args:
        dataset: a ``Dataset``, a ``DatasetDict`` whose keys name the splits, or any sequence of mappings.
        layout: which column contains what; without an id column, documents are named after their rows.
        tokens: column of the tokens, if there is no text column with entities.
        tags: column of their tags (IOB, IOB2, BIOES or BILOU), as strings or as integers of a ``ClassLabel``.
        language: ISO 639-1 code.
        origin: where the text comes from; by default ``real``.
        skip_invalid: leave out entities that have a fault; they are counted and listed in the warnings.

    Raises:
        CorpusError: faults (all are listed, with row numbers), or no rows.
    """
    loaded = read_dataset(
        dataset,
        layout=layout,
        tokens=tokens,
        tags=tags,
        language=language,
        origin=origin,
        skip_invalid=skip_invalid,
    )
    loaded.warn(NAME)
    return loaded.with_splits()


def read_dataset(
    dataset: Any,
    *,
    layout: TableLayout | None = None,
    tokens: str = "tokens",
    tags: str = "ner_tags",
    language: str | None = None,
    origin: Origin | None = None,
    skip_invalid: bool = False,
) -> LoadedCorpus:
    """The corpus of a dataset with its splits, skipped content and warnings; see ``from_dataset``."""
    chosen, result = layout or TableLayout(), ReadResult(NAME)
    row_names: dict[int, str] = {}
    for name, rows, split in _splits(dataset, result):
        _Rows(name, split, chosen, tokens, tags, result, row_names).read(rows)
    settle_ids(result, row_names)
    if skip_invalid:
        leave_out_invalid(result)
    # Up to here a record is a row, so that every fault names its row.
    settle_texts(result)
    settle_units(result)
    found = [*result.problems, *check_records(result.records)]
    result.problems = [replace(each, path=NAME, message=f"{each.path}: {each.message}", line=None) for each in found]
    if not result.records and not result.problems:
        raise CorpusError(f"{NAME}: no documents found; give a dataset that has rows")
    corpus = build_corpus(result, origin=origin, language=language)
    splits = {record.doc_id: record.split for record in result.records if record.split is not None}
    return LoadedCorpus(corpus, splits, result.skipped, NAME, tuple(result.problems))


def to_dataset(corpus: Corpus, splits: Mapping[str, Split] | None = None) -> Any:
    """A ``Dataset`` with columns doc_id, text, entities and group, or a ``DatasetDict`` if there are splits.

    Args:
        corpus: what to convert.
        splits: split of every document id; by default those of the documents, if there are several.

    Raises:
        MissingExtraError: the library is not installed.
        UnrepresentableError: a document has no split, or a text has a lone surrogate.
    """
    splits = splits_of(corpus) if splits is None else splits
    library = _datasets()
    refuse_surrogates(corpus)
    refuse_unassigned(corpus.doc_ids, splits)
    text, number = library.Value("string"), library.Value("int64")
    entity = {"start": number, "end": number, "label": text, "score": library.Value("float64")}
    features = library.Features({"doc_id": text, "text": text, "entities": [entity], "group": text})
    made = {
        split: library.Dataset.from_list([_row(document) for document in documents], features=features)
        for split, documents in by_split(corpus, splits).items()
    }
    return library.DatasetDict(made) if splits else made[None]


def _datasets() -> Any:
    try:
        return importlib.import_module("datasets")
    except ImportError:
        raise MissingExtraError("making a dataset", "datasets") from None


def _row(document: Document) -> dict[str, Any]:
    entities = [
        {"start": each.start, "end": each.end, "label": each.label, "score": each.score} for each in document.entities
    ]
    return {"doc_id": document.doc_id, "text": document.text, "entities": entities, "group": document.group}


def _splits(dataset: Any, result: ReadResult) -> list[tuple[str, Any, Split | None]]:
    """Name, rows and split of every entry; where some are named like a split, only these."""
    if not isinstance(dataset, Mapping):
        return [("", dataset, None)]
    entries = [(str(name), rows, SPLIT_NAMES.get(str(name).lower())) for name, rows in dataset.items()]
    named = [each for each in entries if each[2] is not None]
    if named and len(named) < len(entries):
        result.skipped["entries_outside_splits"] += len(entries) - len(named)
    return named or entries


class _Rows:
    """Reads the rows of one entry of a dataset into a result."""

    def __init__(
        self,
        name: str,
        split: Split | None,
        layout: TableLayout,
        tokens: str,
        tags: str,
        result: ReadResult,
        row_names: dict[int, str],
    ) -> None:
        self.name, self.split, self.layout, self.result = name, split, layout, result
        self.tokens, self.tags = tokens, tags
        self.row_names = row_names
        self.roles: dict[str, str] = {}
        self.names: Sequence[str] | None = None
        self.from_tokens = False

    def read(self, rows: Any) -> None:
        """Add the records of all rows, or their problems."""
        remaining = iter(rows)
        first = list(islice(remaining, SAMPLE_ROWS))
        for number, row in enumerate(chain(first, remaining), start=1):
            place = f"row {number} of {self.name}" if self.name else f"row {number}"
            if not isinstance(row, Mapping):
                message = "a row must map column names to values; give a Dataset or a list of dicts"
                self.result.problems.append(Problem(place, message, code="malformed"))
                return
            if number == 1 and not self._choose_columns(first, getattr(rows, "features", None) or {}, place):
                return
            try:
                self.result.records.append(self._record(row, number, place))
            except RowError as error:
                self.result.problems.append(Problem(place, str(error), code=error.code))

    def _choose_columns(self, first: Sequence[Any], features: Mapping[str, Any], place: str) -> bool:
        layout, names = self.layout, list(first[0])
        rows = [row for row in first if isinstance(row, Mapping)]
        has_tokens = self.tokens in names and self.tags in names
        try:
            if layout.text not in names and not has_tokens:
                raise ColumnError(
                    f"no column {layout.text!r}, nor {self.tokens!r} with {self.tags!r}; {list_names(names)}; name "
                    "them with layout, or with tokens and tags"
                )
            self.roles = find_roles(names, layout, lambda name: [row.get(name) for row in rows], _OPTION)
        except ColumnError as error:
            self.result.problems.append(Problem(place, str(error), code="columns"))
            return False
        found = self.roles.get("entities")
        self.from_tokens = has_tokens and (layout.text not in names or found != layout.entities)
        if self.from_tokens:
            self.roles = {role: name for role, name in self.roles.items() if role not in ("text", "entities")}
        used = {*self.roles.values(), *((self.tokens, self.tags) if self.from_tokens else ())}
        others = [name for name in names if name not in used]
        report_unused(others, self.from_tokens or found is not None, place, _OPTION, self.result)
        self.names = _class_names(features.get(self.tags if self.from_tokens else found or ""))
        return True

    def _record(self, row: Mapping[str, Any], number: int, place: str) -> Record:
        layout = self.layout
        if self.from_tokens:
            text, spans = self._of_tokens(row)
            has_known_unit = True
        else:
            text, placed = self._of_spans(row, place)
            spans, has_known_unit = placed.spans, placed.proven
        row_name = doc_id = f"{self.name}-{number}" if self.name else str(number)
        column = self.roles.get("doc_id")
        if column is not None and column in row:
            doc_id = "" if row[column] is None else str(row[column])
            if column != layout.doc_id:
                self.row_names[len(self.result.records)] = row_name
        group = None if row.get(layout.group) in (None, "") else str(row[layout.group])
        split = split_of(row.get(layout.split)) or self.split
        return Record(doc_id, text, spans, place, None, group, split, has_known_unit=has_known_unit)

    def _of_spans(self, row: Mapping[str, Any], place: str) -> tuple[str, Placed]:
        text = row.get(self.layout.text)
        if not isinstance(text, str):
            raise RowError("the text must be a string; fill in or remove the row")
        cell = row.get(self.roles["entities"]) if "entities" in self.roles else None
        faults: list[RowError] = []
        placed = spans_of(decoded(cell), text, self.result.skipped, faults, names=self.names)
        self.result.problems += [Problem(place, str(each), code=each.code, of_entity=True) for each in faults]
        return text, placed

    def _of_tokens(self, row: Mapping[str, Any]) -> tuple[str, tuple[RawSpan, ...]]:
        tokens, tags = row.get(self.tokens), row.get(self.tags)
        if not isinstance(tokens, list | tuple) or not all(isinstance(token, str) for token in tokens):
            raise RowError("the tokens must be a list of strings")
        if not isinstance(tags, list | tuple) or len(tags) != len(tokens):
            raise RowError(f"there must be one tag for each of the {len(tokens)} tokens")
        written = [self._tag(tag) for tag in tags]
        ends = list(accumulate(len(token) + 1 for token in tokens))
        spans = (
            RawSpan(ends[first] - len(tokens[first]) - 1, ends[last - 1] - 1, label)
            for first, last, label in spans_of_tags(written, prefixed=True)
        )
        return " ".join(tokens), tuple(spans)

    def _tag(self, tag: object) -> str:
        if type(tag) is int:
            if not self.names:
                raise RowError("the tags are integers without names; cast the column to a sequence of ClassLabel")
            if not 0 <= tag < len(self.names):
                raise RowError(f"tag {tag} is not among the {len(self.names)} names of the ClassLabel")
            tag = self.names[tag]
        if not isinstance(tag, str) or not is_tag(tag, prefixed=True):
            raise RowError("a tag must be O, or a label after a prefix, as in B-NAME and I-NAME")
        return tag


def _class_names(feature: Any) -> Sequence[str] | None:
    """The names of the class label inside a feature, at any nesting depth."""
    while feature is not None and not hasattr(feature, "names"):
        if isinstance(feature, Mapping):
            feature = feature.get("label")
        elif isinstance(feature, list | tuple):
            feature = feature[0] if feature else None
        else:
            feature = getattr(feature, "feature", None)
    names: Sequence[str] | None = None if feature is None else feature.names
    return names
