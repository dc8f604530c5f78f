"""Documents that stand twice, wholly or for the most part, and groups that two parts share.

Nearness is containment of runs of words: the share of the distinct runs of eight words of the smaller document that
stand in the other. Runs that stand in more than ``TEMPLATE_DOCUMENTS`` different texts are templates and do not count.
Texts of fewer than twelve words have too few runs for that. They are near where all words are the same (at least
``LEAST_WORDS``, in order, in no more than ``TEMPLATE_DOCUMENTS`` texts): one changed word is, in sentences of news,
mostly another statement.

Of a document are told the nearest repeat in every other part, so that no leak hides behind another repeat, and the
nearest of the earlier ones in its own part.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Literal, NamedTuple

from deidsynth.corpora.records import Part, Record
from deidsynth.privacy.near_duplicates import LEAST_RUNS, NEAR, Runs

TEMPLATE_DOCUMENTS = 10
LEAST_WORDS = 5


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
    """Pairs of records that repeat each other, each once; then groups with documents in more than one part."""
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
    """The nearest repeat of every record in every part.

    Args:
        records: all of them; they are named by number.
    """

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records
        self._best: dict[tuple[int, Part | None], tuple[bool, float, int]] = {}

    def offer(self, numbers: Sequence[int], others: Sequence[int], kind: Literal["same", "near"], share: float) -> None:
        """Take up records that repeat others. One of the others is taken for each part: the copy that comes first."""
        first_in: dict[Part | None, int] = {}
        for other in others:
            first_in.setdefault(self._records[other].split, other)
        for number in numbers:
            for part, other in first_in.items():
                told_by_other = part == self._records[number].split and other >= number
                if not told_by_other and not _one_group(self._records[number], self._records[other]):
                    found = (kind == "same", share, -other)
                    self._best[number, part] = max(found, self._best.get((number, part), found))

    def pairs(self) -> Iterator[Repeat]:
        """Every pair once, by the place of the later record."""
        found = {
            (max(number, -other), min(number, -other)): (same, share)
            for (number, _), (same, share, other) in self._best.items()
        }
        for (later, earlier), (same, share) in sorted(found.items()):
            yield Repeat(self._records[earlier], self._records[later], "same" if same else "near", share)


def _near(texts: Sequence[str]) -> Iterator[tuple[int, int, float]]:
    """The later and the earlier text, by number, and containment of all pairs that are near."""
    names = Runs()
    runs = [names.names(text) for text in texts]
    holders: dict[int, list[int]] = defaultdict(list)
    for number, held in enumerate(runs):
        for run in held:
            holders[run].append(number)
    own = [{run for run in held if len(holders[run]) <= TEMPLATE_DOCUMENTS} for held in runs]
    for number, held in enumerate(own):
        shared = Counter(other for run in held for other in holders[run] if other < number)
        for other, count in shared.items():
            smaller = min(len(held), len(own[other]))
            if smaller >= LEAST_RUNS and count >= NEAR * smaller:
                yield number, other, count / smaller
    short: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for number, held in enumerate(runs):
        if len(held) < LEAST_RUNS:
            short[names.numbered(texts[number])].append(number)
    for words, alike in short.items():
        if len(words) >= LEAST_WORDS and len(alike) <= TEMPLATE_DOCUMENTS:
            yield from ((later, earlier, 1.0) for earlier, later in combinations(alike, 2))


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
        for first, second in combinations(known, 2):
            yield Repeat(first, second, "group", 1.0)
