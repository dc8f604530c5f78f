"""Many cases in a row: which distinct faults they show, each with the smallest input that shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from fuzz import targets
from fuzz.case import Case
from fuzz.judging import Fault
from fuzz.reducing import reduced
from fuzz.runner import Worker

SLOW = ("no answer", "more than")
"""Faults that take too long to be shown again and again, so that their inputs are not made smaller."""


class Campaign:
    """The cases of one worker.

    Args:
        worker: runs them.
        folder: where failing inputs are saved.
    """

    def __init__(self, worker: Worker, folder: Path) -> None:
        self.worker, self._folder = worker, folder
        self._bases = worker.bases
        self.n_cases = 0
        self.counts: Counter[Fault] = Counter()
        self.smallest: dict[Fault, Case] = {}

    def run(self, kind: str, seed: int, numbers: Iterable[int]) -> None:
        """Run the cases with these numbers and remember their faults."""
        for number in numbers:
            case = targets.draw(kind, seed, number, self._bases)
            self.n_cases += 1
            for fault in dict.fromkeys(self.worker.faults(case)):
                self.counts[fault] += 1
                if fault not in self.smallest or case.size < self.smallest[fault].size:
                    self.smallest[fault] = case

    def saved(self, seconds: float = 0.0) -> dict[Fault, Path]:
        """Every distinct fault with the file of an input that shows it, made smaller for so long each."""
        return {fault: self._reduced(fault, case, seconds).save(self._folder) for fault, case in self.smallest.items()}

    def _reduced(self, fault: Fault, case: Case, seconds: float) -> Case:
        if fault.broken.startswith(SLOW):
            return case
        return reduced(case, lambda smaller: fault in self.worker.faults(smaller), seconds)
