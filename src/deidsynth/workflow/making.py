"""Execution of one node of a plan: finished artifacts are kept, and interrupted ones are resumed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from deidsynth.config import StageConfig
from deidsynth.errors import ConfigError, InputError
from deidsynth.files import storage_errors
from deidsynth.progress import Progress, Task, format_seconds
from deidsynth.stages.specification import StageContext, StageSpec
from deidsynth.workflow.external import unchanged
from deidsynth.workflow.plan import Node, Plan, lineage
from deidsynth.workflow.results import NodeResult, Source, Surroundings
from deidsynth.workflow.shards import PartConfig, Parts, place_parts
from deidsynth.workflow.store import Artifact, InputRecord, Manifest, Store, Work
from deidsynth.workflow.store.manifest import package_versions, source_commit


@dataclass(frozen=True, slots=True)
class Job:
    """Everything needed to execute the nodes of a plan.

    Args:
        plan: the nodes.
        keys: key of every node, by name.
        store: of the artifacts.
        stages: by name.
        sources: by node name, for nodes whose content comes from outside.
        surroundings: device and progress.
        parts: names of the shards of divided nodes.
    """

    plan: Plan
    keys: Mapping[str, str]
    store: Store
    stages: Mapping[str, StageSpec]
    sources: Mapping[str, Source]
    surroundings: Surroundings
    parts: Parts = field(default_factory=dict)

    def title(self, name: str) -> str:
        """The name of a node in progress messages: numbered if there are several to compute."""
        names = [node.name for node in self.plan]
        computed = [node for node in self.plan if node.source_digest is None]
        if len(computed) == 1:
            return name if self.plan[name].source_digest is None else ""
        return f"[{names.index(name) + 1:{len(str(len(names)))}}/{len(names)}] {name}"

    def find(self, name: str, inputs: Mapping[str, Artifact]) -> NodeResult | None:
        """The result of a node whose artifact exists and was made from the current content of its inputs; else None."""
        node, key = self.plan[name], self.keys[name]
        artifact = self.store.get(key, node.stage)
        if artifact is None or artifact.manifest.inputs != _records(inputs):
            return None
        self.store.discard_leftover(artifact)
        return NodeResult(name, node.stage, key, "cached", artifact.manifest.duration_seconds, artifact)

    def run(self, name: str, inputs: Mapping[str, Artifact], title: str | None = None) -> NodeResult:
        """The result of a node, which is computed if it does not exist; progress uses its title.

        Raises:
            InputError: the stage or source of the node is missing.
            StorageError: the disk is full or not writable; earlier artifacts are complete.
        """
        return _Making(self, self.plan[name], inputs, self.title(name) if title is None else title).result()

    def parts_of(self, name: str) -> Sequence[Path]:
        """Folders of finished shards, whose files go into the scratch folder of the stage."""
        return [self.store.folder_of(self.keys[part], self.plan[part].stage) for part in self.parts.get(name, ())]


def _records(inputs: Mapping[str, Artifact]) -> dict[str, InputRecord]:
    return {role: InputRecord(artifact.key, artifact.content_digest) for role, artifact in inputs.items()}


def _outside(node: Node) -> tuple[StageConfig, Mapping[str, str]]:
    """The configuration that names what a node takes from outside of the store, and the digests in the plan."""
    if isinstance(node.config, PartConfig):
        return node.config.whole, {dotted.removeprefix("whole."): value for dotted, value in node.external.items()}
    return node.config, node.external


class _NamedProgress:
    """Progress of a stage under the title of its node: ``train`` alone does not identify the model."""

    def __init__(self, listener: Progress, title: str, stage: str) -> None:
        self._listener, self._title, self._stage = listener, title, stage

    def task(self, name: str, total: float | None, unit: str = "") -> Task:
        """A task of the listener; the one named after the stage represents the node."""
        return self._listener.task(self._title if name == self._stage else f"{self._title}: {name}", total, unit)

    def message(self, text: str) -> None:
        """Show the line with the title of the node."""
        self._listener.message(f"{self._title}: {text}")

    def metrics(self, name: str, values: Mapping[str, float]) -> None:
        """Forward the point."""
        self._listener.metrics(name, values)


class _Making:
    """The execution of one node."""

    def __init__(self, job: Job, node: Node, inputs: Mapping[str, Artifact], title: str) -> None:
        self._job, self._node, self._inputs, self._title = job, node, inputs, title
        self._key, self._where = job.keys[node.name], job.surroundings
        self._records = _records(inputs)

    def result(self) -> NodeResult:
        """The node's artifact, from the store or computed now."""
        found = self._found()
        if found is not None:
            return found
        with self._job.store.reserve(self._key, self._node.stage, self._tell_wait) as work:
            found = self._found()  # another process may have computed it while this one waited
            if found is not None:
                return found
            attempt = work.prepare(self._records)
            if attempt > 1:
                self._tell("resuming an interrupted attempt")
            begun = time.monotonic()
            place_parts(self._job.parts_of(self._node.name), work.scratch)
            try:
                shown = self._where.progress.task(self._title, None) if self._title else nullcontext()
                with storage_errors(work.folder, refusals=False), shown:
                    version, facts = self._compute(work)
            except KeyboardInterrupt:
                self._tell("interrupted; the same command resumes it")
                raise
            artifact = self._job.store.commit(work, self._manifest(version, facts, time.monotonic() - begun, attempt))
        seconds = artifact.manifest.duration_seconds
        self._tell(f"done in {format_seconds(seconds)}")
        return NodeResult(self._node.name, self._node.stage, self._key, "done", seconds, artifact)

    def _found(self) -> NodeResult | None:
        found = self._job.find(self._node.name, self._inputs)
        if found is not None:
            self._tell("already in the store")
        return found

    def _compute(self, work: Work) -> tuple[int, Mapping[str, Any]]:
        node, sources = self._node, self._job.sources
        stage = self._job.plan.stage_of(node, self._job.stages)
        if node.source_digest is not None:
            if node.name not in sources:
                raise InputError(f"{node.name}: its artifact is not in the store and no source was given for it")
            return stage.version, sources[node.name](work.output)
        if not isinstance(node.config, stage.config_type):
            wanted, given = stage.config_type.__name__, type(node.config).__name__
            raise ConfigError([f"expected {wanted}, got {given}"], node.name)
        context = StageContext(
            scratch=work.scratch,
            seed=node.seed if node.seed is not None else 0,
            precision=node.precision or "fp32",
            device=self._where.device,
            progress=_NamedProgress(self._where.progress, self._title, node.stage),
        )
        paths = {role: artifact.path for role, artifact in self._inputs.items()}
        config, planned = _outside(node)
        with unchanged(config, planned, partial(self._job.store.discard_work, work)):
            return stage.version, stage.run(node.config, paths, work.output, context)

    def _manifest(self, version: int, facts: Mapping[str, Any], duration_seconds: float, attempts: int) -> Manifest:
        node = self._node
        return Manifest(
            key=self._key,
            stage=node.stage,
            stage_version=version,
            name=node.name,
            config=node.config.model_dump(mode="json"),
            seed=node.seed,
            precision=node.precision,
            inputs=self._records,
            lineage=lineage(self._job.plan, node.name, self._job.keys, self._job.stages),
            source=node.source_digest,
            external=dict(node.external),
            facts=dict(facts),
            device=self._where.device,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            duration_seconds=round(duration_seconds, 3),
            attempts=attempts,
            versions=package_versions(),
            git_commit=source_commit(),
        )

    def _tell(self, text: str) -> None:
        if self._title:
            self._where.progress.message(f"{self._title}: {text}")

    def _tell_wait(self, process: str) -> None:
        self._tell(f"process {process} is computing the same artifact; waiting for it")
