"""What readers return: raw records and problems. A ``Corpus`` is built only from records without faults.

A record may contain anything a file can: out-of-bounds offsets, overlapping entities, an empty id.
``check_records`` finds these faults for every format; a reader reports only what is specific to its format.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar, get_args

from deidsynth.config import LayoutConfig
from deidsynth.corpora.encodings import MARK, decode
from deidsynth.corpora.opening import opened, why_not
from deidsynth.documents import Annotation, Corpus, Document, Entity, Origin, Split
from deidsynth.errors import CorpusError, Problem

Discontinuous = Literal["refuse", "join"]

ORIGINS: tuple[Origin, ...] = get_args(Origin)
ANNOTATIONS: tuple[Annotation, ...] = get_args(Annotation)

SPLIT_NAMES: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "dev": "validation",
    "devel": "validation",
    "development": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}


Choice = TypeVar("Choice", bound=str)

_RENAME = (
    "rename the label: deidsynth corpus map SOURCE TARGET --mapping FILE, where FILE has a line "
    "labels: {OLD LABEL: NEW_LABEL}"
)


class RawSpan(NamedTuple):
    """A labeled span as a file states it, unchecked.

    Args:
        start: first code point, zero-based.
        end: one past the last code point.
        label: as written.
        score: confidence, if the file has one.
        line: one-based line in the file that states the span, if it has lines.
        name: what the file calls the annotation, such as ``xmi:id 12``, if it has no lines.
    """

    start: int
    end: int
    label: str
    score: float | None = None
    line: int | None = None
    name: str | None = None

    @property
    def place(self) -> str:
        """The offsets and the name of the entity, for messages."""
        return f"entity {self.start}:{self.end}" + (f" ({self.name})" if self.name else "")


@dataclass(frozen=True, slots=True, repr=False)
class Record:
    """One document as a source states it, unchecked.

    Args:
        doc_id: as the source names it.
        text: the exact text.
        spans: in the order of the source.
        path: the file that states the spans, as the user would type it.
        line: one-based line of the record, if the file contains many records.
        group: of the document, if the source states one.
        split: of the document, if the source states one.
        origin: where the text comes from, if the source states it.
        annotation: who annotated, if the source states it.
        text_path: the file that contains only the text, if it is not ``path``.
        language: code of the text's language, if the source says.
        holds_entities: whether the source has a place for entities, such as a column.
        has_known_unit: whether offsets are known to count code points: the format says so, or stated texts prove it.
    """

    doc_id: str
    text: str
    spans: tuple[RawSpan, ...]
    path: str
    line: int | None = None
    group: str | None = None
    split: Split | None = None
    origin: Origin | None = None
    annotation: Annotation | None = None
    text_path: str | None = None
    language: str | None = None
    holds_entities: bool = True
    has_known_unit: bool = True

    def __repr__(self) -> str:
        return f"Record(path={self.path!r}, line={self.line}, n_chars={len(self.text)}, n_spans={len(self.spans)})"


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Options for what a format leaves open.

    Args:
        discontinuous: ``join`` takes the span that covers all fragments of an entity; ``refuse`` reports a problem.
        layout: columns, tables, inline styles.
        texts: the exact text of documents by id, for annotations that are stored without text.
        texts_only: whether only texts are wanted, so that a document needs neither an id nor entities.
    """

    discontinuous: Discontinuous = "refuse"
    layout: LayoutConfig = field(default_factory=LayoutConfig)
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)
    texts_only: bool = False


@dataclass(slots=True, repr=False)
class ReadResult:
    """The result of reading a source.

    Args:
        format: name of the format.
        records: documents, with or without faults.
        problems: every fault found.
        skipped: how much of the source was left out, such as ``{"relations": 3}``.
        dropped: entities whose label a mapping drops, by that label.
    """

    format: str
    records: list[Record] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)

    def files(self) -> set[str]:
        """The files that records and problems come from."""
        found = {problem.path for problem in self.problems}
        return found.union(*({each.path, each.text_path or each.path} for each in self.records))

    def __repr__(self) -> str:
        return (
            f"ReadResult(format={self.format!r}, n_records={len(self.records)}, "
            f"n_problems={len(self.problems)}, skipped={dict(self.skipped)})"
        )


def read_bytes(path: Path) -> bytes | Problem:
    """The bytes of a file, or the problem that says why it cannot be read."""
    try:
        with opened(path) as file:
            return file.read()
    except OSError as error:
        return unreadable(path, error)


def unreadable(path: Path, error: OSError) -> Problem:
    """The problem of a file that cannot be read."""
    return Problem(str(path), why_not(error), code="unreadable")


def read_exactly(path: Path) -> str | Problem:
    """The text of a UTF-8 file without a byte order mark, or the problem that says why it cannot be had."""
    data = read_bytes(path)
    return data if isinstance(data, Problem) else decode(data, str(path))


def settle_texts(result: ReadResult) -> None:
    """Drop an initial byte order mark, which is no text, with its offset, and report texts that are none.

    What a model sampled stays as it is: it may hold any character.

    Args:
        result: its records are replaced, its problems extended.
    """
    for number, record in enumerate(result.records):
        if record.origin == "synthetic":
            continue
        if record.text.startswith(MARK):
            result.records[number] = _without_mark(record)
        problem = nul_problem(record.text, record.text_path or record.path, record.line)
        if problem is not None:
            result.problems.append(problem)


def drop_versions(result: ReadResult) -> None:
    """Leave out, and count, documents that are in a folder in two forms of one format, such as ``.xmi`` and ``.json``.

    Args:
        result: gets the records of one form; documents that differ remain, so that the second is a duplicate.
    """
    first: dict[str, Record] = {}
    kept = [record for record in result.records if not _is_version(record, first.setdefault(record.doc_id, record))]
    if len(kept) < len(result.records):
        result.skipped["documents_in_a_second_form"] += len(result.records) - len(kept)
    result.records = kept


def _is_version(record: Record, other: Record) -> bool:
    """Whether two records are one document that is in files with different suffixes."""
    if record is other or Path(record.path).suffix == Path(other.path).suffix:
        return False
    return (record.text, record.split, _keys(record)) == (other.text, other.split, _keys(other))


def _keys(record: Record) -> list[tuple[int, int, str]]:
    return sorted(span[:3] for span in record.spans)


def nul_problem(text: str, path: str, line: int | None = None) -> Problem | None:
    """The problem of a text with a NUL character."""
    count = text.count("\0")
    if not count:
        return None
    times = f"{count} time{'' if count == 1 else 's'}"
    message = (
        f"the text has a NUL character ({times}), so it is no text, or UTF-16 that was read as UTF-8; convert the file "
        "to UTF-8 (iconv -f utf-16le -t utf-8 OLD > NEW), or leave it out"
    )
    return Problem(path, message, line, "nul")


def _without_mark(record: Record) -> Record:
    text = record.text.lstrip(MARK)
    shift = len(record.text) - len(text)
    # An entity that is out of bounds stays so.
    spans = (
        span._replace(start=max(span.start - shift, min(span.start, 0)), end=span.end - shift) for span in record.spans
    )
    return replace(record, text=text, spans=tuple(spans))


def one_of(value: object, choices: tuple[Choice, ...]) -> Choice | None:
    """The choice that equals the value, or None for None.

    Raises:
        ValueError: the value is none of them.
    """
    if value is None:
        return None
    for choice in choices:
        if value == choice:
            return choice
    raise ValueError(f"expected one of {', '.join(choices)}")


def repeated_ids(ids: Iterable[tuple[object, int | None]], path: str) -> list[Problem]:
    """A warning for every entity id that reappears in its document: other tools cannot tell the two entities apart.

    Args:
        ids: of the entities (None if it has none), each with its line.
        path: the file that states them.
    """
    problems = []
    first_line: dict[object, int | None] = {}
    for entity_id, line in ids:
        if entity_id is None:
            continue
        if entity_id in first_line:
            before = first_line[entity_id]
            place = "" if before in (None, line) else f", first seen on line {before}"
            message = f"duplicate entity id{place}; give each entity of a document its own id"
            problems.append(Problem(path, message, line, "duplicate-entity-id", fatal=False))
        else:
            first_line[entity_id] = line
    return problems


def is_encodable(text: str) -> bool:
    """Whether UTF-8 can encode the text: it has no lone surrogate."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


Places = dict[str, tuple[str, int | None]]
"""Where each document id was first seen: a file, and the line of the record if the file contains many."""


def check_records(records: Iterable[Record], first_seen: Places | None = None) -> list[Problem]:
    """Every fault that is a fault in any format, in record order.

    Args:
        records: as a reader returned them.
        first_seen: for records that come in portions, the ids of those before, to which theirs are added.
    """
    problems: list[Problem] = []
    first_seen = {} if first_seen is None else first_seen
    for record in records:
        if not record.doc_id:
            problems.append(Problem(record.path, "the document id is empty; add one", record.line, "empty-id"))
        elif record.doc_id in first_seen:
            path, line = first_seen[record.doc_id]
            location = path if line is None else f"{path} line {line}"
            message = f"duplicate id, first seen in {location}; make document ids unique"
            if Path(record.path).suffix != Path(path).suffix:
                message += ", or if it is the same document with other entities, remove one of the files"
            problems.append(Problem(record.path, message, record.line, "duplicate-id"))
        else:
            first_seen[record.doc_id] = record.path, record.line
        if not all(map(is_encodable, (record.text, record.doc_id, record.group or ""))):
            message = "a lone surrogate is not a character; fix the escape sequences that produced it"
            problems.append(Problem(record.path, message, record.line, "surrogate"))
        valid = []
        for span in record.spans:
            problem = span_problem(span, record)
            if problem is None:
                valid.append(span)
            else:
                problems.append(problem)
        problems += _overlaps(record, valid)
    return problems


def span_problem(span: RawSpan, record: Record) -> Problem | None:
    """The fault of one entity by itself, if it has any."""
    place = span.place
    if span.start == span.end:
        return entity_problem(record, span, f"{place} is empty; remove it or fix its offsets", "empty-entity")
    if span.start < 0 or span.end < span.start or span.end > len(record.text):
        message = (
            f"{place} is out of bounds: expected 0 <= start < end <= {len(record.text)}; "
            "offsets count Unicode code points, including line breaks"
        )
        return entity_problem(record, span, message, "out-of-bounds")
    if not span.label or any(character.isspace() for character in span.label) or not is_encodable(span.label):
        return entity_problem(record, span, f"{place} needs a label without white space; {_RENAME}", "label")
    if span.score is not None and not 0.0 <= span.score <= 1.0:
        return entity_problem(record, span, f"{place} has a score outside [0, 1]; fix or remove the score", "score")
    return None


def entity_problem(record: Record, span: RawSpan, message: str, code: str) -> Problem:
    """The problem of one entity of a record, at its line."""
    line = span.line if span.line is not None else record.line
    return Problem(record.path, message, line, code, of_entity=True)


def _overlaps(record: Record, spans: Sequence[RawSpan]) -> list[Problem]:
    problems = []
    reach: RawSpan | None = None
    for span in sorted(spans, key=lambda span: span[:3]):
        if reach is not None and span.start < reach.end:
            first, second = sorted((reach, span), key=lambda each: each.line or 0)
            other = "" if first.line in (None, second.line) else f" (line {first.line})"
            message = f"{second.place} overlaps {first.place}{other}; keep one of them"
            problems.append(entity_problem(record, second, message, "overlap"))
        if reach is None or span.end > reach.end:
            reach = span
    return problems


def build_corpus(result: ReadResult, *, origin: Origin | None = None, language: str | None = None) -> Corpus:
    """The corpus built from a result without fatal problems.

    Args:
        result: with all its problems, including those of ``check_records``.
        origin: overrides the records; by default what all of them agree on, else ``real``.
        language: overrides the records; by default what all of them agree on, else None.

    Raises:
        CorpusError: the result has a fatal problem; all are listed, by file and line.
    """
    refuse_faults(result.problems)
    stated = StatedProvenance()
    for record in result.records:
        stated.add(record)
    return stated.corpus(map(document_of, result.records), origin=origin, language=language)


def document_of(record: Record) -> Document:
    """The document of a record without faults."""
    entities = tuple(Entity(span.start, span.end, span.label, span.score) for span in record.spans)
    return Document(record.doc_id, record.text, entities, record.group)


def refuse_faults(problems: Iterable[Problem]) -> None:
    """Refuse what has a fatal problem.

    Raises:
        CorpusError: all fatal problems, by file and line.
    """
    fatal = [problem for problem in problems if problem.fatal]
    if fatal:
        raise CorpusError(sorted(fatal, key=lambda problem: (problem.path, problem.line or 0)))


class StatedProvenance:
    """Where the texts and entities of records come from, as far as the records agree."""

    def __init__(self) -> None:
        self._origins: set[Origin | None] = set()
        self._languages: set[str | None] = set()
        self._annotations: set[Annotation | None] = set()

    def add(self, record: Record) -> None:
        """Take in what a record states."""
        self._origins.add(record.origin)
        self._languages.add(record.language)
        self._annotations.add(record.annotation)

    @property
    def states_origin(self) -> bool:
        """Whether all records agree on an origin."""
        return len(self._origins) == 1 and None not in self._origins

    def corpus(
        self, documents: Iterable[Document] = (), *, origin: Origin | None = None, language: str | None = None
    ) -> Corpus:
        """A corpus of documents; origin and language are those given, else what all records agree on."""
        return Corpus(
            tuple(documents),
            origin=origin or (min(self._origins, key=str) if len(self._origins) == 1 else None) or "real",
            annotation="silver" if "silver" in self._annotations else "gold",
            language=language or (min(self._languages, key=str) if len(self._languages) == 1 else None),
        )
