"""Identifying values of the training text that stand again in another text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from deidsynth.metrics.tokens import words


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
        groups: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
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
