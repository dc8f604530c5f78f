"""What an executor is: a plan in, one result a node out. Where and in what order the nodes run is its own affair."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from deidsynth.progress import Progress, SilentProgress
from deidsynth.workflow.plan import Plan
from deidsynth.workflow.store import Artifact, Store

if TYPE_CHECKING:
    from deidsynth.stages.stage import Stage

Source = Callable[[Path], Mapping[str, Any]]
"""Writes an artifact's files from data outside the store into a folder, and returns facts for the manifest."""


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
class Surroundings:
    """What is no part of any key: where to compute, and who listens."""

    device: str = "cpu"
    progress: Progress = field(default_factory=SilentProgress)


class Executor(Protocol):
    """Runs plans."""

    def __call__(
        self,
        plan: Plan,
        store: Store,
        stages: Mapping[str, Stage],
        *,
        sources: Mapping[str, Source],
        surroundings: Surroundings,
    ) -> Sequence[NodeResult]:
        """Make every artifact of the plan that is not in the store, and return one result a node, in order."""
