"""What becomes of nodes: results and failures, and what running them needs that is no part of any key."""

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
"""Writes an artifact's files from data outside the store into a folder, and returns facts for the manifest."""

_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class NodeResult:
    """What became of one node.

    Args:
        name: of the node.
        stage: of the node.
        key: of the artifact.
        status: ``done`` if it was computed now, ``cached`` if it was there.
        duration_seconds: what computing it took, now or back then.
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
    """Why a node has no artifact.

    Args:
        name: of the node.
        message: what to tell; never text of a corpus.
        exit_code: 2 where the user's input is at fault, else 3.
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
    """What became of a plan: results and failures by node name. A node in neither waits for one that failed."""

    results: dict[str, NodeResult] = field(default_factory=dict)
    failures: dict[str, Failure] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is no part of any key: where to compute, and who listens."""

    device: str = "cpu"
    progress: Progress = field(default_factory=SilentProgress)


def failure_of(name: str, error: Exception) -> Failure:
    """What to tell of an exception: our own messages as they are, others by type and place, since they might quote."""
    if isinstance(error, DeidsynthError):
        return Failure(name, str(error), error.exit_code)
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).resolve().is_relative_to(_PACKAGE)]
    place = f" at {Path(ours[-1].filename).resolve().relative_to(_PACKAGE.parent)}:{ours[-1].lineno}" if ours else ""
    return Failure(name, f"unexpected {type(error).__name__}{place}")
