"""Identifying values of the training text that reappear in another text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from deidsynth.documents import Document
from deidsynth.metrics.tokens import words

Run = tuple[str, ...]


class RareValues:
    """The values that few training groups hold: names, numbers, addresses that could point to one patient.

    Values are compared as runs of words, by the rules of `deidsynth.metrics.tokens`. A question costs time linear in
    the words asked, times the number of different lengths of the values.

    Args:
        values: the surface of each training entity, and its group.
        min_characters: shorter values are passed over; they are too common to mean anyone.
        min_groups: a value that stands in this many groups is not rare.
    """

    def __init__(self, values: Iterable[tuple[str, str]], min_characters: int = 6, min_groups: int = 3) -> None:
        groups: defaultdict[Run, set[str]] = defaultdict(set)
        for value, group in values:
            if len(value) >= min_characters:
                groups[tuple(words(value))].add(group)
        self._rare = {run for run, holders in groups.items() if run and len(holders) < min_groups}
        self._lengths = sorted({len(run) for run in self._rare})

    def __repr__(self) -> str:
        return f"RareValues(n_values={len(self._rare)})"

    def stand_in(self, text: str) -> bool:
        """Whether the text holds one of the values."""
        run = tuple(words(text))
        return any(
            run[start : start + length] in self._rare
            for length in self._lengths
            for start in range(len(run) - length + 1)
        )


class IdentifyingRuns:
    """The runs of words from one direct identifier to another of the same training document, both included.

    A *direct identifier* is an entity whose words fewer than ``min_groups`` training groups have as an entity: a name,
    a number, a full date, but not a common country or age. A run that stands anywhere in at least ``min_groups``
    training groups is a template. Longer runs than ``max_run_words`` are left to `VerbatimIndex`. Time is linear in the
    words of the training text and of the text that is asked about, times ``max_run_words``.

    Args:
        train: the training documents.
        max_run_words: longest run.
        min_groups: of a template, and of a value that identifies nobody.
    """

    def __init__(self, train: Sequence[Document], max_run_words: int = 12, min_groups: int = 3) -> None:
        having: defaultdict[Run, set[str]] = defaultdict(set)
        for document in train:
            for entity in document.entities:
                having[tuple(words(document.surface(entity)))].add(document.unit)
        direct = {value for value, groups in having.items() if value and len(groups) < min_groups}
        runs = {run for document in train for run in _between(document, direct, max_run_words)}
        self._lengths: defaultdict[str, set[int]] = defaultdict(set)
        for run in runs:
            self._lengths[run[0]].add(len(run))
        holders: defaultdict[Run, set[str]] = defaultdict(set)
        for document in train:
            for run in self._candidates(document.text):
                if run in runs:
                    holders[run].add(document.unit)
        self._rare = {run for run in runs if len(holders[run]) < min_groups}

    def __repr__(self) -> str:
        return f"IdentifyingRuns(n_runs={len(self._rare)})"

    def stand_in(self, text: str) -> bool:
        """Whether the text holds one of the runs."""
        return any(run in self._rare for run in self._candidates(text))

    def _candidates(self, text: str) -> Iterator[Run]:
        """The runs of a text that begin and are as long as some run that is looked for."""
        found = tuple(words(text))
        for start, word in enumerate(found):
            for length in self._lengths.get(word, ()):
                if start + length <= len(found):
                    yield found[start : start + length]


def _between(document: Document, direct: set[Run], max_run_words: int) -> Iterator[Run]:
    """The runs of at most so many words that begin with one direct identifier of a document and end with another."""
    entities = [entity for entity in document.entities if tuple(words(document.surface(entity))) in direct]
    for number, first in enumerate(entities):
        for last in entities[number + 1 :]:
            run = tuple(words(document.text[first.start : last.end]))
            if len(run) > max_run_words:
                break
            yield run
