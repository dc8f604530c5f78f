"""Leaving out the entities that have a fault, so that a few of them do not cost the whole corpus."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import replace

from deidsynth.corpora.records import RawSpan, ReadResult, Record, entity_problem, span_problem
from deidsynth.errors import Problem

SHOWN = 20
"""Entities that are told by their place, at most."""
INVALID = "invalid_entities"
"""How the entities that were left out are counted in ``ReadResult.skipped``."""


def leave_out_invalid(result: ReadResult) -> None:
    """Leave out every entity that has a fault: it is counted as skipped, and its problem is no longer fatal.

    Of entities that overlap, the longest is kept, so that as much as possible stays marked.

    Args:
        result: as a reader returned it, before ``check_records``; faults of other things stay as they are.
    """
    result.problems = [replace(each, fatal=False) if each.of_entity else each for each in result.problems]
    for number, record in enumerate(result.records):
        kept, problems = _valid_spans(record)
        if problems:
            result.records[number] = replace(record, spans=kept)
            result.problems += problems
    count = sum(each.of_entity for each in result.problems)
    if count:
        result.skipped[INVALID] += count


def left_out_lines(problems: Iterable[Problem], source: str, how: str = "") -> list[str]:
    """The entities that were left out, by place, as one message for the user; none if there are none.

    Args:
        problems: of the reading.
        source: what was read, as shown to the user.
        how: options with which it was read, each after a blank, for the command that lists all of them.
    """
    found = [problem for problem in problems if problem.of_entity]
    lines = [f"{source}: left out {len(found)} invalid entit{'y' if len(found) == 1 else 'ies'}:"]
    lines += [f"  {problem}" for problem in found[:SHOWN]]
    if len(found) > SHOWN:
        lines.append(f"  ... and {len(found) - SHOWN} more; all: deidsynth corpus check {source}{how} --json")
    return ["\n".join(lines)] if found else []


def _valid_spans(record: Record) -> tuple[tuple[RawSpan, ...], list[Problem]]:
    """The spans of a record that have no fault, in their order, and the problems of the others."""
    problems: list[Problem] = []
    kept: set[int] = set()
    apart: list[RawSpan] = []  # those kept, by start
    for number, span in sorted(enumerate(record.spans), key=lambda each: each[1].start - each[1].end):
        fault = span_problem(span, record)
        if fault is None:
            place = bisect_left(apart, span.start, key=lambda each: each.start)
            other = next((each for each in apart[max(place - 1, 0) : place + 1] if _overlap(each, span)), None)
            if other is None:
                apart.insert(place, span)
                kept.add(number)
                continue
            fault = entity_problem(record, span, f"{span.place} overlaps {other.place}; keep one of them", "overlap")
        problems.append(replace(fault, fatal=False))
    return tuple(span for number, span in enumerate(record.spans) if number in kept), problems


def _overlap(left: RawSpan, right: RawSpan) -> bool:
    return left.start < right.end and right.start < left.end
