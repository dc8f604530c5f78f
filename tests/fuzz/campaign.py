"""Many cases in a row: which distinct faults they show, each with the smallest input that shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from fuzz import targets
from fuzz.case import Case
from fuzz.judging import Fault
from fuzz.reducing import reduced
from fuzz.runner import Worker

SLOW = ("no answer", "more than")
"""Faults that take too long to be shown again and again, so that their inputs are not made smaller."""


class Campaign:
    """The cases of one worker, and where the smallest input of each distinct fault is saved as soon as it is found.

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
        self.saved: dict[Fault, Path] = {}

    def run(self, kind: str, seed: int, numbers: Iterable[int]) -> None:
        """Run the cases with these numbers and remember their faults."""
        for number in numbers:
            case = targets.draw(kind, seed, number, self._bases)
            self.n_cases += 1
            for fault in dict.fromkeys(self.worker.faults(case)):
                self.counts[fault] += 1
                if fault not in self.smallest or case.size < self.smallest[fault].size:
                    self._keep(fault, case)

    def reduce(self, seconds: float) -> None:
        """Make the input of every fault smaller, for so long each."""
        for fault, case in list(self.smallest.items()):
            if not fault.broken.startswith(SLOW):
                self._keep(fault, reduced(case, partial(self._shows, fault), seconds))

    def _shows(self, fault: Fault, case: Case) -> bool:
        return fault in self.worker.faults(case)

    def _keep(self, fault: Fault, case: Case) -> None:
        before = self.saved.pop(fault, None)
        if before is not None and before not in self.saved.values():
            before.unlink()
        self.smallest[fault], self.saved[fault] = case, case.save(self._folder)
