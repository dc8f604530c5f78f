"""Runs of words that texts share, in arrays: some twelve bytes for each word, where sets would take two hundred.

A run is named by a hash of 64 bits: of a hundred million runs, two have the same name once in four thousand corpora.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from deidsynth.privacy.near_duplicates import RUN_WORDS

Names = NDArray[np.uint64]
Integers = NDArray[np.int64]

_PORTION = 1 << 19  # names that are sorted at once
_FACTORS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB), np.uint64(0x9E3779B97F4A7C15))


class SharedRuns:
    """The runs of texts, and which texts share how many of them.

    Args:
        numbered: for each text the numbers of its words; taken one by one.
        most_holders: a run in more texts than this is a template and does not count.
    """

    def __init__(self, numbered: Iterable[Integers], most_holders: int) -> None:
        names, sizes = array("Q"), array("q")
        for numbers in numbered:
            found = _names(numbers)
            names.frombytes(found.tobytes())
            sizes.append(len(found))
        self.n_runs = np.array(sizes, dtype=np.int64)
        """How many different runs each text has, templates among them. Shape (n_texts,)."""
        self.n_counted = np.zeros(len(sizes), dtype=np.int64)
        """How many of them count. Shape (n_texts,)."""
        self._holders, self._starts = self._shared(np.frombuffer(names, dtype=np.uint64), most_holders)

    def __iter__(self) -> Iterator[tuple[int, Integers, Integers]]:
        """For each text with runs of earlier ones: its number, their numbers, and how many runs each shares with it."""
        runs = np.repeat(np.arange(len(self._starts)), np.diff(self._starts, append=len(self._holders)))
        by_text = np.argsort(self._holders, kind="stable")
        bounds = np.concatenate([[0], np.cumsum(np.bincount(self._holders, minlength=len(self.n_runs)))]).tolist()
        for text, (first, last) in enumerate(pairwise(bounds)):
            places = by_text[first:last]
            earlier = places - self._starts[runs[places]]  # holders are in the order of the texts
            total = int(earlier.sum())
            if total:
                ends = np.cumsum(earlier)
                within = np.arange(total) - np.repeat(ends - earlier, earlier)
                others, counts = np.unique(
                    self._holders[np.repeat(places - earlier, earlier) + within], return_counts=True
                )
                yield text, others.astype(np.int64), counts

    def _shared(self, names: Names, most_holders: int) -> tuple[NDArray[np.int32], Integers]:
        """The texts that hold each run that several have, run after run, and where the texts of each run begin."""
        ends = np.cumsum(self.n_runs)
        holders, sizes = array("i"), array("q")
        n_portions = len(names) // _PORTION + 1
        for portion in range(n_portions):
            places = _of_portion(names, portion, n_portions)
            owners = np.searchsorted(ends, places, side="right")
            order = np.argsort(names[places], kind="stable")
            same, owners = names[places[order]], owners[order]
            firsts = np.flatnonzero(np.concatenate([[True], same[1:] != same[:-1]])[: len(same)])
            widths = np.diff(firsts, append=len(same))
            counted = np.repeat(widths <= most_holders, widths)
            self.n_counted += np.bincount(owners[counted], minlength=len(self.n_counted))
            kept = (widths > 1) & (widths <= most_holders)
            holders.frombytes(owners[np.repeat(kept, widths)].astype(np.int32).tobytes())
            sizes.frombytes(widths[kept].astype(np.int64).tobytes())
        starts = np.cumsum(np.concatenate([[0], np.array(sizes, dtype=np.int64)]))[:-1]
        return np.frombuffer(holders, dtype=np.int32), starts


def _of_portion(names: Names, portion: int, n_portions: int) -> Integers:
    """The places of the names that fall into a portion of all; equal names fall into the same."""
    found = [
        first + np.flatnonzero(names[first : first + _PORTION] % np.uint64(n_portions) == portion)
        for first in range(0, len(names), _PORTION)
    ]
    return np.concatenate([np.zeros(0, dtype=np.int64), *found])


def _names(numbers: Integers) -> Names:
    """The different names of the runs of a text, sorted."""
    n_runs = len(numbers) - RUN_WORDS + 1
    if n_runs < 1:
        return np.zeros(0, dtype=np.uint64)
    mixed = _mixed(numbers.astype(np.uint64))
    found = np.zeros(n_runs, dtype=np.uint64)
    for offset in range(RUN_WORDS):
        found = found * _FACTORS[2] + mixed[offset : offset + n_runs]
    return np.unique(_mixed(found))


def _mixed(values: Names) -> Names:
    """Other values of 64 bits, one for one, that look random.

    Source: Steele et al. 2014 (Fast splittable pseudorandom number generators), figure 17 (variant 13 of Stafford).
    """
    values = values + _FACTORS[2]
    values = (values ^ (values >> np.uint64(30))) * _FACTORS[0]
    values = (values ^ (values >> np.uint64(27))) * _FACTORS[1]
    return values ^ (values >> np.uint64(31))
