"""Sharding of nodes: shards are computed in parallel, and the whole equals that of an undivided computation.

A divisible stage keeps finished pieces of its work in its scratch folder and reuses those that it finds
there. A shard is a node of its own that computes some of the pieces; before the whole node runs, they are put into its
scratch folder. The key of the whole does not depend on sharding.
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
from deidsynth.files import MANIFEST, storage_errors, temporary_beside
from deidsynth.stages.specification import StageContext, StageSpec
from deidsynth.workflow.plan import Node, Plan
from deidsynth.workflow.store import Store

Parts = Mapping[str, Sequence[str]]
"""The names of a node's shards, by the name of the node."""

_SUFFIX = "-part"


class PartConfig(StageConfig):
    """The configuration of a shard.

    Args:
        number: of the shard, zero-based.
        n_parts: number of shards.
        whole: configuration of the whole.
    """

    number: int
    n_parts: int
    whole: SerializeAsAny[StageConfig]


@dataclass(frozen=True, slots=True)
class PartOfStage:
    """Computes one shard of the work of a stage."""

    of: StageSpec

    def run(
        self, config: PartConfig, inputs: Mapping[str, Path], output: Path, context: StageContext
    ) -> Mapping[str, Any]:
        """Compute the shard."""
        return self.of.run_part(config.whole, inputs, output, context, config.number, config.n_parts)


def with_parts(stages: Mapping[str, StageSpec]) -> dict[str, StageSpec]:
    """The stages, and for each divisible one the stage of its shards."""
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
    """The name of the stage that a shard belongs to; any other name unchanged."""
    return stage.removesuffix(_SUFFIX)


def divide(
    plan: Plan, store: Store, stages: Mapping[str, StageSpec], n_parts: int
) -> tuple[Plan, Mapping[str, StageSpec], Parts]:
    """The plan with shards for all divisible nodes that are not in the store, its stages, and the names of the shards.

    Args:
        plan: without shards.
        store: of the artifacts.
        stages: by name.
        n_parts: shards per node; 1 does not change the plan.
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
    """Put the files of shards into a scratch folder, as links if the file system supports them.

    Raises:
        StorageError: the disk is full or not writable.
    """
    with storage_errors(scratch):
        for file in (file for part in parts if part.is_dir() for file in part.iterdir() if file.name != MANIFEST):
            target = scratch / file.name
            if target.exists():
                continue
            with contextlib.suppress(OSError):
                os.link(file, target)
                continue
            temporary = temporary_beside(target)
            shutil.copyfile(file, temporary)
            temporary.replace(target)
