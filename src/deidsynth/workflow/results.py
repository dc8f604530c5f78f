"""Results and failures of nodes, and the surroundings of their execution, which are not part of any key."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from deidsynth.errors import DeidsynthError, InputError
from deidsynth.progress import Progress, SilentProgress
from deidsynth.workflow.store import Artifact

Source = Callable[[Path], Mapping[str, Any]]
"""Writes the files of an artifact from outside data into a folder, and returns facts for the manifest."""

_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class NodeResult:
    """The result of one node.

    Args:
        name: of the node.
        stage: of the node.
        key: of the artifact.
        status: ``done`` if it was computed now, ``cached`` if it existed.
        duration_seconds: time of its computation, now or then.
        artifact: the artifact.
    """

    name: str
    stage: str
    key: str
    status: Literal["done", "cached"]
    duration_seconds: float
    artifact: Artifact


@dataclass(frozen=True, slots=True)
class Failure:
    """The failure of a node.

    Args:
        name: of the node.
        message: for the user; never text of a corpus.
        exit_code: 2 if the user's input is at fault, else 3.
    """

    name: str
    message: str
    exit_code: int = 3

    def error(self) -> DeidsynthError:
        """The failure as an exception."""
        kind = InputError if self.exit_code == InputError.exit_code else DeidsynthError
        return kind(f"{self.name}: {self.message}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Results and failures of a plan by node name. A node in neither depends on one that failed."""

    results: dict[str, NodeResult] = field(default_factory=dict)
    failures: dict[str, Failure] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Settings that are not part of any key: device and progress."""

    device: str = "cpu"
    progress: Progress = field(default_factory=SilentProgress)


def failure_of(name: str, error: Exception) -> Failure:
    """The message of an exception: our own verbatim, others by type and location, since they may quote text."""
    if isinstance(error, DeidsynthError):
        return Failure(name, str(error), error.exit_code)
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).resolve().is_relative_to(_PACKAGE)]
    place = f" at {Path(ours[-1].filename).resolve().relative_to(_PACKAGE.parent)}:{ours[-1].lineno}" if ours else ""
    return Failure(name, f"unexpected {type(error).__name__}{place}")
