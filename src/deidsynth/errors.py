"""Every error that deidsynth raises on purpose.

    DeidsynthError                     exit code 3
    ├── InputError                     exit code 2: the user's input is at fault
    │   ├── ConfigError                all faults of a configuration, at once
    │   ├── CorpusError                all faults of a corpus, with file and line
    │   ├── DocumentError              one document breaks a rule of its type
    │   │   ├── InvalidEntityError     an entity out of bounds, empty or without a label
    │   │   └── OverlappingEntitiesError
    │   ├── UnrepresentableError       a format cannot hold what it was given
    │   ├── ModelNotFoundError         a model name or folder that does not resolve
    │   ├── ModelNotUsableError        a model that was found but cannot do the job
    │   ├── MissingExtraError          an optional dependency is not installed
    │   └── OutputInUseError           another run holds the folder
    ├── CheckFailedError               exit code 1: a check said no
    ├── EngineError                    exit code 3: a text engine gave no usable answer
    ├── StorageError                   exit code 3: the disk is full or cannot be written
    └── IntegrityError                 exit code 3: an artifact is not what its manifest says

An error names the file, the document, the place and the remedy. It never holds text of a corpus.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class DeidsynthError(Exception):
    """Base of all errors of this package."""

    exit_code = 3


class InputError(DeidsynthError):
    """The user's input is at fault; the message says how to mend it."""

    exit_code = 2


class ConfigError(InputError):
    """A configuration has faults; all of them are listed.

    Args:
        problems: one line for each fault, such as ``train.epochs: expected >= 1, got 0``.
        source: the file or option that the configuration came from.
    """

    def __init__(self, problems: Sequence[str], source: str = "configuration") -> None:
        self.problems = tuple(problems)
        self.source = source
        count = len(self.problems)
        head = f"{source}: {count} problem{'' if count == 1 else 's'}"
        super().__init__("\n".join([head, *(f"  {problem}" for problem in self.problems)]))


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a corpus on disk: where it is, what it is, and what to do about it.

    Args:
        path: the file, as the user would type it.
        message: what is wrong and the remedy, without any text of the corpus.
        line: one-based line number, where one applies.
        code: a short stable name such as ``text-mismatch``.
        fatal: whether a corpus cannot be built while the problem stands.
    """

    path: str
    message: str
    line: int | None = None
    code: str = "invalid"
    fatal: bool = True

    def __str__(self) -> str:
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{place}: {self.message}"


class CorpusError(InputError):
    """A corpus cannot be read; every fault is listed (the first few in the message).

    Args:
        problems: the faults, or one message where no file is to blame.
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
        super().__init__("\n".join(lines))


class DocumentError(InputError):
    """A document breaks a rule of its type."""


class InvalidEntityError(DocumentError):
    """An entity is out of bounds, empty, or has no label."""


class OverlappingEntitiesError(DocumentError):
    """Two entities of one document share characters."""


class UnrepresentableError(InputError):
    """A format cannot hold what it was asked to write."""


class ModelNotFoundError(InputError):
    """A model name or folder does not resolve to a model."""


class ModelNotUsableError(InputError):
    """A model was found but cannot do what is asked of it."""


class MissingExtraError(InputError):
    """An optional dependency is not installed.

    Args:
        feature: what the user asked for.
        extra: the extra of this package that brings it.
    """

    def __init__(self, feature: str, extra: str) -> None:
        self.feature, self.extra = feature, extra
        super().__init__(f"{feature} needs an optional dependency: pip install 'deidsynth[{extra}]'")


class OutputInUseError(InputError):
    """Another run is using the output folder or the artifact."""


class CheckFailedError(DeidsynthError):
    """A check was made and the answer is no."""

    exit_code = 1


class EngineError(DeidsynthError):
    """A server that texts are sampled from is gone, or what it answers is no text."""


class StorageError(DeidsynthError):
    """The disk is full, read-only or gone."""


class IntegrityError(DeidsynthError):
    """An artifact on disk is not what its manifest says."""
