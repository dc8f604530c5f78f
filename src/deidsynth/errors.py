"""Every error that deidsynth raises on purpose.

    DeidsynthError                     exit code 3
    ├── InputError                     exit code 2: the user's input is invalid
    │   ├── ConfigError                all faults of a configuration, at once
    │   ├── CorpusError                all faults of a corpus, with file and line
    │   ├── TooLargeError              a compressed file unpacks to more than the limit
    │   ├── DocumentError              one document breaks a rule of its type
    │   │   ├── InvalidEntityError     an entity out of bounds, empty or without a label
    │   │   └── OverlappingEntitiesError
    │   ├── UnrepresentableError       a format cannot represent what it was given
    │   ├── ModelNotFoundError         a model name or folder that does not resolve
    │   ├── ModelNotUsableError        a model that was found but cannot do the job
    │   ├── MissingExtraError          an optional dependency is not installed
    │   └── OutputInUseError           another run is using the folder
    ├── CheckFailedError               exit code 1: a check said no
    ├── EngineError                    exit code 3: a text engine gave no usable answer
    ├── StorageError                   exit code 3: the disk is full or not writable
    └── IntegrityError                 exit code 3: an artifact does not match its manifest

An error names the file, the document, the place and the remedy. It never contains text of a corpus.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


class DeidsynthError(Exception):
    """Base of all errors of this package."""

    exit_code = 3


class InputError(DeidsynthError):
    """The user's input is invalid; the message says how to fix it."""

    exit_code = 2


class ConfigError(InputError):
    """A configuration has faults; every one is listed (the first few in the message).

    Args:
        problems: one line for each fault, such as ``train.epochs: expected >= 1, got 0``.
        source: the file or option that the configuration came from.
    """

    shown = 20

    def __init__(self, problems: Sequence[str], source: str = "configuration") -> None:
        self.problems = tuple(problems)
        self.source = source
        count = len(self.problems)
        head = f"{source}: {count} problem{'' if count == 1 else 's'}"
        lines = [head, *(f"  {problem}" for problem in self.problems[: self.shown])]
        if count > self.shown:
            lines.append(f"  ... and {count - self.shown} more")
        super().__init__("\n".join(lines))


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a corpus on disk: where it is, what it is, and what to do about it.

    Args:
        path: the file, as the user would type it.
        message: what is wrong and the remedy, without any text of the corpus.
        line: one-based line number, where one applies.
        code: a short stable name such as ``text-mismatch``.
        fatal: whether it prevents building a corpus; if not, the problem is a warning.
        of_entity: whether the fault is that of one entity, and gone once that is left out.
    """

    path: str
    message: str
    line: int | None = None
    code: str = "invalid"
    fatal: bool = True
    of_entity: bool = False

    def __str__(self) -> str:
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{place}: {self.message}"


class CorpusError(InputError):
    """A corpus cannot be read; every fault is listed (the first few in the message).

    Args:
        problems: the faults, or one message if they do not concern a file.
    """

    shown = 20

    def __init__(self, problems: Sequence[Problem] | str) -> None:
        self.problems: tuple[Problem, ...] = ()
        if isinstance(problems, str):
            super().__init__(problems)
            return
        self.problems = tuple(problems)
        count = len(self.problems)
        lines = [f"the corpus has {count} problem{'' if count == 1 else 's'}:"]
        lines += [f"  {problem}" for problem in self.problems[: self.shown]]
        if count > self.shown:
            lines.append(f"  ... and {count - self.shown} more")
        if all(problem.of_entity for problem in self.problems):
            lines.append("  fix them, or leave these entities out with --skip-invalid (skip_invalid=True in Python)")
        super().__init__("\n".join(lines))


class TooLargeError(InputError):
    """A compressed file unpacks to more than the limit.

    Args:
        problem: which file, what the limit is, and how to raise it.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


class DocumentError(InputError):
    """A document breaks a rule of its type."""


class InvalidEntityError(DocumentError):
    """An entity is out of bounds, empty, or has no label."""


class OverlappingEntitiesError(DocumentError):
    """Two entities of one document share characters."""


class UnrepresentableError(InputError):
    """A format cannot represent what it was asked to write."""


class ModelNotFoundError(InputError):
    """A model name or folder does not resolve to a model."""


class ModelNotUsableError(InputError):
    """A model was found but cannot be used for the task."""


class MissingExtraError(InputError):
    """An optional dependency is not installed.

    Args:
        feature: what the user asked for.
        extra: the extra of this package that installs it.
    """

    def __init__(self, feature: str, extra: str) -> None:
        self.feature, self.extra = feature, extra
        super().__init__(f"{feature} needs an optional dependency: pip install 'deidsynth[{extra}]'")


class OutputInUseError(InputError):
    """Another run is using the output folder or the artifact."""


class CheckFailedError(DeidsynthError):
    """A check failed."""

    exit_code = 1


class EngineError(DeidsynthError):
    """A text generation server is unreachable, or its answer is not text."""


class StorageError(DeidsynthError):
    """The disk is full, read-only or missing."""


class IntegrityError(DeidsynthError):
    """An artifact on disk does not match its manifest."""


class OtherVersionError(IntegrityError):
    """A file was written by a version of deidsynth whose files this one does not read."""


def type_and_place(error: BaseException) -> str:
    """The type of an unexpected exception and where in this package it came from; its message might quote a document.

    >>> type_and_place(ValueError("a name"))
    'ValueError'
    """
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).resolve().is_relative_to(_PACKAGE)]
    place = ""
    if ours:
        place = f" at {Path(ours[-1].filename).resolve().relative_to(_PACKAGE.parent)}:{ours[-1].lineno}"
    return f"{type(error).__name__}{place}"
