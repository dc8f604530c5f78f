"""Verbatim overlap of texts, in words as defined in `deidsynth.metrics.tokens`.

No n-gram and no run crosses a text boundary. Nothing here proves that a text is anonymous.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from deidsynth.errors import InputError
from deidsynth.metrics.tokens import words

Integers = NDArray[np.int64]
Word = TypeVar("Word")


def ngram_recall(
    reference_texts: Iterable[str], synthetic_texts: Iterable[str], n: int = 5
) -> dict[str, float | int | None]:
    """Share of the word n-grams of the reference texts that occur in the synthetic texts.

    Args:
        reference_texts: such as the training texts, or texts that no model has seen.
        synthetic_texts: the texts to search.
        n: words in an n-gram, at least 1.

    Returns:
        ``recall`` over distinct n-grams (``n_found`` of ``n_reference``) and ``recall_occurrences`` over all their
        occurrences in the reference; None if the reference has no n-gram.

    Raises:
        InputError: ``n`` is less than 1.
    """
    if n < 1:
        raise InputError(f"n must be at least 1, got {n}")
    numbers: dict[str, int] = {}
    reference: Counter[tuple[int, ...]] = Counter()
    for text in reference_texts:
        reference.update(ngrams([numbers.setdefault(word, len(numbers)) for word in words(text)], n))
    found: set[tuple[int, ...]] = set()
    for text in synthetic_texts:
        found.update(gram for gram in ngrams([numbers.get(word, -1) for word in words(text)], n) if gram in reference)
    n_occurrences = reference.total()
    found_occurrences = sum(reference[gram] for gram in found)
    return {
        "n": n,
        "recall": len(found) / len(reference) if reference else None,
        "recall_occurrences": found_occurrences / n_occurrences if n_occurrences else None,
        "n_reference": len(reference),
        "n_found": len(found),
        "n_reference_occurrences": n_occurrences,
        "n_found_occurrences": found_occurrences,
    }


def ngrams(row: Sequence[Word], n: int) -> Iterator[tuple[Word, ...]]:
    """The n-grams of a row of words, or of numbers of words."""
    return zip(*(row[offset:] for offset in range(n)), strict=False)


@dataclass(frozen=True, slots=True)
class _Windows:
    """All runs of one length in the training text, named by integers: equal runs have equal names.

    Args:
        names: name of the run that begins at each training word, -1 if the text ends too soon.
        keys: sorted; run ``k`` is the pair of shorter runs that ``keys[k]`` encodes.
    """

    names: Integers
    keys: Integers


class VerbatimIndex:
    """Finds word sequences of the training text that a text repeats verbatim and that are not templates.

    A run is a *template* if it occurs in at least ``min_groups`` training groups. Build time and memory are linear in
    the training words (times a logarithm for sorting); a query takes time linear in the words of the text and in the
    number of places where its long runs occur in the training text.

    Args:
        train_texts: the training texts; only word numbers are kept.
        groups: the group (patient, article) of each training text.
        max_run_words: longest run that a text may share with fewer than ``min_groups`` groups.
        min_groups: a run that occurs in this many groups is a template.

    Raises:
        InputError: the number of groups is not that of the texts, or a limit is less than 1.
    """

    def __init__(
        self, train_texts: Sequence[str], groups: Sequence[str], max_run_words: int = 12, min_groups: int = 3
    ) -> None:
        if len(train_texts) != len(groups):
            raise InputError(f"expected one group for each of {len(train_texts)} texts, got {len(groups)}")
        if max_run_words < 1 or min_groups < 1:
            raise InputError("max_run_words and min_groups must be at least 1")
        self.max_run_words, self.min_groups = max_run_words, min_groups
        self._numbers: dict[str, int] = {}
        rows = [[self._numbers.setdefault(word, len(self._numbers)) for word in words(text)] for text in train_texts]
        lengths = np.array([len(row) for row in rows], dtype=np.int64)
        self._train = np.array([number for row in rows for number in row], dtype=np.int64)
        ends = np.cumsum(lengths)
        self._room = np.repeat(ends, lengths) - np.arange(len(self._train))
        group_numbers = {group: number for number, group in enumerate(dict.fromkeys(groups))}
        self._groups = np.repeat(np.array([group_numbers[group] for group in groups], dtype=np.int64), lengths)
        self._windows: dict[int, _Windows] = {}
        long = self._of_length(max_run_words + 1)
        held = np.flatnonzero(long.names >= 0)
        self._places = held[np.argsort(long.names[held], kind="stable")]
        self._first_place = np.searchsorted(long.names[self._places], np.arange(len(long.keys) + 1))

    def __repr__(self) -> str:
        return (
            f"VerbatimIndex(n_words={len(self._train)}, max_run_words={self.max_run_words}, "
            f"min_groups={self.min_groups})"
        )

    def passes(self, text: str) -> bool:
        """Whether no run of more than ``max_run_words`` words of the text occurs in only a few training groups.

        Every match in the training text is followed word by word for as long as it lasts. Of the runs that end at a
        word, only the longest must be checked: a shorter one occurs in at least as many groups.
        """
        numbered = np.array([self._numbers.get(word, -1) for word in words(text)], dtype=np.int64)
        began: dict[int, int] = {}
        for here, name in enumerate(self._names(numbered, self.max_run_words + 1).tolist()):
            if name < 0:
                began = {}
                continue
            places = self._places[self._first_place[name] : self._first_place[name + 1]].tolist()
            began = {place - here: began.get(place - here, here) for place in places}
            first = min(began.values())
            holders = {int(self._groups[shift + here]) for shift, start in began.items() if start == first}
            if len(holders) < self.min_groups:
                return False
        return True

    def _of_length(self, length: int) -> _Windows:
        """All training runs of one length, each identified by the shorter runs at its beginning and end."""
        if length not in self._windows:
            names = np.full(len(self._train), -1, dtype=np.int64)
            whole = np.flatnonzero(self._room >= length)
            if length == 1:
                keys, names = np.arange(len(self._numbers), dtype=np.int64), self._train
            else:
                half = self._of_length(_half(length))
                pairs = _pair(half.names[whole], half.names[whole + length - _half(length)], len(half.keys))
                keys, names[whole] = np.unique(pairs, return_inverse=True)
            self._windows[length] = _Windows(names, keys)
        return self._windows[length]

    def _names(self, numbered: Integers, length: int) -> Integers:
        """Name of the run of one length that begins at each word of a text, -1 if the training text lacks it."""
        if length == 1:
            return numbered
        if len(numbered) < length:
            return np.empty(0, dtype=np.int64)
        half, keys = _half(length), self._of_length(length).keys
        halves = self._names(numbered, half)
        first, second = halves[: len(numbered) - length + 1], halves[length - half :]
        pairs = _pair(first, second, len(self._of_length(half).keys))
        names = np.searchsorted(keys, pairs)
        known = (first >= 0) & (second >= 0) & (names < len(keys))
        known[known] = keys[names[known]] == pairs[known]
        return np.where(known, names, -1)


def _half(length: int) -> int:
    return (length + 1) // 2


def _pair(first: Integers, second: Integers, width: int) -> Integers:
    """A unique number for each pair; ``second`` must be less than ``width``."""
    return first * width + second
