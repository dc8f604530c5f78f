"""What runs on the workers of a cluster: one node, by a task of names, keys and paths that holds nothing of a corpus.

Nothing in here knows what carries the task. The store is on a path that all machines share.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deidsynth import stages as package
from deidsynth.errors import InputError
from deidsynth.progress import SilentProgress
from deidsynth.stages.specification import StageSpec
from deidsynth.workflow.executors.workers import THREAD_VARIABLES
from deidsynth.workflow.making import Job
from deidsynth.workflow.plan import Plan
from deidsynth.workflow.results import Failure, Surroundings, failure_of
from deidsynth.workflow.shards import Parts, with_parts
from deidsynth.workflow.store import Artifact, Store
from deidsynth.workflow.store.manifest import package_versions

PATIENCE_SECONDS = 90.0
"""How long a shared file system may take to show a finished artifact to other machines."""
MOST_LINES = 100


@dataclass(frozen=True, slots=True)
class RemoteTask:
    """One node to be run elsewhere.

    Args:
        plan: the node, its ancestors and its parts.
        name: of the node.
        title: what a listener is told that it is called.
        keys: key of every node of the plan.
        parts: names of the node's parts, if it has any, by its name.
        store: the store's folder, the same on all machines.
        device: such as ``cpu``.
        folder: the working folder, for relative paths in configurations.
        threads: of the worker.
        version: of this package where the task was given.
        stages: other stages than the package's own, by name.
    """

    plan: Plan
    name: str
    title: str
    keys: Mapping[str, str]
    parts: Parts
    store: str
    device: str
    folder: str
    threads: int
    version: str | None
    stages: Mapping[str, StageSpec] | None = None


@dataclass(frozen=True, slots=True)
class RemoteResult:
    """What became of a task.

    Args:
        status: as in a result; None where it failed.
        failure: why; None where there is an artifact.
        lines: what a listener would have been told.
    """

    status: Literal["done", "cached"] | None
    failure: Failure | None
    lines: tuple[str, ...]


def make_task(job: Job, name: str, *, threads: int, stages: Mapping[str, StageSpec] | None = None) -> RemoteTask:
    """The task for one node of a job, with as much of its plan as the node goes back to."""
    parts = job.parts.get(name, ())
    nodes = [*job.plan.ancestors(name), *(job.plan[part] for part in parts), job.plan[name]]
    return RemoteTask(
        plan=Plan(tuple(nodes)),
        name=name,
        title=job.title(name),
        keys={node.name: job.keys[node.name] for node in nodes},
        parts={name: list(parts)} if parts else {},
        store=str(job.store.root.resolve()),
        device=job.surroundings.device,
        folder=str(Path.cwd()),
        threads=threads,
        version=_version(),
        stages=stages,
    )


def run_task(task: RemoteTask) -> RemoteResult:
    """Run the node of a task on this machine. Whatever goes wrong is told without the text of an exception."""
    lines = _Lines()
    try:
        _prepare(task)
        job = Job(
            task.plan, task.keys, Store(Path(task.store)), _stages(task), {},
            Surroundings(task.device, lines), task.parts,
        )  # fmt: skip
        needed = task.plan[task.name].inputs
        inputs = {role: wait_for(job, each) for role, each in needed.items()}
        result = job.run(task.name, inputs, title=task.title)
    except Exception as error:
        return RemoteResult(None, failure_of(task.name, error), tuple(lines.told))
    return RemoteResult(result.status, None, tuple(lines.told))


def wait_for(job: Job, name: str, patience_seconds: float = PATIENCE_SECONDS) -> Artifact:
    """The artifact of a finished node; other machines may see it a while after it was made.

    Raises:
        InputError: it has not come into sight.
    """
    end, pause = time.monotonic() + patience_seconds, 0.1
    while True:
        found = job.store.get(job.keys[name], job.plan[name].stage)
        if found is not None:
            return found
        if time.monotonic() >= end:
            raise InputError(
                f"{name}: made, but not to be seen in {job.store.root} on another machine; give a store that all "
                "machines of the cluster share (--store)"
            )
        time.sleep(pause)
        pause = min(5.0, 2 * pause)
        folder = job.store.root / "artifacts"
        if folder.is_dir():
            next(folder.iterdir(), None)  # opening the folder makes a network file system look again


def _version() -> str | None:
    return package_versions()["deidsynth"]


def _prepare(task: RemoteTask) -> None:
    """Take over what the machine that gave it has: package, working folder, threads."""
    if task.version != _version():
        raise InputError(
            f"deidsynth {_version()} is installed on a worker and {task.version} where the study was started; "
            "install the same on all machines"
        )
    if Path(task.folder).is_dir():
        os.chdir(task.folder)
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(task.threads)))
    torch = sys.modules.get("torch")
    if torch is not None:  # a process that ran another node before
        torch.set_num_threads(task.threads)


def _stages(task: RemoteTask) -> Mapping[str, StageSpec]:
    if task.stages is not None:
        return task.stages
    return with_parts(package.STAGES)


class _Lines(SilentProgress):
    """Keeps the last lines for whoever gave it."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def message(self, text: str) -> None:
        """Keep the line."""
        self.told = [*self.told, text][-MOST_LINES:]


def lost(name: str, why: str, attempts: int) -> Failure:
    """The failure of a node whose workers were lost."""
    times = "once" if attempts == 1 else f"{attempts} times"
    return Failure(name, f"its worker was lost ({why}; begun {times}); perhaps memory ran out or a machine went away")
