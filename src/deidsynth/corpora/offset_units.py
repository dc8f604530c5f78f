"""Offsets that may count UTF-16 units, in sources that neither say so nor state the texts of entities.

What decides is where the entities would begin and end. In a text with characters beyond U+FFFF before them, offsets in
the wrong unit cut words or have blanks at their ends. They are converted only where all documents of a source agree.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from deidsynth.corpora.records import RawSpan, ReadResult, Record
from deidsynth.corpora.stated_texts import utf16_places
from deidsynth.errors import Problem
from deidsynth.tagging import within_word

UTF16_OFFSETS = "utf16-offsets"
_LEAST = 2
"""So many entities that only fit in UTF-16 units are a proof, where none contradicts; a single one may be a slip."""
_MESSAGE = (
    "{n} of {total} entities after characters beyond U+FFFF (such as emoji) do not begin and end with words, but would "
    "if offsets counted UTF-16 units, as JavaScript and Java do; if they do, convert each to code points: "
    "len(text.encode('utf-16-le')[:2 * offset].decode('utf-16-le')) in Python, or export the text of each entity too"
)


class _Evidence(NamedTuple):
    """What the entities of a document say whose offsets depend on the unit.

    Args:
        converted: the spans of the document as UTF-16 units; those that cannot be stay as they are.
        n_for: entities that are sound in UTF-16 units alone.
        n_against: those that are sound in code points alone, or are not possible in UTF-16 units.
        n_others: those that are sound in both, or in neither.
        out_of_bounds: whether an entity is outside the text in code points.
    """

    converted: tuple[RawSpan, ...]
    n_for: int
    n_against: int
    n_others: int
    out_of_bounds: bool


def settle_units(result: ReadResult) -> None:
    """Convert offsets that count UTF-16 units where all documents prove it; report those where only some do.

    Args:
        result: as a reader returned it; converted documents are counted.
    """
    found = {
        number: evidence
        for number, record in enumerate(result.records)
        if not record.has_known_unit and (evidence := _evidence(record)) is not None
    }
    documents = found.values()
    n_for = sum(each.n_for for each in documents)
    # Some entities are faulty in either unit.
    n_others = sum(each.n_others for each in documents)
    if n_for >= max(_LEAST, n_others) and not any(each.n_against for each in documents):
        for number, each in found.items():
            result.records[number] = replace(result.records[number], spans=each.converted, has_known_unit=True)
        result.skipped["documents_with_utf16_offsets"] += len(found)
        return
    doubtful = [number for number, each in found.items() if each.n_for and not each.n_against]
    # First, since of many warnings only the first may be shown.
    result.problems[:0] = [_problem(result.records[number], found[number]) for number in doubtful]


def _evidence(record: Record) -> _Evidence | None:
    """The evidence of a document; None if its entities are at the same places in both units."""
    if record.text.isascii():
        return None
    place = utf16_places(record.text)
    converted, differing = [], []
    for span in record.spans:
        start, end = place.get(span.start), place.get(span.end)
        if (start, end) != (span.start, span.end):
            differing.append((span, None if start is None or end is None else span._replace(start=start, end=end)))
        converted.append(span if start is None or end is None else span._replace(start=start, end=end))
    if not differing:
        return None
    verdicts = [
        (_is_sound(span, record.text), other is not None and _is_sound(other, record.text)) for span, other in differing
    ]
    n_for = verdicts.count((False, True))
    n_against = sum(
        other is None or verdict == (True, False) for (_, other), verdict in zip(differing, verdicts, strict=True)
    )
    out_of_bounds = any(span.end > len(record.text) for span, _ in differing)
    return _Evidence(tuple(converted), n_for, n_against, len(differing) - n_for - n_against, out_of_bounds)


def _is_sound(span: RawSpan, text: str) -> bool:
    """Whether an entity is within the text, cuts no word, and has no white space at its ends."""
    surface = text[span.start : span.end] if 0 <= span.start < span.end <= len(text) else ""
    cut = within_word(text, span.start) or within_word(text, span.end)
    return bool(surface) and surface == surface.strip() and not cut


def _problem(record: Record, evidence: _Evidence) -> Problem:
    """A warning; an error if an entity is out of bounds, so that leaving that one out does not hide the rest."""
    total = evidence.n_for + evidence.n_others
    message = _MESSAGE.format(n=evidence.n_for, total=total)
    return Problem(record.path, message, record.line, UTF16_OFFSETS, fatal=evidence.out_of_bounds)
