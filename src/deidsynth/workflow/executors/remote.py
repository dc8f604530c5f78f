"""What runs on the workers of a cluster: one node, by an order of names, keys and paths that holds nothing of a corpus.

Nothing in here knows what carries the order. The store is on a path that all machines share.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from deidsynth.errors import InputError
from deidsynth.progress import SilentProgress
from deidsynth.workflow.executors.executor import Surroundings
from deidsynth.workflow.executors.pool import Failure, Job, failure_of
from deidsynth.workflow.executors.shards import Parts, with_parts
from deidsynth.workflow.executors.workers import THREAD_VARIABLES
from deidsynth.workflow.plan import Plan
from deidsynth.workflow.store import Artifact, Store
from deidsynth.workflow.store.manifest import package_versions

if TYPE_CHECKING:
    from deidsynth.stages.stage import Stage

PATIENCE_SECONDS = 90.0
"""How long a shared file system may take to show a finished artifact to other machines."""
MOST_LINES = 100


@dataclass(frozen=True, slots=True)
class Order:
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
        version: of this package where the order was given.
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
    stages: Mapping[str, Stage] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of an order.

    Args:
        status: as in a result; None where it failed.
        failure: why; None where there is an artifact.
        lines: what a listener would have been told.
    """

    status: Literal["done", "cached"] | None
    failure: Failure | None
    lines: tuple[str, ...]


def make_order(job: Job, name: str, *, threads: int, stages: Mapping[str, Stage] | None = None) -> Order:
    """The order for one node of a job, with as much of its plan as the node goes back to."""
    parts = job.parts.get(name, ())
    nodes = [*job.plan.ancestors(name), *(job.plan[part] for part in parts), job.plan[name]]
    return Order(
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


def run_order(order: Order) -> Answer:
    """Run the node of an order on this machine. Whatever goes wrong is told without the text of an exception."""
    lines = _Lines()
    try:
        _prepare(order)
        job = Job(
            order.plan, order.keys, Store(Path(order.store)), _stages(order), {},
            Surroundings(order.device, lines), order.parts,
        )  # fmt: skip
        needed = order.plan[order.name].inputs
        inputs = {role: wait_for(job, each) for role, each in needed.items()}
        result = job.run(order.name, inputs, title=order.title)
    except Exception as error:
        return Answer(None, failure_of(order.name, error), tuple(lines.told))
    return Answer(result.status, None, tuple(lines.told))


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


def _prepare(order: Order) -> None:
    """Take over what the machine that gave the order has: package, working folder, threads."""
    if order.version != _version():
        raise InputError(
            f"deidsynth {_version()} is installed on a worker and {order.version} where the study was started; "
            "install the same on all machines"
        )
    if Path(order.folder).is_dir():
        os.chdir(order.folder)
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(order.threads)))
    torch = sys.modules.get("torch")
    if torch is not None:  # a process that ran another node before
        torch.set_num_threads(order.threads)


def _stages(order: Order) -> Mapping[str, Stage]:
    if order.stages is not None:
        return order.stages
    # Only on the worker, because the room of the stages brings torch.
    from deidsynth.stages import STAGES

    return with_parts(STAGES)


class _Lines(SilentProgress):
    """Keeps the last lines for whoever gave the order."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def message(self, text: str) -> None:
        """Keep the line."""
        self.told = [*self.told, text][-MOST_LINES:]


def lost(name: str, why: str, attempts: int) -> Failure:
    """The failure of a node whose workers were lost."""
    times = "once" if attempts == 1 else f"{attempts} times"
    return Failure(name, f"its worker was lost ({why}; begun {times}); perhaps memory ran out or a machine went away")
