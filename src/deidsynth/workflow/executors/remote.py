"""Execution of one node on a worker of a cluster, from a task of names, keys and paths without corpus data.

Nothing here depends on the transport of tasks. The store is on a path that all machines share.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deidsynth.errors import InputError
from deidsynth.progress import SilentProgress
from deidsynth.stages.specification import StageSpec
from deidsynth.workflow.executors.workers import THREAD_VARIABLES
from deidsynth.workflow.making import Job
from deidsynth.workflow.plan import Plan
from deidsynth.workflow.results import Failure, Surroundings, failure_of
from deidsynth.workflow.shards import Parts
from deidsynth.workflow.store import Artifact, Store
from deidsynth.workflow.store.manifest import package_versions

PATIENCE_SECONDS = 90.0
"""Time that a shared file system may take to show a finished artifact to other machines."""
MOST_LINES = 100


@dataclass(frozen=True, slots=True)
class RemoteTask:
    """One node to be executed elsewhere.

    Args:
        plan: the node, its ancestors and its shards.
        name: of the node.
        title: of the node in progress messages.
        keys: key of every node of the plan.
        parts: names of the node's shards, if it has any, by its name.
        store: the store's folder, the same on all machines.
        device: such as ``cpu``.
        folder: the working directory, for relative paths in configurations.
        threads: of the worker.
        version: of this package on the sending machine.
        stages: by name, those of shards among them.
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
    stages: Mapping[str, StageSpec]


@dataclass(frozen=True, slots=True)
class RemoteResult:
    """The answer to a task.

    Args:
        status: as in a result; None if it failed.
        failure: None if there is an artifact.
        lines: progress messages.
    """

    status: Literal["done", "cached"] | None
    failure: Failure | None
    lines: tuple[str, ...]


def make_task(job: Job, name: str, *, threads: int) -> RemoteTask:
    """The task for one node of a job, with the part of the plan that the node depends on."""
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
        stages=dict(job.stages),  # a mapping proxy cannot be sent
    )


def run_task(task: RemoteTask) -> RemoteResult:
    """Execute the node of a task on this machine. Errors are reported without the text of exceptions."""
    lines = _Lines()
    try:
        _prepare(task)
        job = Job(
            task.plan, task.keys, Store(Path(task.store)), task.stages, {},
            Surroundings(task.device, lines), task.parts,
        )  # fmt: skip
        needed = task.plan[task.name].inputs
        inputs = {role: wait_for(job, each) for role, each in needed.items()}
        result = job.run(task.name, inputs, title=task.title)
    except Exception as error:
        return RemoteResult(None, failure_of(task.name, error), tuple(lines.told))
    return RemoteResult(result.status, None, tuple(lines.told))


def wait_for(job: Job, name: str, patience_seconds: float = PATIENCE_SECONDS) -> Artifact:
    """The artifact of a finished node; it may become visible to other machines with a delay.

    Raises:
        InputError: it has not become visible.
    """
    end, pause = time.monotonic() + patience_seconds, 0.1
    while True:
        found = job.store.get(job.keys[name], job.plan[name].stage)
        if found is not None:
            return found
        if time.monotonic() >= end:
            raise InputError(
                f"{name}: computed, but not visible in {job.store.root} on another machine; use a store that all "
                "machines of the cluster share (--store)"
            )
        time.sleep(pause)
        pause = min(5.0, 2 * pause)
        folder = job.store.root / "artifacts"
        if folder.is_dir():
            next(folder.iterdir(), None)  # opening the folder refreshes a network file system


def _version() -> str | None:
    return package_versions()["deidsynth"]


def _prepare(task: RemoteTask) -> None:
    """Check the package version, and set the working directory and threads of the task."""
    if task.version != _version():
        raise InputError(
            f"deidsynth {_version()} is installed on a worker, but {task.version} on the machine that started the "
            "study; install the same version on all machines"
        )
    if Path(task.folder).is_dir():
        os.chdir(task.folder)
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(task.threads)))
    torch = sys.modules.get("torch")
    if torch is not None:  # this process executed another node before
        torch.set_num_threads(task.threads)


class _Lines(SilentProgress):
    """Collects the last lines for the sender of the task."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def message(self, text: str) -> None:
        """Store the line."""
        self.told = [*self.told, text][-MOST_LINES:]


def lost(name: str, why: str, attempts: int) -> Failure:
    """The failure of a node whose workers were lost."""
    times = "once" if attempts == 1 else f"{attempts} times"
    return Failure(
        name, f"its worker was lost ({why}; started {times}); perhaps it ran out of memory or a machine was lost"
    )
