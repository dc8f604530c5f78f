"""Cases given to a worker process, which is replaced when it hangs or dies, and the faults that they show."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections import Counter
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from fuzz import bases
from fuzz.case import Case
from fuzz.judging import Fault, faults_of, verb_of
from fuzz.worker import Outcome, serve

HANGS_AFTER_SECONDS = 40.0
"""Of waiting for one command, however busy the machine is; 10 s of processor time are a fault as well."""

START_SECONDS = 300.0


class Worker:
    """A process that runs cases.

    Args:
        folder: where the bases and the files of cases are written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._folder.mkdir(parents=True, exist_ok=True)
        self.codes: Counter[str] = Counter()
        self.peak_bytes = 0
        self.slowest = (0.0, "")
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, self._folder), daemon=True)
        self._process.start()
        theirs.close()
        if not self._connection.poll(START_SECONDS):
            raise RuntimeError("the worker of the fuzzer does not start")
        self._connection.recv()

    @cached_property
    def bases(self) -> bases.Bases:
        """The valid files that cases begin with."""
        return bases.read(self._folder / "bases", self._folder / "home")

    def outcomes(self, case: Case) -> tuple[list[Outcome], Fault | None]:
        """What became of the commands, and the fault of the one that hung or ended the process."""
        self._connection.send(case)
        found: list[Outcome] = []
        for command in case.commands:
            outcome = self._await(command)
            if isinstance(outcome, Fault):
                self._start()
                return found, outcome
            found.append(outcome)
            self.codes[f"{verb_of(command)} {outcome.raised or outcome.exit_code}"] += 1
            self.peak_bytes = max(self.peak_bytes, outcome.peak_bytes)
            self.slowest = max(self.slowest, (outcome.seconds, " ".join(command)))
        return found, None

    def _await(self, command: tuple[str, ...]) -> Outcome | Fault:
        until = time.monotonic() + HANGS_AFTER_SECONDS
        try:
            if self._connection.poll(until - time.monotonic()):
                outcome: Outcome = self._connection.recv()
                return outcome
        except (EOFError, ConnectionResetError):
            self._process.join()
            code = self._process.exitcode or 0
            return Fault("the process died", verb_of(command), signal.Signals(-code).name if code < 0 else str(code))
        self.close()
        return Fault(f"no answer in {HANGS_AFTER_SECONDS:.0f} s", verb_of(command))

    def faults(self, case: Case) -> list[Fault]:
        """The properties that a case broke."""
        outcomes, ended = self.outcomes(case)
        found = [fault for outcome in outcomes for fault in faults_of(case, outcome)]
        return [*found, ended] if ended is not None else found

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
