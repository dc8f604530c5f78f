"""Documents that stand twice, wholly or for the most part, and groups that two parts share.

Nearness is containment of runs of words: the share of the distinct runs of eight words of the smaller document that
stand in the other. Runs that stand in more than ``TEMPLATE_DOCUMENTS`` documents are templates and do not count.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from deidsynth.corpora.records import Part, Record
from deidsynth.metrics.near_repeats import LEAST_RUNS, NEAR, Runs

TEMPLATE_DOCUMENTS = 10


class Repeat(NamedTuple):
    """Two records that should not both stand where they do.

    Args:
        first: the earlier one.
        second: the later one.
        kind: ``same`` text, ``near`` text, or one ``group`` in two parts.
        share: containment; 1 for ``same`` and ``group``.
    """

    first: Record
    second: Record
    kind: Literal["same", "near", "group"]
    share: float


def repeats(records: Sequence[Record]) -> Iterator[Repeat]:
    """Every later record that repeats an earlier one, once; then groups with documents in two parts, once each."""
    first_with: dict[str, int] = {}
    distinct: list[int] = []
    for number, record in enumerate(records):
        if not record.text.strip():
            continue
        first = first_with.setdefault(record.text, number)
        if first == number:
            distinct.append(number)
        elif not _one_group(records[first], record):
            yield Repeat(records[first], record, "same", 1.0)
    yield from _near(records, distinct)
    yield from _shared_groups(records)


def _near(records: Sequence[Record], numbers: Sequence[int]) -> Iterator[Repeat]:
    names = Runs()
    runs = {number: names.names(records[number].text) for number in numbers}
    holders: dict[int, list[int]] = defaultdict(list)
    for number in numbers:
        for run in runs[number]:
            holders[run].append(number)
    own = {number: {run for run in runs[number] if len(holders[run]) <= TEMPLATE_DOCUMENTS} for number in numbers}
    for number in numbers:
        shared = Counter(other for run in own[number] for other in holders[run] if other < number)
        for other, count in shared.most_common(1):
            smaller = min(len(own[number]), len(own[other]))
            if smaller >= LEAST_RUNS and count >= NEAR * smaller and not _one_group(records[other], records[number]):
                yield Repeat(records[other], records[number], "near", count / smaller)


def _one_group(first: Record, second: Record) -> bool:
    """Whether both are declared to belong together and lie in one part."""
    return first.group is not None and first.group == second.group and first.split == second.split


def _shared_groups(records: Sequence[Record]) -> Iterator[Repeat]:
    first_of: dict[str, dict[Part | None, Record]] = defaultdict(dict)
    for record in records:
        if record.group is not None:
            first_of[record.group].setdefault(record.split, record)
    for parts in first_of.values():
        known = [record for part, record in parts.items() if part is not None]
        if len(known) > 1:
            yield Repeat(known[0], known[1], "group", 1.0)
