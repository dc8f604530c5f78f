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
from typing import Any

from pydantic import SerializeAsAny

from deidsynth.config import StageConfig
from deidsynth.files import storage_errors
from deidsynth.stages.specification import StageContext, StageSpec
from deidsynth.workflow.plan import Node, Plan
from deidsynth.workflow.store import Store
from deidsynth.workflow.store.manifest import FILE_NAME

Parts = Mapping[str, Sequence[str]]
"""The names of a node's parts, by its own."""

_SUFFIX = "-part"


class PartConfig(StageConfig):
    """Which part of which whole.

    Args:
        number: of the part, zero-based.
        n_parts: how many there are.
        whole: configuration of the whole.
    """

    number: int
    n_parts: int
    whole: SerializeAsAny[StageConfig]


@dataclass(frozen=True, slots=True)
class PartOfStage:
    """Makes one part of the work of a stage."""

    of: StageSpec

    def run(
        self, config: PartConfig, inputs: Mapping[str, Path], output: Path, context: StageContext
    ) -> Mapping[str, Any]:
        """Make the part."""
        return self.of.run_part(config.whole, inputs, output, context, config.number, config.n_parts)


def with_parts(stages: Mapping[str, StageSpec]) -> dict[str, StageSpec]:
    """The stages, and for each that can be divided the one that makes its parts."""
    parts = [
        replace(
            stage,
            name=stage.name + _SUFFIX,
            config_type=PartConfig,
            implementation=PartOfStage(stage),
            is_divisible=False,
            check=None,
        )
        for stage in stages.values()
        if stage.is_divisible
    ]
    return {**stages, **{part.name: part for part in parts}}


def whole_of(stage: str) -> str:
    """The name of the stage that a part belongs to; any other name as it is."""
    return stage.removesuffix(_SUFFIX)


def divide(
    plan: Plan, store: Store, stages: Mapping[str, StageSpec], n_parts: int
) -> tuple[Plan, Mapping[str, StageSpec], Parts]:
    """The plan with nodes for the parts of all that can be divided and is not there, its stages, and who has parts.

    Args:
        plan: as it is without parts.
        store: where artifacts are looked up.
        stages: by name.
        n_parts: of each node; 1 leaves the plan as it is.
    """
    if n_parts < 2:
        return plan, stages, {}
    keys = plan.keys(stages)
    nodes: list[Node] = []
    parts: dict[str, list[str]] = {}
    for node in plan:
        if plan.stage_of(node, stages).is_divisible and not store.has(keys[node.name], node.stage):
            made = [_part(node, number, n_parts) for number in range(n_parts)]
            parts[node.name] = [part.name for part in made]
            nodes += made
        nodes.append(node)
    return Plan(tuple(nodes)), with_parts(stages), parts


def _part(node: Node, number: int, n_parts: int) -> Node:
    config = PartConfig(number=number, n_parts=n_parts, whole=node.config)
    external = {f"whole.{dotted}": content for dotted, content in node.external.items()}
    name = f"{node.name} {number + 1} of {n_parts}"
    stage = node.stage + _SUFFIX
    return replace(node, name=name, stage=stage, config=config, external=external, published={})


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
