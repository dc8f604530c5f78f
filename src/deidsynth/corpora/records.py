"""What readers yield: raw records and problems. A ``Corpus`` comes only from clean ones.

A record may hold anything that a file can hold: offsets that leave the text, entities that overlap, an empty id.
``check_records`` finds these faults for every format alike; a reader reports only what its own format can get wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar, get_args

from deidsynth.config import LayoutConfig
from deidsynth.documents import SPLITS, Annotation, Corpus, Document, Entity, Origin, Split
from deidsynth.errors import CorpusError, Problem

Part = Split
Discontinuous = Literal["refuse", "join"]

PARTS: tuple[Part, ...] = SPLITS
ORIGINS: tuple[Origin, ...] = get_args(Origin)
ANNOTATIONS: tuple[Annotation, ...] = get_args(Annotation)

PART_NAMES: dict[str, Part] = {
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


class RawSpan(NamedTuple):
    """A labelled span as a file states it, unchecked.

    Args:
        start: first code point, zero-based.
        end: one past the last code point.
        label: as written.
        score: confidence, where the file gives one.
        line: one-based line of the file that states the span, where it has lines.
        name: what the file calls the annotation, where lines do not tell, such as ``xmi:id 12``.
    """

    start: int
    end: int
    label: str
    score: float | None = None
    line: int | None = None
    name: str | None = None

    @property
    def place(self) -> str:
        """The entity by its offsets and its name, for a message."""
        return f"entity {self.start}:{self.end}" + (f" ({self.name})" if self.name else "")


@dataclass(frozen=True, slots=True, repr=False)
class Record:
    """One document as a source states it, unchecked.

    Args:
        doc_id: as the source names it.
        text: the exact text.
        spans: in the order of the source.
        path: the file that states the spans, as the user would type it.
        line: one-based line of the record in that file, where a file holds many records.
        group: what the source names as group.
        split: the part that the source puts the document in.
        origin: where the text comes from, if the source says.
        annotation: who annotated, if the source says.
        text_path: the file that holds the text and nothing else, where it is another than ``path``.
        language: code of the text's language, if the source says.
    """

    doc_id: str
    text: str
    spans: tuple[RawSpan, ...]
    path: str
    line: int | None = None
    group: str | None = None
    split: Part | None = None
    origin: Origin | None = None
    annotation: Annotation | None = None
    text_path: str | None = None
    language: str | None = None

    def __repr__(self) -> str:
        return f"Record(path={self.path!r}, line={self.line}, n_chars={len(self.text)}, n_spans={len(self.spans)})"


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read what a format leaves open.

    Args:
        discontinuous: ``join`` takes the span that covers all fragments of an entity; ``refuse`` makes it a problem.
        layout: columns, tables, inline styles.
        texts: the exact text of documents by their ids, for annotations that are stored without it.
    """

    discontinuous: Discontinuous = "refuse"
    layout: LayoutConfig = field(default_factory=LayoutConfig)
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(slots=True, repr=False)
class ReadResult:
    """What reading a source gave.

    Args:
        format: name of the format.
        records: documents, clean or not.
        problems: every fault found.
        skipped: how much of what the format carries was left out, such as ``{"relations": 3}``.
    """

    format: str
    records: list[Record] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)

    def __repr__(self) -> str:
        return (
            f"ReadResult(format={self.format!r}, n_records={len(self.records)}, "
            f"n_problems={len(self.problems)}, skipped={dict(self.skipped)})"
        )


def decode(data: bytes, path: str, first_line: int = 1, first_byte: int = 0) -> str | Problem:
    """The text of UTF-8 bytes, or the problem that names the first bad byte.

    Args:
        data: the bytes of a file or of a piece of it.
        path: the file.
        first_line: one-based line of the file where ``data`` begins.
        first_byte: zero-based offset in the file where ``data`` begins.
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = first_line + data.count(b"\n", 0, error.start)
        message = f"not UTF-8 at byte {first_byte + error.start}; convert the file to UTF-8, offsets in code points"
        return Problem(path, message, line, "encoding")


def read_bytes(path: Path) -> bytes | Problem:
    """The bytes of a file, or the problem that says why they cannot be had."""
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return Problem(str(path), f"cannot be read ({reason}); check the path and its permissions", code="unreadable")


def read_exactly(path: Path) -> str | Problem:
    """The exact text of a UTF-8 file, or the problem that says why it cannot be had."""
    data = read_bytes(path)
    return data if isinstance(data, Problem) else decode(data, str(path))


def one_of(value: object, choices: tuple[Choice, ...]) -> Choice | None:
    """The choice that the value names, or None for None.

    Raises:
        ValueError: the value names none of them.
    """
    if value is None:
        return None
    for choice in choices:
        if value == choice:
            return choice
    raise ValueError(f"expected one of {', '.join(choices)}")


def repeated_ids(ids: Iterable[tuple[object, int | None]], path: str) -> list[Problem]:
    """A doubt for every entity whose id another of the document has; what tells the two apart is lost elsewhere.

    Args:
        ids: of the entities, None for one without, each with its line.
        path: the file that states them.
    """
    problems = []
    first_line: dict[object, int | None] = {}
    for entity_id, line in ids:
        if entity_id is None:
            continue
        if entity_id in first_line:
            before = first_line[entity_id]
            place = "" if before in (None, line) else f" on line {before}"
            message = f"the id of an entity stands already{place}; give each entity of a document its own"
            problems.append(Problem(path, message, line, "duplicate-entity-id", fatal=False))
        else:
            first_line[entity_id] = line
    return problems


def is_encodable(text: str) -> bool:
    """Whether UTF-8 can hold the text: it has no lone surrogate."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def check_records(records: Sequence[Record]) -> list[Problem]:
    """Every fault of the records that no format may have, in the order of the records."""
    problems: list[Problem] = []
    first_place: dict[str, str] = {}
    for record in records:
        if not record.doc_id:
            problems.append(Problem(record.path, "the document id is empty; give it one", record.line, "empty-id"))
        elif record.doc_id in first_place:
            message = f"the document id stands already in {first_place[record.doc_id]}; make document ids unique"
            problems.append(Problem(record.path, message, record.line, "duplicate-id"))
        else:
            first_place[record.doc_id] = record.path if record.line is None else f"{record.path}:{record.line}"
        if not all(map(is_encodable, (record.text, record.doc_id, record.group or ""))):
            message = "a lone surrogate is not a character; repair the escapes that the text was made with"
            problems.append(Problem(record.path, message, record.line, "surrogate"))
        sound = []
        for span in record.spans:
            problem = _span_problem(span, record)
            if problem is None:
                sound.append(span)
            else:
                problems.append(problem)
        problems += _overlaps(record, sound)
    return problems


def _span_problem(span: RawSpan, record: Record) -> Problem | None:
    line = span.line if span.line is not None else record.line
    place = span.place
    if span.start == span.end:
        return Problem(record.path, f"{place} is empty; remove it or mend its offsets", line, "empty-entity")
    if span.start < 0 or span.end < span.start or span.end > len(record.text):
        message = (
            f"{place} is out of bounds: expected 0 <= start < end <= {len(record.text)}; "
            "offsets count Unicode code points, line ends included"
        )
        return Problem(record.path, message, line, "out-of-bounds")
    if not span.label or any(character.isspace() for character in span.label) or not is_encodable(span.label):
        return Problem(record.path, f"{place} needs a label without white space; rename the label", line, "label")
    if span.score is not None and not 0.0 <= span.score <= 1.0:
        return Problem(record.path, f"{place} has a score outside [0, 1]; mend or remove the score", line, "score")
    return None


def _overlaps(record: Record, spans: Sequence[RawSpan]) -> list[Problem]:
    problems = []
    reach: RawSpan | None = None
    for span in sorted(spans, key=lambda span: span[:3]):
        if reach is not None and span.start < reach.end:
            first, second = sorted((reach, span), key=lambda each: each.line or 0)
            other = "" if first.line in (None, second.line) else f" (line {first.line})"
            message = f"{second.place} overlaps {first.place}{other}; keep one of them"
            line = second.line if second.line is not None else record.line
            problems.append(Problem(record.path, message, line, "overlap"))
        if reach is None or span.end > reach.end:
            reach = span
    return problems


def build_corpus(result: ReadResult, *, origin: Origin | None = None, language: str | None = None) -> Corpus:
    """The corpus of a clean result.

    Args:
        result: with all its problems, those of ``check_records`` included.
        origin: wins over what the records say; else theirs where all agree, else ``real``.
        language: wins over what the records say; else theirs where all agree, else unknown.

    Raises:
        CorpusError: the result has a fatal problem; all are listed, by file and line.
    """
    fatal = [problem for problem in result.problems if problem.fatal]
    if fatal:
        raise CorpusError(sorted(fatal, key=lambda problem: (problem.path, problem.line or 0)))
    origins = {record.origin for record in result.records}
    languages = {record.language for record in result.records}
    silver = any(record.annotation == "silver" for record in result.records)
    documents = (
        Document(
            record.doc_id,
            record.text,
            tuple(Entity(span.start, span.end, span.label, span.score) for span in record.spans),
            record.group,
        )
        for record in result.records
    )
    return Corpus(
        tuple(documents),
        origin=origin or (origins.pop() if len(origins) == 1 else None) or "real",
        annotation="silver" if silver else "gold",
        language=language or (languages.pop() if len(languages) == 1 else None),
    )
