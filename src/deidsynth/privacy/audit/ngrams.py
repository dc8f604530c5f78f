"""An n-gram language model of any amount of text, evaluated on the words of a few texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deidsynth.metrics.tokens import words

ORDER = 4
PRIOR = 5.0
"""Weight of the shorter context, in words seen after the longer one."""
BLOCK_WORDS = 1 << 18
UNKNOWN = -1

Numbers = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Counts:
    """How often the n-grams of an index occur in other texts.

    Args:
        by_order: for each order from 1, the count of each n-gram by its number.
        n_words: of those texts, unknown words included.
    """

    by_order: tuple[Numbers, ...]
    n_words: int


class NgramIndex:
    """The n-grams of some texts, numbered; those of other texts are counted as they stream past.

    The probability of a word is that of the hierarchical Dirichlet language model: the count of the word after its
    context, with a prior of ``PRIOR`` words from the context that is one word shorter. It needs no n-gram but those
    that are evaluated. So memory grows with the indexed texts alone, and time is linear.

    Args:
        texts: to be evaluated.
        order: words of the longest n-gram.

    Source: MacKay and Peto 1995, "A hierarchical Dirichlet language model".
    """

    def __init__(self, texts: Iterable[str], order: int = ORDER) -> None:
        self._vocabulary: dict[str, int] = {}
        numbered = [self._learned(text) for text in texts]
        self.lengths = np.array([len(each) for each in numbered], dtype=np.int64)
        self._first = _firsts(self.lengths)
        words_of_texts = np.concatenate(numbered) if numbered else np.zeros(0, np.int64)
        self._numbers = [words_of_texts]
        self._codes: list[Numbers] = []
        for _ in range(1, order):
            codes = self._coded(self._numbers[-1], words_of_texts, self._first)
            known = codes != UNKNOWN
            distinct, found = np.unique(codes[known], return_inverse=True)
            numbers = np.full(len(codes), UNKNOWN)
            numbers[known] = found
            self._codes.append(distinct)
            self._numbers.append(numbers)

    def __repr__(self) -> str:
        return f"NgramIndex(n_texts={len(self.lengths)}, n_words={len(self._first)})"

    def count(self, texts: Iterable[str]) -> Counts:
        """How often the n-grams occur in other texts, which are read once."""
        totals = [np.zeros(size, np.int64) for size in self._sizes()]
        n_words = 0
        for block, lengths in self._blocks(texts):
            n_words += len(block)
            first, numbers = _firsts(lengths), block
            totals[0] += np.bincount(block[block != UNKNOWN], minlength=len(totals[0]))
            for distinct, total in zip(self._codes, totals[1:], strict=True):
                numbers = _found(self._coded(numbers, block, first), distinct)
                total += np.bincount(numbers[numbers != UNKNOWN], minlength=len(total))
        return Counts(tuple(totals), n_words)

    def own_counts(self) -> Counts:
        """How often the n-grams occur in the indexed texts themselves."""
        pairs = zip(self._numbers, self._sizes(), strict=True)
        counts = tuple(np.bincount(numbers[numbers != UNKNOWN], minlength=size) for numbers, size in pairs)
        return Counts(counts, len(self._first))

    def log_probabilities(self, counts: Counts, without: Numbers | None = None) -> Floats:
        """The natural logarithm of the probability of each word, in the order of the texts. Shape (n_words,).

        Args:
            counts: of the texts that the model is made of.
            without: the part that each text belongs to, for own counts: what occurs in the same part does not count.
        """
        part = None if without is None else np.repeat(without, self.lengths)
        seen = np.full(len(self._first), float(counts.n_words))
        if part is not None:
            seen -= np.bincount(part)[part]
        found = np.full(len(self._first), 1 / (len(self._vocabulary) + 1))
        for numbers, by_number in zip(self._numbers, counts.by_order, strict=True):
            known = numbers != UNKNOWN
            occurs = np.zeros(len(numbers))
            occurs[known] = by_number[numbers[known]]
            if part is not None:
                occurs[known] -= _within(part[known], numbers[known], len(by_number))
            found = np.where(known, (occurs + PRIOR * found) / (seen + PRIOR), found)
            seen = np.concatenate(([0.0], occurs[:-1]))  # the context of the next order ends one word earlier
        return np.asarray(np.log(found))

    def _learned(self, text: str) -> Numbers:
        known = self._vocabulary
        return np.array([known.setdefault(word, len(known)) for word in words(text)], dtype=np.int64)

    def _blocks(self, texts: Iterable[str]) -> Iterator[tuple[Numbers, Numbers]]:
        """The words of other texts and the lengths of those texts, many at once."""
        some: list[int] = []
        lengths: list[int] = []
        for text in texts:
            before = len(some)
            some += (self._vocabulary.get(word, UNKNOWN) for word in words(text))
            lengths.append(len(some) - before)
            if len(some) >= BLOCK_WORDS:
                yield np.array(some, dtype=np.int64), np.array(lengths, dtype=np.int64)
                some, lengths = [], []
        yield np.array(some, dtype=np.int64), np.array(lengths, dtype=np.int64)

    def _sizes(self) -> list[int]:
        return [len(self._vocabulary), *map(len, self._codes)]

    def _coded(self, shorter: Numbers, word: Numbers, first: NDArray[np.bool_]) -> Numbers:
        """A code for the n-gram that ends at each word, by the number of the one before it and the word."""
        before = np.concatenate((np.full(min(1, len(word)), UNKNOWN), shorter[:-1]))
        is_known = (before != UNKNOWN) & (word != UNKNOWN) & ~first
        return np.where(is_known, before * len(self._vocabulary) + word, UNKNOWN)


def _firsts(lengths: Numbers) -> NDArray[np.bool_]:
    """Which words are the first of their text."""
    first = np.zeros(int(lengths.sum()), dtype=bool)
    starts = np.cumsum(lengths) - lengths
    first[starts[lengths > 0]] = True
    return first


def _found(codes: Numbers, distinct: Numbers) -> Numbers:
    """The place of each code among sorted distinct ones, or ``UNKNOWN``."""
    if not len(distinct):
        return np.full(len(codes), UNKNOWN)
    places = np.searchsorted(distinct, codes)
    places[places == len(distinct)] = 0
    return np.where(distinct[places] == codes, places, UNKNOWN)


def _within(part: Numbers, numbers: Numbers, n_numbers: int) -> Numbers:
    """How often each number occurs in its own part."""
    _, found, counts = np.unique(part * n_numbers + numbers, return_inverse=True, return_counts=True)
    return np.asarray(counts[found])
