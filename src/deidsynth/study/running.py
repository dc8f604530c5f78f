"""Running of a study: shared nodes run once, finished cells are written immediately, failures are retried."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from deidsynth.corpora.output import refuse_unwritable
from deidsynth.files import make_private_folder, write_atomically
from deidsynth.progress import Progress, SilentProgress
from deidsynth.study.planning import PlannedCell, StudyPlan, distinct, merged_plan
from deidsynth.study.records import is_finished, make_record, write_record
from deidsynth.workflow.executors.launched import refuse_several_processes
from deidsynth.workflow.executors.workers import Workers
from deidsynth.workflow.pipeline_plan import EVALUATIONS
from deidsynth.workflow.preparation import check_store, import_source
from deidsynth.workflow.results import Failure, NodeResult, Outcome, Surroundings
from deidsynth.workflow.scheduler import Pass, check_nodes, execute
from deidsynth.workflow.store import Store

ATTEMPTS = 2
"""Maximum attempts per node."""


@dataclass(frozen=True, slots=True)
class StudyResult:
    """The result of a study.

    Args:
        folder: of the study; ``cells/`` in it has a file for every finished cell.
        finished: names of the cells with a cell file, including those of earlier calls.
        failed: names of the other cells.
        failures: of nodes.
        stages_asked_for: total number of nodes of all cells.
        stages_distinct: number of distinct artifacts.
        stages_run: number of nodes computed now.
    """

    folder: Path
    finished: tuple[str, ...]
    failed: tuple[str, ...]
    failures: tuple[Failure, ...]
    stages_asked_for: int
    stages_distinct: int
    stages_run: int


def run_study(
    plan: StudyPlan,
    folder: Path,
    store: Store,
    *,
    progress: Progress | None = None,
    workers: int = 1,
    run_pass: Pass | None = None,
    shards: int = 1,
) -> StudyResult:
    """Run all cells without a cell file.

    Args:
        plan: the study.
        folder: of the study, created (0700).
        store: of the artifacts.
        progress: listener for progress.
        workers: processes; the threads are divided among them.
        run_pass: executes nodes instead of workers.
        shards: number of shards of every divisible node.

    Raises:
        InputError: several processes were launched, or the folder or the store is not writable.
        ModelNotFoundError: a base model or an encoder does not exist.
    """
    refuse_several_processes()
    listener = progress or SilentProgress()
    refuse_unwritable(folder, "--output")
    left = unfinished(plan, folder)
    merged = merged_plan(left)
    check_store(merged, merged.keys(plan.stages), store)
    check_nodes(merged, store, plan.stages, plan.device)
    make_private_folder(folder)
    _write_study(plan, folder)
    watch = _Watch(plan, left, folder, listener)
    outcome = Outcome()
    if left:
        sources = {node.name: import_source(plan.loaded) for node in merged if node.source_digest is not None}
        outcome = execute(
            merged,
            store,
            plan.stages,
            sources=sources,
            surroundings=Surroundings(plan.device, listener),
            on_result=watch.hear,
            run_pass=run_pass or (Workers(workers) if workers > 1 else None),
            attempts=ATTEMPTS,
            shards=shards,
        )
    failed = tuple(cell.name for cell in left if cell.name not in watch.written)
    return StudyResult(
        folder,
        tuple(cell.name for cell in plan.cells if cell.name not in failed),
        failed,
        tuple(outcome.failures.values()),
        sum(len(cell.plan) for cell in plan.cells),
        len(distinct(plan.cells)),
        sum(result.status == "done" for result in outcome.results.values()),
    )


def unfinished(plan: StudyPlan, folder: Path) -> list[PlannedCell]:
    """The cells without a file in the folder, or with an outdated one."""
    return [cell for cell in plan.cells if not is_finished(folder, cell)]


class _Watch:
    """Writes the file of a cell as soon as its last artifact exists."""

    def __init__(self, plan: StudyPlan, left: list[PlannedCell], folder: Path, listener: Progress) -> None:
        self._plan, self._folder, self._listener = plan, folder, listener
        self._lacking = {cell.name: set(cell.keys.values()) for cell in left}
        self._cells = {cell.name: cell for cell in left}
        self._found: dict[str, NodeResult] = {}
        self.written: list[str] = []

    def hear(self, result: NodeResult) -> None:
        """Record a result, and write the cells that it completes."""
        self._found[result.key] = result
        for name, keys in self._lacking.items():
            if result.key not in keys:
                continue
            keys.discard(result.key)
            if not keys:
                self._write(self._cells[name])

    def _write(self, cell: PlannedCell) -> None:
        artifacts = {name: self._found[key].artifact for name, key in cell.keys.items()}
        record = make_record(self._plan, cell, artifacts)
        write_record(self._folder, record)
        self.written.append(cell.name)
        gold, synthetic = (record["models"][model]["token"]["f1"] for model in EVALUATIONS)
        shown = ", ".join(
            f"{model} {'n/a' if f1 is None else format(f1, '.3f')}"
            for model, f1 in zip(EVALUATIONS, (gold, synthetic), strict=True)
        )
        self._listener.message(f"{cell.name}: finished, token F1 {shown}")


def _write_study(plan: StudyPlan, folder: Path) -> None:
    """Write ``study.yaml``: the study, resolved."""
    data = plan.study.config.model_dump(mode="json", exclude_none=True)
    data |= {"name": plan.study.name, "base": plan.study.base.model_dump(mode="json")}
    write_atomically(folder / "study.yaml", yaml.safe_dump(data, sort_keys=False, allow_unicode=True))
