"""Identifying values of the training text that reappear in another text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from deidsynth.documents import Document
from deidsynth.metrics.tokens import words
from deidsynth.normalization import normalize

Run = tuple[str, ...]


class RareValues:
    """Values that occur in few training groups: names, numbers, addresses that could point to one patient.

    Values are compared as sequences of words, as defined in `deidsynth.metrics.tokens`. A query takes time linear in
    the words of the text, times the number of distinct value lengths.

    Args:
        values: the surface form of each training entity, and its group.
        min_characters: values that are shorter when normalized are ignored; they are too common to identify anyone.
        min_groups: a value that occurs in this many groups is not rare.
    """

    def __init__(self, values: Iterable[tuple[str, str]], min_characters: int = 6, min_groups: int = 3) -> None:
        groups: defaultdict[Run, set[str]] = defaultdict(set)
        for value, group in values:
            if len(normalize(value).text) >= min_characters:
                groups[tuple(words(value))].add(group)
        self._rare = {run for run, holders in groups.items() if run and len(holders) < min_groups}
        self._lengths = sorted({len(run) for run in self._rare})

    def __repr__(self) -> str:
        return f"RareValues(n_values={len(self._rare)})"

    def occur_in(self, text: str) -> bool:
        """Whether any of the values occurs in the text."""
        run = tuple(words(text))
        return any(
            run[start : start + length] in self._rare
            for length in self._lengths
            for start in range(len(run) - length + 1)
        )


class IdentifyingRuns:
    """The word sequences from one direct identifier to another in the same training document, including both.

    A *direct identifier* is an entity whose words are an entity in fewer than ``min_groups`` training groups: a name, a
    number, a full date, but not a common country or age. A run that occurs anywhere in at least ``min_groups`` training
    groups is a template. Runs longer than ``max_run_words`` are left to `VerbatimIndex`. Time is linear in the words of
    the training text and of the queried text, times ``max_run_words``.

    Args:
        train: the training documents.
        max_run_words: longest run.
        min_groups: number of groups that makes a run a template, and a value not identifying.
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

    def occur_in(self, text: str) -> bool:
        """Whether any of the runs occurs in the text."""
        return any(run in self._rare for run in self._candidates(text))

    def _candidates(self, text: str) -> Iterator[Run]:
        """The runs of a text that have the first word and the length of a known run."""
        found = tuple(words(text))
        for start, word in enumerate(found):
            for length in self._lengths.get(word, ()):
                if start + length <= len(found):
                    yield found[start : start + length]


def _between(document: Document, direct: set[Run], max_run_words: int) -> Iterator[Run]:
    """The runs of at most ``max_run_words`` words from one direct identifier of a document to another."""
    entities = [entity for entity in document.entities if tuple(words(document.surface(entity))) in direct]
    for number, first in enumerate(entities):
        for last in entities[number + 1 :]:
            run = tuple(words(document.text[first.start : last.end]))
            if len(run) > max_run_words:
                break
            yield run
