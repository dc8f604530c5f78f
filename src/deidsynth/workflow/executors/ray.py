"""Execution on a Ray cluster: every node is a task, and tasks of lost machines are restarted.

Tasks and results contain names, keys, counts and paths. Artifacts only go through the store, never through
Ray's object store, and the output of workers is not forwarded.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from deidsynth.errors import DeidsynthError, InputError, MissingExtraError
from deidsynth.workflow.executors.remote import RemoteResult, lost, make_task, run_task, wait_for
from deidsynth.workflow.executors.resources import Resources
from deidsynth.workflow.making import Job
from deidsynth.workflow.results import Failure, failure_of
from deidsynth.workflow.scheduler import OnResult, ReadyQueue, settle_here

RETRIES = 3
STARTS = 3
LOOK_SECONDS = 20.0
_STORE_BYTES = 80 * 1024 * 1024  # the minimum of Ray: it is not used


@contextlib.contextmanager
def ray_cluster(
    address: str | None = None, resources: Resources | None = None, retries: int = RETRIES
) -> Iterator[RayPass]:
    """A context for executing nodes on a cluster, or on a local Ray that runs during the context.

    Inside, standard output goes to standard error.

    Args:
        address: of a running cluster; ``auto``: the cluster of this machine; None: start Ray locally.
        resources: of nodes.
        retries: maximum restarts of a node after its worker was lost.

    Raises:
        MissingExtraError: Ray is not installed.
        InputError: no cluster at the address.
        DeidsynthError: Ray does not start on this machine.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray = _ray()
    wanted = resources or Resources()
    if ray.is_initialized():  # started by the caller, who also stops it
        yield RayPass(wanted, retries)
        return
    # Ray prints notices, for example of a lost machine, on standard output, which is for results.
    with contextlib.redirect_stdout(sys.stderr):
        if address is None:
            _start(ray)
        else:
            _connect(ray, address)
        try:
            yield RayPass(wanted, retries)
        finally:
            ray.shutdown()


def _ray() -> Any:
    try:
        return importlib.import_module("ray")
    except ImportError:
        raise MissingExtraError("--executor ray", "ray") from None


def _start(ray: Any) -> None:
    """Start Ray, reachable from this machine only. Under load it may take several tries."""
    for attempt in range(1, STARTS + 1):
        try:
            ray.init(
                num_cpus=len(os.sched_getaffinity(0)), include_dashboard=False, log_to_driver=False,
                logging_level=logging.ERROR, object_store_memory=_STORE_BYTES, _node_ip_address="127.0.0.1",
            )  # fmt: skip
        except Exception as error:  # Ray raises bare exceptions here
            ray.shutdown()
            if attempt == STARTS:
                raise DeidsynthError(
                    f"Ray did not start on this machine ({type(error).__name__}, {STARTS} tries); it times out "
                    "on a busy machine: try again, or use --executor local"
                ) from error
        else:
            return


def _connect(ray: Any, address: str) -> None:
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # as above
        ray.shutdown()
        raise InputError(
            f"--ray-address {address}: no Ray cluster there ({type(error).__name__}); start one with: ray start --head"
        ) from error


@dataclass(frozen=True, slots=True)
class RayPass:
    """A pass over a queue on a cluster; only inside :func:`ray_cluster`.

    Args:
        resources: of nodes.
        retries: maximum restarts of a node after its worker was lost.
    """

    resources: Resources
    retries: int = RETRIES

    def __call__(self, job: Job, queue: ReadyQueue, on_result: OnResult) -> None:
        """Execute the nodes; existing artifacts and sources are handled in this process."""
        ray = _ray()
        task = ray.remote(run_task)
        running: dict[Any, str] = {}
        warned: set[tuple[int, float]] = set()
        try:
            while True:
                for name in queue.ready():
                    if not settle_here(name, job, queue, on_result):
                        running[self._begin(task, job, name)] = name
                if not running:
                    return
                done, _ = ray.wait(list(running), num_returns=1, timeout=LOOK_SECONDS)
                for reference in done:
                    _hear(
                        self._answer(ray, reference, running[reference]), running.pop(reference), job, queue, on_result
                    )
                if not done:
                    self._warn(ray, job, running.values(), warned)
        finally:
            for reference in running:
                with contextlib.suppress(Exception):
                    ray.cancel(reference, force=True)

    def _begin(self, task: Any, job: Job, name: str) -> Any:
        """The reference of a node's task, which waits for free resources."""
        cpus, gpus = self._needs(job, name)
        remote_task = make_task(job, name, threads=cpus)
        options = {"num_cpus": cpus, "num_gpus": gpus, "max_retries": self.retries, "retry_exceptions": False}
        return task.options(name=name, **options).remote(remote_task)

    def _needs(self, job: Job, name: str) -> tuple[int, float]:
        return self.resources.for_stage(job.plan.stage_of(job.plan[name], job.stages), job.surroundings.device)

    def _answer(self, ray: Any, reference: Any, name: str) -> RemoteResult:
        try:
            answer: RemoteResult = ray.get(reference)
        except ray.exceptions.RayTaskError as error:
            # Outside of run_task: the worker could not start the task. The message is not shown, as it may be anything.
            why = type(getattr(error, "cause", None) or error).__name__
            message = f"a worker could not start the task ({why}); is deidsynth installed on all machines?"
            return RemoteResult(None, Failure(name, message), ())
        except ray.exceptions.RayError as error:
            return RemoteResult(None, lost(name, type(error).__name__, self.retries + 1), ())
        return answer

    def _warn(self, ray: Any, job: Job, names: Any, warned: set[tuple[int, float]]) -> None:
        """Report resources that no machine of the cluster has, once, since Ray would wait silently."""
        machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        for needs in {self._needs(job, name) for name in names} - warned:
            cpus, gpus = needs
            if any(each.get("CPU", 0) >= cpus and each.get("GPU", 0) >= gpus for each in machines):
                continue
            warned.add(needs)
            job.surroundings.progress.message(
                f"waiting: no machine of the cluster has {cpus} processors and {gpus:g} GPUs; add one, or stop and "
                "change --cpus-per-task and --gpus-per-task"
            )


def _hear(answer: RemoteResult, name: str, job: Job, queue: ReadyQueue, on_result: OnResult) -> None:
    """Process an answer; the result is read from the store."""
    for line in answer.lines:
        job.surroundings.progress.message(line)
    if answer.failure is not None or answer.status is None:
        queue.fail(answer.failure or Failure(name, "no answer"))
        return
    try:
        wait_for(job, name)
        found = job.find(name, queue.inputs(name))
    except Exception as error:
        queue.fail(failure_of(name, error))
        return
    if found is None:
        queue.fail(Failure(name, "its inputs changed while it was computed"))
        return
    queue.outcome.results[name] = replace(found, status=answer.status)
    on_result(name)
