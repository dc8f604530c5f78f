"""All runs of some words in the text of both sides, found again in other texts: an index of hashes.

Words are those of `deidsynth.metrics.tokens`; no run crosses the end of a document. A run is known by a hash of 64 bits
that depends on its words and their order: two runs are taken for one with a probability of about 2^-54, so that among a
billion runs and ten million others none is to be expected. Neither words nor texts are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from deidsynth.documents import Document
from deidsynth.metrics.tokens import words

Hashes = NDArray[np.uint64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

BATCH_WORDS = 1_000_000
_BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse
_INVERSE = pow(_BASE, -1, 2**64)


class Texts:
    """The words of some documents, hashed, one after the other.

    Args:
        texts: of which 12 bytes a word are kept.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        rows = [_hashed(text) for text in texts]
        lengths = np.array([len(row) for row in rows], dtype=np.int64)
        self.n_words = int(lengths.sum())
        hashes = np.concatenate([np.empty(0, dtype=np.uint64), *rows])
        self._sums = np.zeros(self.n_words + 1, dtype=np.uint64)
        np.cumsum(hashes * _powers(_BASE, self.n_words)[: self.n_words], out=self._sums[1:])
        self._room = (np.repeat(np.cumsum(lengths), lengths) - np.arange(self.n_words)).astype(np.int32)

    def __repr__(self) -> str:
        return f"Texts(n_words={self.n_words})"

    def places(self, length: int, among: Integers | None = None) -> Integers:
        """The words at which a run of so many words begins, of all words or among some."""
        return np.flatnonzero(self._room >= length) if among is None else among[self._room[among] >= length]

    def runs(self, places: Integers, length: int) -> Hashes:
        """The hashes of the runs of so many words that begin at some words."""
        sums: Hashes = self._sums[places + length] - self._sums[places]
        return sums * _powers(_INVERSE, self.n_words)[places]

    def distinct_runs(self, length: int) -> Hashes:
        """The hashes of all runs of so many words, sorted, each once."""
        return np.unique(self.runs(self.places(length), length))


class RunIndex:
    """The runs of one length in the text of some groups, and which of them other texts hold.

    Args:
        groups: of both sides.
        length: words of a run.
    """

    def __init__(self, groups: Sequence[Texts], length: int) -> None:
        self.length = length
        held = np.empty(sum(texts.n_words for texts in groups), dtype=np.uint64)
        n_held = 0
        for texts in groups:
            runs = texts.distinct_runs(length)
            held[n_held : n_held + len(runs)] = runs
            n_held += len(runs)
        held = held[:n_held]
        held.sort()
        first = np.flatnonzero(np.append(True, held[1:] != held[:-1])[:n_held])
        self._runs = held[first]
        self._n_groups = np.minimum(np.diff(first, append=n_held), np.iinfo(np.uint8).max).astype(np.uint8)
        self._found = np.zeros(len(self._runs), dtype=np.bool_)

    def __repr__(self) -> str:
        return f"RunIndex(length={self.length}, n_runs={len(self._runs)}, n_found={int(self._found.sum())})"

    def n_templates(self, most_groups: int) -> int:
        """Number of distinct runs that stand in more than so many groups."""
        return int((self._n_groups > most_groups).sum())

    def find(self, texts: Texts, among: Integers | None = None) -> Integers:
        """Remember which runs some other texts hold.

        Args:
            texts: to search.
            among: words at which to look; all, if None.

        Returns:
            The words at which such a run begins.
        """
        places = texts.places(self.length, among)
        if not len(self._runs) or not len(places):
            return places[:0]
        runs = texts.runs(places, self.length)
        order = np.argsort(runs)
        runs = runs[order]
        at = np.minimum(np.searchsorted(self._runs, runs), len(self._runs) - 1)
        known = self._runs[at] == runs
        self._found[at[known]] = True
        return np.sort(places[order[known]])

    def of_group(self, texts: Texts) -> tuple[Booleans, NDArray[np.uint8]]:
        """Of each distinct run of an indexed group: whether it was found, and in how many groups it stands."""
        at = np.searchsorted(self._runs, texts.distinct_runs(self.length))
        return self._found[at], self._n_groups[at]

    def recall(self, groups: Sequence[Texts]) -> tuple[int, int]:
        """How many distinct runs some of the indexed groups have, and how many of them were found."""
        own = np.zeros(len(self._runs), dtype=np.bool_)
        for texts in groups:
            own[np.searchsorted(self._runs, texts.distinct_runs(self.length))] = True
        return int(own.sum()), int((own & self._found).sum())


def find_all(indices: Sequence[RunIndex], documents: Iterable[Document]) -> None:
    """Search documents for the runs of several indices.

    A longer run is looked for only where a shorter one begins, which is no restriction: the text that holds the longer
    one holds the shorter one as well.

    Args:
        indices: of the same groups.
        documents: read once.
    """
    ordered = sorted(indices, key=lambda index: index.length)
    for texts in _batches(documents):
        found: Integers | None = None
        for index in ordered:
            found = index.find(texts, found)


def _batches(documents: Iterable[Document]) -> Iterator[Texts]:
    held, n_characters = list[str](), 0
    for document in documents:
        held.append(document.text)
        n_characters += len(document.text)
        if n_characters >= 4 * BATCH_WORDS:
            yield Texts(held)
            held, n_characters = [], 0
    yield Texts(held)


def _hashed(text: str) -> Hashes:
    found = words(text)
    return np.fromiter(map(hash, found), dtype=np.int64, count=len(found)).view(np.uint64)


def _powers(base: int, count: int) -> Hashes:
    """The powers of a number modulo 2^64, from 0 on, at least so many."""
    return _so_many_powers(base, 1 << max(10, count.bit_length()))


@lru_cache(maxsize=4)
def _so_many_powers(base: int, count: int) -> Hashes:
    factors = np.full(count, base, dtype=np.uint64)
    factors[0] = 1
    return np.cumprod(factors)
