"""Run every node of a plan that can be run, whatever becomes of the others; here or in several processes.

A node that fails keeps back only what needs it. What failed is tried once more at the end. Nodes run in the order of
the plan as far as their inputs allow, so that whoever puts the nodes of one cell side by side sees cells finish early.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from deidsynth.errors import DeidsynthError
from deidsynth.workflow.executors.executor import NodeResult, Source, Surroundings
from deidsynth.workflow.executors.local import find_node, run_node
from deidsynth.workflow.executors.shards import Parts, divide
from deidsynth.workflow.plan import Plan
from deidsynth.workflow.store import Artifact, Store

if TYPE_CHECKING:
    from deidsynth.stages.stage import Stage

_PACKAGE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a node has no artifact.

    Args:
        name: of the node.
        message: what to tell; never text of a corpus.
        exit_code: 2 where the user's input is at fault, else 3.
    """

    name: str
    message: str
    exit_code: int = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a plan: results and failures by node name. A node in neither waits for one that failed."""

    results: dict[str, NodeResult] = field(default_factory=dict)
    failures: dict[str, Failure] = field(default_factory=dict)


class Agenda:
    """Which node is next: the first of the plan that was not begun and whose inputs and parts are there."""

    def __init__(self, plan: Plan, parts: Parts) -> None:
        self.plan, self._parts = plan, parts
        self.outcome = Outcome()
        self._waiting = [node.name for node in plan]

    def ready(self) -> Iterator[str]:
        """Nodes that may be begun now, each taken off the list as it is given; results may come in between."""
        while (name := next((each for each in self._waiting if self._can_begin(each)), None)) is not None:
            self._waiting.remove(name)
            yield name

    def _can_begin(self, name: str) -> bool:
        needs = [*self.plan[name].inputs.values(), *self._parts.get(name, ())]
        return all(needed in self.outcome.results for needed in needs)

    def inputs(self, name: str) -> dict[str, Artifact]:
        """The artifacts that a node takes, by role."""
        return {role: self.outcome.results[needed].artifact for role, needed in self.plan[name].inputs.items()}

    def put_back(self) -> list[Failure]:
        """The failures so far, forgotten, their nodes waiting again."""
        failures = list(self.outcome.failures.values())
        self.outcome.failures.clear()
        again = {failure.name for failure in failures}
        self._waiting = [node.name for node in self.plan if node.name in again or node.name in self._waiting]
        return failures


@dataclass(frozen=True, slots=True)
class Job:
    """What running nodes needs to know."""

    plan: Plan
    keys: Mapping[str, str]
    store: Store
    stages: Mapping[str, Stage]
    sources: Mapping[str, Source]
    surroundings: Surroundings
    parts: Parts = field(default_factory=dict)

    def title(self, name: str) -> str:
        """What a listener is told that a node is called."""
        names = [node.name for node in self.plan]
        return f"[{names.index(name) + 1:{len(str(len(names)))}}/{len(names)}] {name}"

    def find(self, name: str, inputs: Mapping[str, Artifact]) -> NodeResult | None:
        """The node's result if its artifact is there."""
        return find_node(self.plan[name], self.keys[name], inputs, self.store)

    def run(self, name: str, inputs: Mapping[str, Artifact], title: str | None = None) -> NodeResult:
        """The node's result, made now where it is not there; a listener hears of it by its title."""
        return run_node(
            self.plan,
            name,
            keys=self.keys,
            inputs=inputs,
            store=self.store,
            stages=self.stages,
            sources=self.sources,
            surroundings=self.surroundings,
            title=title or self.title(name),
            parts=[self.store.folder_of(self.keys[part], self.plan[part].stage) for part in self.parts.get(name, ())],
        )


Told = Callable[[str], None]
"""Hears the name of a node that has a result now."""


class Pass(Protocol):
    """One pass over an agenda: everything that can be run is run."""

    def __call__(self, job: Job, agenda: Agenda, told: Told) -> None: ...


def execute_all(
    plan: Plan,
    store: Store,
    stages: Mapping[str, Stage],
    *,
    sources: Mapping[str, Source] | None = None,
    surroundings: Surroundings | None = None,
    on_result: Callable[[NodeResult], None] = lambda _: None,
    run_pass: Pass | None = None,
    attempts: int = 2,
    shards: int = 1,
) -> Outcome:
    """Results and failures of all nodes.

    Args:
        plan: what to run; nodes of equal keys had better be one.
        store: where artifacts are looked up and kept.
        stages: by name.
        sources: by node name, for the nodes that take their content from outside.
        surroundings: device and listener.
        on_result: called with every result as soon as it is there.
        run_pass: how nodes are run; by default here, one after another.
        attempts: how often a failing node is begun in all.
        shards: parts of every node whose stage can be divided; its artifact is the same for any number.

    Raises:
        InputError: a stage of the plan is not known.
    """
    where = surroundings or Surroundings()
    whole = plan
    plan, stages, parts = divide(plan, store, stages, shards)
    keys = plan.keys({name: stage.version for name, stage in stages.items()})
    job = Job(plan, keys, store, stages, sources or {}, where, parts)
    agenda = Agenda(plan, parts)
    of_whole = {node.name for node in whole}

    def told(name: str) -> None:
        if name in of_whole:
            on_result(agenda.outcome.results[name])
        for part in parts.get(name, ()):  # what it holds is in the whole artifact now
            store.remove(agenda.outcome.results[part].artifact)

    for attempt in range(1, attempts + 1):
        (run_pass or run_here)(job, agenda, told)
        for failure in agenda.outcome.failures.values():
            where.progress.message(f"{failure.name}: failed: {failure.message}")
        if not agenda.outcome.failures or attempt == attempts:
            break
        count = len(agenda.put_back())
        where.progress.message(f"trying again what failed: {count} step{'' if count == 1 else 's'}")
    results = {name: result for name, result in agenda.outcome.results.items() if name in of_whole}
    return replace(agenda.outcome, results=results)


def run_here(job: Job, agenda: Agenda, told: Told) -> None:
    """Run what can be run in this process, one node after another."""
    for name in agenda.ready():
        inputs = agenda.inputs(name)
        try:
            agenda.outcome.results[name] = job.find(name, inputs) or job.run(name, inputs)
        except Exception as error:
            agenda.outcome.failures[name] = failure_of(name, error)
        else:
            told(name)


def see_to(name: str, job: Job, agenda: Agenda, told: Told) -> bool:
    """Whether a node is settled without a worker: its artifact is there, it was imported here, or it failed at that."""
    inputs = agenda.inputs(name)
    try:
        found = job.find(name, inputs)
        if found is None and job.plan[name].source_digest is not None:
            found = job.run(name, inputs)
    except Exception as error:
        agenda.outcome.failures[name] = failure_of(name, error)
        return True
    if found is None:
        return False
    agenda.outcome.results[name] = found
    told(name)
    return True


def failure_of(name: str, error: Exception) -> Failure:
    """What to tell of an exception: our own messages as they are, others by type and place, since they might quote."""
    if isinstance(error, DeidsynthError):
        return Failure(name, str(error), error.exit_code)
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).resolve().is_relative_to(_PACKAGE)]
    place = f" at {Path(ours[-1].filename).resolve().relative_to(_PACKAGE.parent)}:{ours[-1].lineno}" if ours else ""
    return Failure(name, f"unexpected {type(error).__name__}{place}")
