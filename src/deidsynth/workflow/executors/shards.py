"""Nodes that are divided: parts made side by side, then a whole that is the same as if it had been made at once.

A stage that can be divided keeps finished pieces of its work in its scratch folder and goes on from those it finds
there. A part is a node of its own that makes some of the pieces; before the whole node runs, they are put into its
scratch folder. The key of the whole knows nothing of it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from deidsynth.config import StageConfig, parse
from deidsynth.files import storage_errors
from deidsynth.workflow.plan import Node, Plan
from deidsynth.workflow.store import Store
from deidsynth.workflow.store.manifest import FILE_NAME

if TYPE_CHECKING:
    from deidsynth.stages.stage import Stage, StageContext

Parts = Mapping[str, Sequence[str]]
"""The names of a node's parts, by its own."""

_SUFFIX = "-part"


@runtime_checkable
class Divisible(Protocol):
    """What a stage has to have beside the rest, if it can be divided."""

    def run_part(
        self, config: Any, inputs: Mapping[str, Path], output: Path, context: StageContext, part: int, n_parts: int
    ) -> Mapping[str, Any]:
        """Write some of the files that ``run`` would keep in its scratch folder into ``output``.

        All parts together may leave files out, which ``run`` then makes, but make none that it would not.

        Args:
            config: as for ``run``; also the inputs and the context.
            inputs: folder of each input artifact, by role.
            output: an existing folder, which may hold an earlier attempt's files.
            context: seed, precision, device, listener.
            part: zero-based.
            n_parts: how many there are.

        Returns:
            Facts for the manifest.
        """


class PartConfig(StageConfig):
    """Which part of which whole.

    Args:
        number: of the part, zero-based.
        n_parts: how many there are.
        whole: configuration of the whole.
    """

    number: int
    n_parts: int
    whole: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PartStage:
    """The stage that makes one part of another stage's work."""

    of: Stage
    config_type: type[StageConfig] = PartConfig

    @property
    def name(self) -> str:
        """The other stage's name with ``-part``."""
        return self.of.name + _SUFFIX

    @property
    def version(self) -> int:
        """The other stage's."""
        return self.of.version

    def run(
        self, config: PartConfig, inputs: Mapping[str, Path], output: Path, context: StageContext
    ) -> Mapping[str, Any]:
        """Make the part."""
        assert isinstance(self.of, Divisible)
        whole = parse(self.of.config_type, config.whole, source=self.of.name)
        return self.of.run_part(whole, inputs, output, context, config.number, config.n_parts)


def with_parts(stages: Mapping[str, Stage]) -> dict[str, Stage]:
    """The stages, and for each that can be divided the one that makes its parts."""
    parts: list[Stage] = [PartStage(stage) for stage in stages.values() if isinstance(stage, Divisible)]
    return {**stages, **{part.name: part for part in parts}}


def divide(
    plan: Plan, store: Store, stages: Mapping[str, Stage], n_parts: int
) -> tuple[Plan, Mapping[str, Stage], Parts]:
    """The plan with nodes for the parts of all that can be divided and is not there, its stages, and who has parts.

    Args:
        plan: as it is without parts.
        store: where artifacts are looked up.
        stages: by name.
        n_parts: of each node; 1 leaves the plan as it is.
    """
    if n_parts < 2:
        return plan, stages, {}
    keys = plan.keys({name: stage.version for name, stage in stages.items()})
    nodes: list[Node] = []
    parts: dict[str, list[str]] = {}
    for node in plan:
        if isinstance(stages.get(node.stage), Divisible) and not store.has(keys[node.name], node.stage):
            made = [_part(node, number, n_parts) for number in range(n_parts)]
            parts[node.name] = [part.name for part in made]
            nodes += made
        nodes.append(node)
    return Plan(tuple(nodes)), with_parts(stages), parts


def _part(node: Node, number: int, n_parts: int) -> Node:
    config = {"number": number, "n_parts": n_parts, "whole": dict(node.config)}
    external = {f"whole.{dotted}": content for dotted, content in node.external.items()}
    name = f"{node.name} {number + 1} of {n_parts}"
    return replace(node, name=name, stage=node.stage + _SUFFIX, config=config, external=external)


def place_parts(parts: Sequence[Path], scratch: Path) -> None:
    """Put the files of parts into a scratch folder, without copying them where the file system can do so.

    Raises:
        StorageError: the disk is full or cannot be written.
    """
    with storage_errors(scratch):
        for file in (file for part in parts if part.is_dir() for file in part.iterdir() if file.name != FILE_NAME):
            target = scratch / file.name
            if target.exists():
                continue
            with contextlib.suppress(OSError):
                os.link(file, target)
                continue
            temporary = target.with_name(f".{target.name}.tmp")
            shutil.copyfile(file, temporary)
            temporary.replace(target)
