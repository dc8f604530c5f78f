"""Doubts about a corpus that can be read: boundaries, labels, characters, documents that stand twice.

What cannot be read at all is found by the readers and by `deidsynth.corpora.records.check_records`.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

from deidsynth.corpora.duplicates import Repeat, repeats
from deidsynth.corpora.label_sets import are_plausible, what_is_wrong
from deidsynth.corpora.records import RawSpan, Record
from deidsynth.errors import Problem
from deidsynth.tagging import within_word

_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f]")
_MOJIBAKE = re.compile("[\u00c2\u00c3][\u0080-\u00bf]|\u00e2\u20ac|\u00ef\u00bb\u00bf")
"""UTF-8 that was read as Latin-1 or Windows-1252: such pairs of characters stand in no Western language."""


def doubts(records: Sequence[Record], labels: Collection[str] | None = None) -> list[Problem]:
    """Everything questionable about the records, in their order; no text is quoted.

    Args:
        records: as a reader gave them.
        labels: the labels that are expected; None expects any.
    """
    found: list[Problem] = []
    known = frozenset(labels or ())
    counts = Counter(span.label for record in records for span in record.spans if span.label not in known)
    plausible = are_plausible(counts)
    if not plausible:
        found.append(_too_many_labels(records, counts))
    for record in records:
        for span in record.spans:
            if 0 <= span.start < span.end <= len(record.text):
                found += _boundary_doubts(span, record)
            if labels is not None and plausible and span.label not in known:
                message = f"{span.place} has the label {span.label}, which is not expected; mend or map it"
                found.append(_problem(record, span, message, "unknown-label"))
        found += _encoding_doubts(record)
    found += map(_repeat_problem, repeats(records))
    return found


def _too_many_labels(records: Sequence[Record], counts: Mapping[str, int]) -> Problem:
    """The problem of a corpus whose labels are none, told where the first of them stands."""
    record, span = next((record, span) for record in records for span in record.spans if span.label in counts)
    return _problem(record, span, what_is_wrong(counts), "too-many-labels")


def _boundary_doubts(span: RawSpan, record: Record) -> Iterator[Problem]:
    place = span.place
    surface = record.text[span.start : span.end]
    if surface != surface.strip():
        yield _problem(record, span, f"{place} has white space at an end; trim it", "blanks")
    cut = [name for name, at in (("begins", span.start), ("ends", span.end)) if within_word(record.text, at)]
    if cut:
        yield _problem(record, span, f"{place} {' and '.join(cut)} inside a word; mend its offsets", "inside-word")


def _encoding_doubts(record: Record) -> Iterator[Problem]:
    text, path = record.text, record.text_path or record.path
    faults = {
        "U+FFFD, which stands for a character that was lost": re.compile("\ufffd"),
        "a control character": _CONTROL,
        "UTF-8 that was read in another encoding": _MOJIBAKE,
        "a byte order mark inside the text": re.compile("\ufeff"),
    }
    for what, pattern in faults.items():
        found = [match.start() for match in pattern.finditer(text)]
        if found:
            times = f"{len(found)} time{'' if len(found) == 1 else 's'}"
            message = f"the text holds {what} ({times}); mend the encoding of the file"
            yield Problem(path, message, _line_of(found[0], record), "encoding", fatal=False)
    if not text.isascii() and unicodedata.normalize("NFC", text) != text:
        message = (
            "the text holds letters apart from their accents (not NFC); other tools may count characters otherwise"
        )
        yield Problem(path, message, record.line, "not-nfc", fatal=False)


def _line_of(offset: int, record: Record) -> int | None:
    """The line where a place in the text stands: in the file of the text alone, else that of the record."""
    return record.line if record.text_path is None else record.text.count("\n", 0, offset) + 1


def _repeat_problem(repeat: Repeat) -> Problem:
    first, second = repeat.first, repeat.second
    place = first.path if first.line is None else f"{first.path}:{first.line}"
    leak = first.split is not None and second.split is not None and first.split != second.split
    if repeat.kind == "group":
        message = f"its group has documents in {first.split} and in {second.split} ({place}); keep groups together"
    elif repeat.kind == "same":
        message = f"the text is that of {place}; keep one of them"
    else:
        message = (
            f"{repeat.share:.0%} of its runs of words stand in {place} too; keep one of them, or give them a group"
        )
    if leak and repeat.kind != "group":
        message += f" (they are in {first.split} and in {second.split}: what is measured is not what will be met)"
    code = {"same": "duplicate", "near": "near-duplicate", "group": "shared-group"}[repeat.kind]
    return Problem(second.path, message, second.line, f"{code}-across-parts" if leak else code, fatal=False)


def _problem(record: Record, span: RawSpan, message: str, code: str) -> Problem:
    line = span.line if span.line is not None else record.line
    return Problem(record.path, message, line, code, fatal=False)
