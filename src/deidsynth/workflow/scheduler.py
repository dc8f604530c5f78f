"""The scheduler: it executes all nodes of a plan, of a run, a study or a single stage, in one or several processes.

Nodes run in the order of the plan as far as their inputs allow, so that with the nodes of each cell next to each
other, cells finish early. A failure either ends everything or holds back only the dependent nodes; then it is
retried at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Protocol

from deidsynth.digests import digest
from deidsynth.stages.specification import StageSpec
from deidsynth.workflow.making import Job
from deidsynth.workflow.plan import Plan
from deidsynth.workflow.results import Failure, NodeResult, Outcome, Source, Surroundings, failure_of
from deidsynth.workflow.shards import Parts, divide
from deidsynth.workflow.store import Artifact, Store


class ReadyQueue:
    """The queue of nodes: next is the first in the plan that has not started and whose inputs and shards exist.

    Args:
        plan: the nodes.
        parts: names of the shards of divided nodes.
        ends_at_failure: whether the first failure ends the run.
    """

    def __init__(self, plan: Plan, parts: Parts, *, ends_at_failure: bool = False) -> None:
        self.plan, self._parts, self._ends_at_failure = plan, parts, ends_at_failure
        self.outcome = Outcome()
        self._waiting = [node.name for node in plan]

    def ready(self) -> Iterator[str]:
        """Nodes that can start now, each removed from the queue; results may arrive in between."""
        while (name := next((each for each in self._waiting if self._can_begin(each)), None)) is not None:
            self._waiting.remove(name)
            yield name

    def _can_begin(self, name: str) -> bool:
        needs = [*self.plan[name].inputs.values(), *self._parts.get(name, ())]
        return all(needed in self.outcome.results for needed in needs)

    def inputs(self, name: str) -> dict[str, Artifact]:
        """The input artifacts of a node, by role."""
        return {role: self.outcome.results[needed].artifact for role, needed in self.plan[name].inputs.items()}

    def fail(self, failure: Failure, error: Exception | None = None) -> None:
        """Record a failure.

        Raises:
            Exception: the error itself, or the failure as an exception, if the first failure ends the run.
        """
        if self._ends_at_failure:
            raise error or failure.error()
        self.outcome.failures[failure.name] = failure

    def put_back(self) -> list[Failure]:
        """Clear the failures and put their nodes back into the queue; returns them."""
        failures = list(self.outcome.failures.values())
        self.outcome.failures.clear()
        again = {failure.name for failure in failures}
        self._waiting = [node.name for node in self.plan if node.name in again or node.name in self._waiting]
        return failures


OnResult = Callable[[str], None]
"""Called with the name of a node that has a result now."""


class Pass(Protocol):
    """One pass over a queue, which executes all nodes that can run."""

    def __call__(self, job: Job, queue: ReadyQueue, on_result: OnResult) -> None: ...


def execute(
    plan: Plan,
    store: Store,
    stages: Mapping[str, StageSpec],
    *,
    sources: Mapping[str, Source] | None = None,
    surroundings: Surroundings | None = None,
    on_result: Callable[[NodeResult], None] = lambda _: None,
    run_pass: Pass | None = None,
    attempts: int = 1,
    shards: int = 1,
) -> Outcome:
    """Execute a plan; returns results and failures of all nodes.

    A node whose artifact is in the store is not computed again, unless its inputs had
    different content then. Files of an interrupted attempt are passed to the stage to resume from.

    Args:
        plan: to execute; nodes with equal keys should be merged.
        store: of the artifacts.
        stages: by name.
        sources: by node name, for nodes whose content comes from outside.
        surroundings: device and progress.
        on_result: called with every new result.
        run_pass: executes nodes; by default in this process, one after another.
        attempts: maximum attempts per node; with 1, the first failure ends the run.
        shards: number of shards of every divisible node; the artifact does not depend on it.

    Raises:
        InputError: a stage of the plan is unknown. With one attempt, also whatever a node raises.
        StorageError: the disk is full or not writable; earlier artifacts are complete.
    """
    where = surroundings or Surroundings()
    whole = plan
    plan, stages, parts = divide(plan, store, stages, shards)
    job = Job(plan, plan.keys(stages), store, stages, sources or {}, where, parts)
    queue = ReadyQueue(plan, parts, ends_at_failure=attempts == 1)
    of_whole = {node.name for node in whole}

    def told(name: str) -> None:
        if name in of_whole:
            on_result(queue.outcome.results[name])
        for part in parts.get(name, ()):  # its content is in the whole artifact now
            store.remove(queue.outcome.results[part].artifact)

    for attempt in range(1, attempts + 1):
        (run_pass or run_here)(job, queue, told)
        for failure in queue.outcome.failures.values():
            where.progress.message(f"{failure.name}: failed: {failure.message}")
        if not queue.outcome.failures or attempt == attempts:
            break
        count = len(queue.put_back())
        where.progress.message(f"retrying {count} failed step{'' if count == 1 else 's'}")
    found = queue.outcome.results
    return replace(queue.outcome, results={node.name: found[node.name] for node in whole.order() if node.name in found})


def check_nodes(plan: Plan, store: Store, stages: Mapping[str, StageSpec], device: str) -> None:
    """Check before the first step that all nodes still to be computed can run on this machine.

    Raises:
        ModelNotFoundError: a base model or an encoder does not exist.
        ModelNotUsableError: a method does not work on the device.
    """
    keys, seen = plan.keys(stages), set[str]()
    for node in plan.order():
        stage = plan.stage_of(node, stages)
        if stage.check is None or store.has(keys[node.name], node.stage):
            continue
        same = digest([node.stage, node.config.model_dump(mode="json")])
        if same not in seen:
            seen.add(same)
            stage.make_sure(node.config, device)


def run_here(job: Job, queue: ReadyQueue, on_result: OnResult) -> None:
    """Execute the nodes in this process, one after another."""
    for name in queue.ready():
        inputs = queue.inputs(name)
        try:
            queue.outcome.results[name] = job.run(name, inputs)
        except Exception as error:
            queue.fail(failure_of(name, error), error)
        else:
            on_result(name)


def settle_here(name: str, job: Job, queue: ReadyQueue, on_result: OnResult) -> bool:
    """Whether a node needs no worker: its artifact exists, or it was imported here, successfully or not."""
    inputs = queue.inputs(name)
    try:
        found = job.find(name, inputs)
        if found is None and job.plan[name].source_digest is not None:
            found = job.run(name, inputs)
    except Exception as error:
        queue.fail(failure_of(name, error), error)
        return True
    if found is None:
        return False
    queue.outcome.results[name] = found
    on_result(name)
    return True
