"""Repairs of entities that can be made without asking: blanks at the ends, pieces, empty entities, duplicates."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from deidsynth.corpora.records import RawSpan, Record
from deidsynth.errors import Problem

TRIMMED, JOINED, DROPPED = "trimmed", "joined", "dropped"
REPAIRS = (TRIMMED, JOINED, DROPPED)
"""Codes of the problems that tell what was done."""

_LINE_END = re.compile(r"\r\n|\r|\n")


def repair_records(records: Sequence[Record]) -> tuple[list[Record], list[Problem]]:
    """The records with repaired entities, and a problem that is not fatal for every repair.

    Blanks at the ends of an entity are trimmed. An entity with no other character is dropped, as is one that reappears
    with the same offsets and label. Entities of one label
    with nothing but white space between them become one, unless an empty line is in between. An entity whose
    offsets are out of bounds is left as it is: what is meant is not known.
    """
    repaired: list[Record] = []
    done: list[Problem] = []
    for record in records:
        spans = _joined(_distinct(_trimmed(record.spans, record, done), record, done), record, done)
        repaired.append(replace(record, spans=tuple(spans)))
    return repaired, done


def _trimmed(spans: Sequence[RawSpan], record: Record, done: list[Problem]) -> list[RawSpan]:
    kept = []
    for span in spans:
        if not 0 <= span.start <= span.end <= len(record.text):
            kept.append(span)
            continue
        surface = record.text[span.start : span.end]
        if not surface.strip():
            done.append(_repair(record, span, f"{span.place} was empty and is dropped", DROPPED))
            continue
        start = span.start + len(surface) - len(surface.lstrip())
        trimmed = span._replace(start=start, end=start + len(surface.strip()))
        if trimmed != span:
            done.append(_repair(record, span, f"{span.place} is trimmed to {trimmed.start}:{trimmed.end}", TRIMMED))
        kept.append(trimmed)
    return kept


def _distinct(spans: Sequence[RawSpan], record: Record, done: list[Problem]) -> list[RawSpan]:
    kept: dict[tuple[int, int, str], RawSpan] = {}
    for span in spans:
        if kept.setdefault(span[:3], span) is not span:
            done.append(_repair(record, span, f"{span.place} reappears with the same label and is dropped", DROPPED))
    return list(kept.values())


def _joined(spans: Sequence[RawSpan], record: Record, done: list[Problem]) -> list[RawSpan]:
    kept: list[RawSpan] = []
    for span in sorted(spans, key=lambda span: span[:2]):
        last = kept[-1] if kept else None
        if last is None or not _are_pieces(last, span, record.text):
            kept.append(span)
            continue
        scores = [each.score for each in (last, span) if each.score is not None]
        kept[-1] = last._replace(end=span.end, score=min(scores) if len(scores) == 2 else None)
        over = " over a line end" if _LINE_END.search(record.text, last.end, span.start) else ""
        message = f"{span.place} is joined to the one before it{over}, which now is {last.start}:{span.end}"
        done.append(_repair(record, span, message, JOINED))
    return kept


def _are_pieces(left: RawSpan, right: RawSpan, text: str) -> bool:
    """Whether two entities have one label and white space alone between them, without an empty line."""
    if left.label != right.label or not 0 <= left.start < left.end < right.start < right.end <= len(text):
        return False
    between = text[left.end : right.start]
    return between.isspace() and len(_LINE_END.findall(between)) < 2


def _repair(record: Record, span: RawSpan, message: str, code: str) -> Problem:
    line = span.line if span.line is not None else record.line
    return Problem(record.path, message, line, code, fatal=False)
