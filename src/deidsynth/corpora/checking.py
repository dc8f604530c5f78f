"""Warnings about a corpus that can be read: boundaries, labels, characters, duplicate documents.

The readers and `deidsynth.corpora.records.check_records` report what cannot be read at all.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

from deidsynth.corpora.duplicates import Duplicate, find_duplicates
from deidsynth.corpora.label_sets import are_plausible, what_is_wrong
from deidsynth.corpora.links import is_link, link_problem
from deidsynth.corpora.records import RawSpan, Record
from deidsynth.corpora.span_lists import NUMERIC
from deidsynth.documents import SPLITS
from deidsynth.errors import Problem
from deidsynth.tagging import within_word

_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f]")
_MOJIBAKE = re.compile("[\u00c2\u00c3][\u0080-\u00bf]|\u00e2\u20ac|\u00ef\u00bb\u00bf")
"""UTF-8 that was read as Latin-1 or Windows-1252: such character pairs occur in no Western language."""

NO_ENTITIES = "no-entities"
_MANY_IN_A_FILE = 10
"""So many documents of one file without any entity are reported, where other files have entities."""


def find_warnings(records: Sequence[Record], labels: Collection[str] | None = None) -> list[Problem]:
    """Everything questionable about the records, in record order, without quoting any text.

    Args:
        records: as a reader returned them.
        labels: the expected labels; None accepts any.
    """
    found: list[Problem] = []
    known = frozenset(labels or ())
    counts = Counter(span.label for record in records for span in record.spans if span.label not in known)
    plausible = are_plausible(counts)
    if not plausible:
        found.append(_too_many_labels(records, counts))
    elif numbers := [label for label in counts if label.isdecimal()]:
        found.append(_numbers_as_labels(records, numbers))
    for record in records:
        for span in record.spans:
            if 0 <= span.start < span.end <= len(record.text):
                found += _boundary_warnings(span, record)
            if labels is not None and plausible and span.label not in known:
                message = f"{span.place} has the unexpected label {span.label}; fix or map it"
                found.append(_problem(record, span, message, "unknown-label"))
        found += _encoding_warnings(record)
        if is_link(record.text):
            found.append(link_problem(record.text_path or record.path, record.line, fatal=False))
    found += map(_duplicate_problem, find_duplicates(records))
    return found


def find_unannotated(records: Sequence[Record]) -> Iterator[Problem]:
    """A warning for a corpus, or else each split and each large file, in which no document has an entity.

    Texts that are still to be annotated may have none: synthetic ones, and those of a source without a place for them.

    Args:
        records: as a reader returned them.
    """
    annotated = [
        record
        for record in records
        if record.holds_entities and (record.origin, record.annotation) != ("synthetic", "silver")
    ]
    if annotated and not any(record.spans for record in annotated):
        yield _no_entities(annotated, "of the corpus")
        return
    for split in SPLITS:
        inside = [record for record in annotated if record.split == split]
        if inside and not any(record.spans for record in inside):
            yield _no_entities(inside, f"of {split}")
            annotated = [record for record in annotated if record.split != split]
    files: dict[str, list[Record]] = {}
    for record in annotated:
        files.setdefault(record.path, []).append(record)
    for inside in files.values():
        if len(inside) >= _MANY_IN_A_FILE and not any(record.spans for record in inside):
            yield _no_entities(inside, "of the file")


def _no_entities(records: Sequence[Record], where: str) -> Problem:
    message = (
        f"none of the documents {where} has an entity (n = {len(records)}); if they are annotated, the annotations are "
        "not where this format has them: check the export, or name the format with --from"
    )
    return Problem(records[0].path, message, records[0].line, NO_ENTITIES, fatal=False)


def _too_many_labels(records: Sequence[Record], counts: Mapping[str, int]) -> Problem:
    """One problem for a corpus whose labels cannot be labels, reported at the first of them."""
    record, span = next((record, span) for record in records for span in record.spans if span.label in counts)
    return _problem(record, span, what_is_wrong(counts), "too-many-labels")


def _numbers_as_labels(records: Sequence[Record], numbers: Sequence[str]) -> Problem:
    """One problem for the labels that are numbers in quotes, reported at the first of them."""
    record, span = next((record, span) for record in records for span in record.spans if span.label in numbers)
    shown = "a label is a number" if len(numbers) == 1 else f"{len(numbers)} labels are numbers"
    message = f"{shown}, so the names are elsewhere, such as in the labels of the project; write them with corpus map"
    return _problem(record, span, message, NUMERIC)


def _boundary_warnings(span: RawSpan, record: Record) -> Iterator[Problem]:
    place = span.place
    surface = record.text[span.start : span.end]
    if surface != surface.strip():
        yield _problem(
            record, span, f"{place} has leading or trailing white space; trim it (corpus repair does)", "blanks"
        )
    cut = [name for name, at in (("begins", span.start), ("ends", span.end)) if within_word(record.text, at)]
    if cut:
        yield _problem(record, span, f"{place} {' and '.join(cut)} inside a word; fix its offsets", "inside-word")


def _encoding_warnings(record: Record) -> Iterator[Problem]:
    text, path = record.text, record.text_path or record.path
    faults = {
        "U+FFFD, the replacement for a lost character": re.compile("\ufffd"),
        "a control character": _CONTROL,
        "UTF-8 that was decoded with another encoding": _MOJIBAKE,
        "a byte order mark inside the text": re.compile("\ufeff"),
    }
    for what, pattern in faults.items():
        found = [match.start() for match in pattern.finditer(text)]
        if found:
            times = f"{len(found)} time{'' if len(found) == 1 else 's'}"
            message = f"the text contains {what} ({times}); fix the encoding of the file"
            yield Problem(path, message, _line_of(found[0], record), "encoding", fatal=False)
    if not text.isascii() and unicodedata.normalize("NFC", text) != text:
        message = "the text has decomposed accents (it is not NFC), so other tools may count its characters differently"
        yield Problem(path, message, record.line, "not-nfc", fatal=False)


def _line_of(offset: int, record: Record) -> int | None:
    """The line of an offset within the text file, or of the record where the text has no file of its own."""
    return record.line if record.text_path is None else record.text.count("\n", 0, offset) + 1


def _duplicate_problem(duplicate: Duplicate) -> Problem:
    first, second = duplicate.first, duplicate.second
    place = first.path if first.line is None else f"{first.path}:{first.line}"
    leak = first.split is not None and second.split is not None and first.split != second.split
    if duplicate.kind == "group":
        message = f"its group has documents in both {first.split} and {second.split} ({place}); keep groups together"
    elif duplicate.kind == "same":
        message = f"duplicate of {place}; keep one of them"
    else:
        message = (
            f"near-duplicate of {place}: they share {duplicate.share:.0%} of the word n-grams of the shorter one; "
            "keep one of them, or put both in one group"
        )
    if leak and duplicate.kind != "group":
        message += f" (they are in {first.split} and {second.split}, so scores will be too optimistic)"
    code = {"same": "duplicate", "near": "near-duplicate", "group": "shared-group"}[duplicate.kind]
    return Problem(second.path, message, second.line, f"{code}-across-splits" if leak else code, fatal=False)


def _problem(record: Record, span: RawSpan, message: str, code: str) -> Problem:
    line = span.line if span.line is not None else record.line
    return Problem(record.path, message, line, code, fatal=False)
