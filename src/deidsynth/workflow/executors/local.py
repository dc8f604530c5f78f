"""Run a plan here, one node after another. Whatever stops it, finished artifacts stay and begun ones are taken up."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deidsynth.config import parse
from deidsynth.errors import InputError
from deidsynth.files import storage_errors
from deidsynth.progress import Progress, Task, format_seconds
from deidsynth.workflow.executors.executor import NodeResult, Source, Surroundings
from deidsynth.workflow.executors.shards import place_parts
from deidsynth.workflow.plan import IMPORT_VERSION, Node, Plan, lineage
from deidsynth.workflow.store import Artifact, InputRecord, Manifest, Store, Work
from deidsynth.workflow.store.manifest import package_versions, source_commit

if TYPE_CHECKING:
    from deidsynth.stages.stage import Stage


def execute(
    plan: Plan,
    store: Store,
    stages: Mapping[str, Stage],
    *,
    sources: Mapping[str, Source] | None = None,
    surroundings: Surroundings | None = None,
) -> list[NodeResult]:
    """One result for every node of a plan, in the order they ran.

    A node whose artifact is in the store is not computed again, unless the artifact was made from inputs that had
    another content than they have now. An interrupted attempt's files are handed to the stage to go on from.

    Args:
        plan: what to run.
        store: where artifacts are looked up and kept.
        stages: by name.
        sources: by node name, for the nodes that take their content from outside.
        surroundings: device and listener.

    Raises:
        InputError: a node's stage or source is not given.
        StorageError: the disk is full or cannot be written; earlier artifacts are whole.
    """
    where = surroundings or Surroundings()
    keys = plan.keys({name: stage.version for name, stage in stages.items()})
    results: dict[str, NodeResult] = {}
    width = len(str(len(plan)))
    for number, node in enumerate(plan.order(), start=1):
        inputs = {role: results[name].artifact for role, name in node.inputs.items()}
        job = _Job(plan, node, keys, inputs, store, where, f"[{number:{width}}/{len(plan)}] {node.name}")
        results[node.name] = job.result(stages, sources or {})
    return list(results.values())


def run_node(
    plan: Plan,
    name: str,
    *,
    keys: Mapping[str, str],
    inputs: Mapping[str, Artifact],
    store: Store,
    stages: Mapping[str, Stage],
    sources: Mapping[str, Source],
    surroundings: Surroundings,
    title: str,
    parts: Sequence[Path] = (),
) -> NodeResult:
    """The result of one node whose inputs are there, from the store or made now.

    Args:
        plan: the plan of the node.
        name: of the node.
        keys: key of every node of the plan.
        inputs: artifact by role.
        store: where artifacts are looked up and kept.
        stages: by name.
        sources: by node name.
        surroundings: device and listener.
        title: what the listener is told that the node is called.
        parts: folders of files that the stage is to find in its scratch folder, as if it had made them itself.

    Raises:
        InputError, StorageError: as :func:`execute`; and what the stage raises.
    """
    return _Job(plan, plan[name], keys, inputs, store, surroundings, title, parts).result(stages, sources)


def find_node(node: Node, key: str, inputs: Mapping[str, Artifact], store: Store) -> NodeResult | None:
    """The result of a node whose artifact is there and was made from what its inputs hold now; else None."""
    artifact = store.get(key, node.stage)
    if artifact is None or artifact.manifest.inputs != _records(inputs):
        return None
    return NodeResult(node.name, node.stage, key, "cached", artifact.manifest.duration_seconds, artifact)


def _records(inputs: Mapping[str, Artifact]) -> dict[str, InputRecord]:
    return {role: InputRecord(artifact.key, artifact.content_digest) for role, artifact in inputs.items()}


class _NamedProgress:
    """A listener that hears of a stage's work under the name of its node: ``train`` alone does not say which model."""

    def __init__(self, listener: Progress, title: str, stage: str) -> None:
        self._listener, self._title, self._stage = listener, title, stage

    def task(self, name: str, total: float | None, unit: str = "") -> Task:
        """A task of the listener; the one that is named after the stage stands for the node."""
        return self._listener.task(self._title if name == self._stage else f"{self._title}: {name}", total, unit)

    def message(self, text: str) -> None:
        """Tell the line, and whose it is."""
        self._listener.message(f"{self._title}: {text}")

    def metrics(self, name: str, values: Mapping[str, float]) -> None:
        """Pass the point on."""
        self._listener.metrics(name, values)


class _Job:
    """One node at its turn."""

    def __init__(
        self,
        plan: Plan,
        node: Node,
        keys: Mapping[str, str],
        inputs: Mapping[str, Artifact],
        store: Store,
        where: Surroundings,
        title: str,
        parts: Sequence[Path] = (),
    ) -> None:
        self._parts = parts
        self._plan, self._node, self._keys, self._key = plan, node, keys, keys[node.name]
        self._inputs, self._store, self._where, self._title = inputs, store, where, title
        self._records = _records(inputs)

    def result(self, stages: Mapping[str, Stage], sources: Mapping[str, Source]) -> NodeResult:
        """The node's artifact from the store, or made now."""
        found = self._fresh()
        if found is not None:
            return self._told("cached", found)
        with self._store.reserve(self._key, self._node.stage, self._tell_wait) as work:
            found = self._fresh()  # another process may have made it while this one waited
            if found is not None:
                return self._told("cached", found)
            attempt = work.prepare(self._records)
            if attempt > 1:
                self._tell("going on from an interrupted attempt")
            begun = time.monotonic()
            place_parts(self._parts, work.scratch)
            try:
                with storage_errors(work.folder, refusals=False), self._where.progress.task(self._title, None):
                    version, facts = self._compute(work, stages, sources)
            except KeyboardInterrupt:
                self._tell("interrupted; the same command goes on from here")
                raise
            manifest = self._manifest(version, facts, time.monotonic() - begun, attempt)
            return self._told("done", self._store.commit(work, manifest))

    def _fresh(self) -> Artifact | None:
        """The artifact in the store, if its inputs had the content that they have now."""
        artifact = self._store.get(self._key, self._node.stage)
        return artifact if artifact is not None and artifact.manifest.inputs == self._records else None

    def _compute(
        self, work: Work, stages: Mapping[str, Stage], sources: Mapping[str, Source]
    ) -> tuple[int, Mapping[str, Any]]:
        # Only now, because the room of the stages brings torch: importing an executor must not.
        from deidsynth.stages.stage import StageContext

        node = self._node
        if node.source_digest is not None:
            if node.name not in sources:
                raise InputError(f"{node.name}: its artifact is not in the store and no source was given for it")
            return IMPORT_VERSION, sources[node.name](work.output)
        stage = stages[node.stage]
        context = StageContext(
            scratch=work.scratch,
            seed=node.seed if node.seed is not None else 0,
            precision=node.precision or "fp32",
            device=self._where.device,
            progress=_NamedProgress(self._where.progress, self._title, node.stage),
        )
        config = parse(stage.config_type, node.config, source=node.name)
        paths = {role: artifact.path for role, artifact in self._inputs.items()}
        return stage.version, stage.run(config, paths, work.output, context)

    def _manifest(self, version: int, facts: Mapping[str, Any], duration_seconds: float, attempts: int) -> Manifest:
        node = self._node
        return Manifest(
            key=self._key,
            stage=node.stage,
            stage_version=version,
            name=node.name,
            config=dict(node.config),
            seed=node.seed,
            precision=node.precision,
            inputs=self._records,
            lineage=lineage(self._plan, node.name, self._keys),
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

    def _told(self, status: Any, artifact: Artifact) -> NodeResult:
        seconds = artifact.manifest.duration_seconds
        self._tell(f"done in {format_seconds(seconds)}" if status == "done" else "already there")
        return NodeResult(self._node.name, self._node.stage, self._key, status, seconds, artifact)

    def _tell(self, text: str) -> None:
        self._where.progress.message(f"{self._title}: {text}")

    def _tell_wait(self, process: str) -> None:
        self._tell(f"process {process} is computing the same artifact; waiting for it")
