"""A run as plain data: nodes with a stage, its configuration and the nodes of its inputs.

All keys of a plan are known before anything runs. A study has many plans: nodes with equal keys are one artifact,
whatever their names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Any

from deidsynth.config import StageConfig
from deidsynth.corpora.provenance import extended
from deidsynth.documents import Origin
from deidsynth.errors import InputError
from deidsynth.stages.import_corpus import GIVEN_CORPUS, GIVEN_MODEL, IMPORT
from deidsynth.stages.specification import StageSpec
from deidsynth.workflow.store import artifact_key

SOURCES = {spec.name: spec for spec in (IMPORT, GIVEN_CORPUS, GIVEN_MODEL)}
"""The stages whose content comes from outside; available in every plan."""


@dataclass(frozen=True, slots=True)
class Node:
    """A future artifact: a stage, its configuration and inputs.

    Args:
        name: unique in its plan; not part of the key.
        stage: name of the stage.
        config: resolved configuration.
        inputs: name of another node, by role.
        seed: None if the stage is deterministic.
        precision: ``fp32`` or ``bf16``; None if the stage does not depend on it.
        source_digest: digest of the content, for a node whose content comes from outside.
        origin: of that content; an unknown origin counts as real.
        source_lineage: lineage of that content, if it came with a manifest.
        external: digest of the content of paths in ``config``, by dotted key; it replaces the path in the key.
        title: for display; by default the title of its stage. Like the following, not part of the key.
        box: its box in the diagram of the pipeline.
        published: path of each published output in the run folder, by name of the output.
    """

    name: str
    stage: str
    config: StageConfig = field(default_factory=StageConfig)
    inputs: Mapping[str, str] = field(default_factory=dict)
    seed: int | None = None
    precision: str | None = None
    source_digest: str | None = None
    origin: Origin = "real"
    source_lineage: Mapping[str, Any] | None = None
    external: Mapping[str, str] = field(default_factory=dict)
    title: str | None = None
    box: str | None = None
    published: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """An acyclic graph of nodes.

    Raises:
        InputError: a duplicate name, an input that is not a node, or a cycle.
    """

    nodes: tuple[Node, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "nodes", tuple(self.nodes))
        if len(self._by_name) != len(self.nodes):
            raise InputError("the plan has two nodes of the same name; give each node its own name")
        for node in self.nodes:
            for role, name in node.inputs.items():
                if name not in self._by_name:
                    raise InputError(f"{node.name}: input {role} is {name}, which is not a node of the plan")
        _ = self._order

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    def __getitem__(self, name: str) -> Node:
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Node]:
        return {node.name: node for node in self.nodes}

    @cached_property
    def _order(self) -> tuple[str, ...]:
        sorter: TopologicalSorter[str] = TopologicalSorter()
        for node in self.nodes:
            sorter.add(node.name, *node.inputs.values())
        try:
            return tuple(sorter.static_order())
        except CycleError as error:
            raise InputError(f"the plan has a cycle: {' <- '.join(error.args[1])}") from None

    def order(self) -> list[Node]:
        """The nodes in topological order; deterministic."""
        return [self._by_name[name] for name in self._order]

    def stage_of(self, node: Node, stages: Mapping[str, StageSpec]) -> StageSpec:
        """The stage of a node.

        Raises:
            InputError: ``stages`` does not contain it.
        """
        known = {**SOURCES, **stages}
        if node.stage not in known:
            raise InputError(f"{node.name}: no stage named {node.stage}; known: {', '.join(sorted(known))}")
        return known[node.stage]

    def keys(self, stages: Mapping[str, StageSpec]) -> dict[str, str]:
        """The key of every node, by name, in order.

        Args:
            stages: by name, for their versions.

        Raises:
            InputError: ``stages`` does not contain a stage of the plan.
        """
        keys: dict[str, str] = {}
        for node in self.order():
            keys[node.name] = artifact_key(
                stage=node.stage,
                stage_version=self.stage_of(node, stages).version,
                config=node.config.model_dump(mode="json"),
                seed=node.seed,
                precision=node.precision,
                inputs={role: keys[name] for role, name in node.inputs.items()},
                source=node.source_digest,
                external=node.external,
            )
        return keys

    def ancestors(self, name: str) -> list[Node]:
        """The ancestors of a node, in order."""
        found: set[str] = set()
        front = list(self._by_name[name].inputs.values())
        while front:
            current = front.pop()
            if current not in found:
                found.add(current)
                front.extend(self._by_name[current].inputs.values())
        return [node for node in self.order() if node.name in found]


def merge(plans: Iterable[Plan]) -> Plan:
    """The nodes of several plans in one; nodes of the same name must be equal.

    Raises:
        InputError: two plans have different nodes of the same name.
    """
    nodes: dict[str, Node] = {}
    for plan in plans:
        for node in plan:
            if nodes.setdefault(node.name, node) != node:
                raise InputError(f"{node.name}: two plans have different nodes of this name; rename one of them")
    return Plan(tuple(nodes.values()))


def lineage(
    plan: Plan, name: str, keys: Mapping[str, str], stages: Mapping[str, StageSpec]
) -> dict[str, list[dict[str, Any]]]:
    """The data from outside that an artifact derives from, one entry per source, by origin of the data.

    Args:
        plan: the plan of the node.
        name: name of the node.
        keys: key of every node of the plan.
        stages: by name.

    Returns:
        ``real_data``, ``invented_data``; also ``synthetic_data`` and ``unknown_models`` for inputs without a manifest.
        For each source its key; ``direct``, whether the artifact or one of its inputs contains
        the source's own text; ``via``, the stages between source and artifact; ``parts``, the splits that were used.
    """
    node, above = plan[name], plan.ancestors(name)
    result: dict[str, list[dict[str, Any]]] = {"real_data": [], "invented_data": []}
    for source in [*above, node]:
        if source.source_digest is None:
            continue
        on_path = [each for each in above if source in (each, *plan.ancestors(each.name))]
        via = list(dict.fromkeys(each.stage for each in on_path))
        if source.source_lineage is not None:
            for kind, entries in extended(source.source_lineage, *via).items():
                result.setdefault(kind, []).extend(entries)
            if source.stage == GIVEN_MODEL.name or source.origin != "real":
                continue
        touching = [each for each in on_path if each.name in node.inputs.values()]
        splits = {getattr(each.config, "part", None) for each in [*on_path, node]}
        entry = {
            "source": keys[source.name],
            "direct": any(plan.stage_of(each, stages).holds_source_text for each in [node, *touching]),
            "via": via,
            "parts": sorted(split for split in splits if split is not None),
        }
        kind = "unknown_models" if source.stage == GIVEN_MODEL.name else f"{source.origin}_data"
        result.setdefault(kind, []).append(entry)
    return result
