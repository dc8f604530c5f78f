"""Corpora from and to data sets of the library ``datasets``, which only writing needs.

Two shapes are read: a text with a list of entities (in a column of another common name as well, such as ``spans``, or
``label`` as doccano exports), and tokens with tags, where the text is the tokens with one blank between them.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from itertools import accumulate, chain, islice
from typing import Any

from deidsynth.config import TableLayout
from deidsynth.corpora.folders import by_part, parts_of
from deidsynth.corpora.formats.column_roles import SAMPLE_ROWS, ColumnError, find_roles, settle_ids, tell_others
from deidsynth.corpora.loading import LoadedCorpus
from deidsynth.corpora.output import refuse_surrogates
from deidsynth.corpora.records import (
    PART_NAMES,
    PARTS,
    Part,
    RawSpan,
    ReadResult,
    Record,
    build_corpus,
    check_records,
)
from deidsynth.corpora.span_lists import RowError, decoded, list_names, part_of, spans_of
from deidsynth.documents import Corpus, Document, Origin
from deidsynth.errors import CorpusError, MissingExtraError, Problem, UnrepresentableError
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
) -> Corpus:
    """The corpus of a data set, clean, its documents in the splits that it names.

    What is passed over is told as a warning.

    Args:
        dataset: a ``Dataset``, a ``DatasetDict`` whose keys name the splits, or any sequence of rows that are mappings.
        layout: which columns hold what; without a column of ids, a document is named after its row.
        tokens: column of the tokens, where there is no column of texts with entities.
        tags: column of their tags (IOB, IOB2, BIOES or BILOU), strings or the numbers of a ``ClassLabel``.
        language: ISO 639-1 code.
        origin: where the text comes from; by default ``real``.

    Raises:
        CorpusError: faults (all are listed, with the number of the row), or no rows.
    """
    loaded = read_dataset(dataset, layout=layout, tokens=tokens, tags=tags, language=language, origin=origin)
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
) -> LoadedCorpus:
    """The corpus of a data set with its parts, and what was passed over; see ``from_dataset``."""
    chosen, result = layout or TableLayout(), ReadResult(NAME)
    row_names: dict[int, str] = {}
    for name, rows, part in _splits(dataset, result):
        _Rows(name, part, chosen, tokens, tags, result, row_names).read(rows)
    settle_ids(result, row_names)
    # A record stands for its row until here, so that every fault names the row.
    found = [*result.problems, *check_records(result.records)]
    result.problems = [Problem(NAME, f"{each.path}: {each.message}", None, each.code, each.fatal) for each in found]
    if not result.records and not result.problems:
        raise CorpusError(f"{NAME}: no documents found; give a data set that has rows")
    corpus = build_corpus(result, origin=origin, language=language)
    parts = {record.doc_id: record.split for record in result.records if record.split is not None}
    return LoadedCorpus(corpus, parts, result.skipped, NAME, tuple(result.problems))


def to_dataset(corpus: Corpus, parts: Mapping[str, Part] | None = None) -> Any:
    """A ``Dataset`` with columns doc_id, text, entities and group, or where there are parts a ``DatasetDict``.

    Args:
        corpus: what to convert.
        parts: part of every document id; by default the splits of the documents, where they name several.

    Raises:
        MissingExtraError: the library is not installed.
        UnrepresentableError: a document is in no part, or a text has a lone surrogate.
    """
    parts = parts_of(corpus) if parts is None else parts
    library = _datasets()
    refuse_surrogates(corpus)
    homeless = sum(document.doc_id not in parts for document in corpus) if parts else 0
    if homeless:
        raise UnrepresentableError(
            f"{homeless} of {len(corpus)} documents are in no part; give every document one of {', '.join(PARTS)}"
        )
    text, number = library.Value("string"), library.Value("int64")
    entity = {"start": number, "end": number, "label": text, "score": library.Value("float64")}
    features = library.Features({"doc_id": text, "text": text, "entities": [entity], "group": text})
    made = {
        part: library.Dataset.from_list([_row(document) for document in documents], features=features)
        for part, documents in by_part(corpus, parts).items()
    }
    return library.DatasetDict(made) if parts else made[None]


def _datasets() -> Any:
    try:
        return importlib.import_module("datasets")
    except ImportError:
        raise MissingExtraError("making a data set", "datasets") from None


def _row(document: Document) -> dict[str, Any]:
    entities = [
        {"start": each.start, "end": each.end, "label": each.label, "score": each.score} for each in document.entities
    ]
    return {"doc_id": document.doc_id, "text": document.text, "entities": entities, "group": document.group}


def _splits(dataset: Any, result: ReadResult) -> list[tuple[str, Any, Part | None]]:
    """Name, rows and part of every split; where some are parts, only these."""
    if not isinstance(dataset, Mapping):
        return [("", dataset, None)]
    splits = [(str(name), rows, PART_NAMES.get(str(name).lower())) for name, rows in dataset.items()]
    named = [each for each in splits if each[2] is not None]
    if named and len(named) < len(splits):
        result.skipped["splits_outside_parts"] += len(splits) - len(named)
    return named or splits


class _Rows:
    """Reads the rows of one split into a result."""

    def __init__(
        self,
        split: str,
        part: Part | None,
        layout: TableLayout,
        tokens: str,
        tags: str,
        result: ReadResult,
        row_names: dict[int, str],
    ) -> None:
        self.split, self.part, self.layout, self.result = split, part, layout, result
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
            place = f"row {number} of {self.split}" if self.split else f"row {number}"
            if not isinstance(row, Mapping):
                message = "a row must map names of columns to values; give a Dataset or a list of dicts"
                self.result.problems.append(Problem(place, message, code="malformed"))
                return
            if number == 1 and not self._choose_columns(first, getattr(rows, "features", None) or {}, place):
                return
            try:
                self.result.records.append(self._record(row, number, place))
            except RowError as error:
                self.result.problems.append(Problem(place, str(error), code="malformed"))

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
        tell_others(others, self.from_tokens or found is not None, place, _OPTION, self.result)
        self.names = _class_names(features.get(self.tags if self.from_tokens else found or ""))
        return True

    def _record(self, row: Mapping[str, Any], number: int, place: str) -> Record:
        layout = self.layout
        text, spans = self._of_tokens(row) if self.from_tokens else self._of_spans(row)
        row_name = doc_id = f"{self.split}-{number}" if self.split else str(number)
        column = self.roles.get("doc_id")
        if column is not None and column in row:
            doc_id = "" if row[column] is None else str(row[column])
            if column != layout.doc_id:
                self.row_names[len(self.result.records)] = row_name
        group = None if row.get(layout.group) in (None, "") else str(row[layout.group])
        split = part_of(row.get(layout.split)) or self.part
        return Record(doc_id, text, spans, place, None, group, split)

    def _of_spans(self, row: Mapping[str, Any]) -> tuple[str, tuple[RawSpan, ...]]:
        text = row.get(self.layout.text)
        if not isinstance(text, str):
            raise RowError("the text must be a string; fill in or remove the row")
        cell = row.get(self.roles["entities"]) if "entities" in self.roles else None
        return text, spans_of(decoded(cell), self.result.skipped, names=self.names)

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
                raise RowError("the tags are numbers without names; cast the column to a sequence of ClassLabel")
            if not 0 <= tag < len(self.names):
                raise RowError(f"tag {tag} is none of the {len(self.names)} that the ClassLabel names")
            tag = self.names[tag]
        if not isinstance(tag, str) or not is_tag(tag, prefixed=True):
            raise RowError("a tag must be O, or a label after a prefix, as in B-NAME and I-NAME")
        return tag


def _class_names(feature: Any) -> Sequence[str] | None:
    """The names of the class label inside of a feature, however the library nests it."""
    while feature is not None and not hasattr(feature, "names"):
        if isinstance(feature, Mapping):
            feature = feature.get("label")
        elif isinstance(feature, list | tuple):
            feature = feature[0] if feature else None
        else:
            feature = getattr(feature, "feature", None)
    names: Sequence[str] | None = None if feature is None else feature.names
    return names
