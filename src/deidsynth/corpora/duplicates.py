"""Duplicate and near-duplicate documents, and groups that occur in more than one split.

Similarity is the containment of word n-grams: the share of the shorter document's distinct 8-grams that also occur in
the other. An n-gram that occurs in more than ``TEMPLATE_DOCUMENTS`` different texts is a template and does not count.
Texts of fewer than twelve words have too few n-grams. They are near-duplicates when all their words are the same (at
least ``LEAST_WORDS``, in order, in at most ``TEMPLATE_DOCUMENTS`` texts): in news sentences, one changed word usually
makes another statement.

For each document we report the nearest duplicate in every other split, so that no leak hides behind another duplicate,
and the nearest earlier one in its own split.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np

from deidsynth.corpora.records import Record
from deidsynth.corpora.shared_runs import SharedRuns
from deidsynth.documents import Split
from deidsynth.privacy.near_duplicates import LEAST_RUNS, NEAR, Runs

TEMPLATE_DOCUMENTS = 10
LEAST_WORDS = 5


class Duplicate(NamedTuple):
    """Two records that should not both be where they are.

    Args:
        first: the earlier one.
        second: the later one.
        kind: ``same`` text, ``near`` text, or one ``group`` in two splits.
        share: containment; 1 for ``same`` and ``group``.
    """

    first: Record
    second: Record
    kind: Literal["same", "near", "group"]
    share: float


def find_duplicates(records: Sequence[Record]) -> Iterator[Duplicate]:
    """Every pair of duplicate or near-duplicate records once; then groups with documents in more than one split."""
    nearest = _Nearest(records)
    numbers_of: dict[str, list[int]] = defaultdict(list)
    for number, record in enumerate(records):
        if record.text.strip():
            numbers_of[record.text].append(number)
    for numbers in numbers_of.values():
        nearest.offer(numbers, numbers, "same", 1.0)
    copies = list(numbers_of.values())
    for later, earlier, share in _near(list(numbers_of)):
        nearest.offer(copies[later], copies[earlier], "near", share)
        nearest.offer(copies[earlier], copies[later], "near", share)
    yield from nearest.pairs()
    yield from _shared_groups(records)


class _Nearest:
    """The nearest duplicate of every record in every split.

    Args:
        records: all of them; methods refer to them by number.
    """

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records
        self._best: dict[tuple[int, Split | None], tuple[bool, float, int]] = {}

    def offer(self, numbers: Sequence[int], others: Sequence[int], kind: Literal["same", "near"], share: float) -> None:
        """Record that some records duplicate others; of the others, the first copy in each split is kept."""
        first_in: dict[Split | None, int] = {}
        for other in others:
            first_in.setdefault(self._records[other].split, other)
        for number in numbers:
            for split, other in first_in.items():
                reported_by_other = split == self._records[number].split and other >= number
                if not reported_by_other and not _one_group(self._records[number], self._records[other]):
                    found = (kind == "same", share, -other)
                    self._best[number, split] = max(found, self._best.get((number, split), found))

    def pairs(self) -> Iterator[Duplicate]:
        """Every pair once, in the order of the later record."""
        found = {
            (max(number, -other), min(number, -other)): (same, share)
            for (number, _), (same, share, other) in self._best.items()
        }
        for (later, earlier), (same, share) in sorted(found.items()):
            yield Duplicate(self._records[earlier], self._records[later], "same" if same else "near", share)


def _near(texts: Sequence[str]) -> Iterator[tuple[int, int, float]]:
    """Every near-duplicate pair: number of the later text, number of the earlier one, and containment."""
    names = Runs()
    shared = SharedRuns((np.array(names.numbered(text), dtype=np.int64) for text in texts), TEMPLATE_DOCUMENTS)
    for number, others, counts in shared:
        smaller = np.minimum(shared.n_counted[number], shared.n_counted[others])
        are_near = (smaller >= LEAST_RUNS) & (counts >= NEAR * smaller)
        for other, count, size in zip(*(each[are_near].tolist() for each in (others, counts, smaller)), strict=True):
            yield number, other, count / size
    short: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for number in np.flatnonzero(shared.n_runs < LEAST_RUNS).tolist():
        short[names.numbered(texts[number])].append(number)
    for words, alike in short.items():
        if len(words) >= LEAST_WORDS and len(alike) <= TEMPLATE_DOCUMENTS:
            yield from ((later, earlier, 1.0) for earlier, later in combinations(alike, 2))


def _one_group(first: Record, second: Record) -> bool:
    """Whether both belong to one declared group and one split."""
    return first.group is not None and first.group == second.group and first.split == second.split


def _shared_groups(records: Sequence[Record]) -> Iterator[Duplicate]:
    first_of: dict[str, dict[Split | None, Record]] = defaultdict(dict)
    for record in records:
        if record.group is not None:
            first_of[record.group].setdefault(record.split, record)
    for splits in first_of.values():
        known = [record for split, record in splits.items() if split is not None]
        for first, second in combinations(known, 2):
            yield Duplicate(first, second, "group", 1.0)
