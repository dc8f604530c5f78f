"""Worker processes: each executes one node at a time with its share of the threads."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from deidsynth.progress import SilentProgress
from deidsynth.workflow.making import Job
from deidsynth.workflow.results import Failure, Surroundings, failure_of
from deidsynth.workflow.scheduler import OnResult, ReadyQueue, settle_here
from deidsynth.workflow.store import Artifact

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def threads_for(n_workers: int) -> int:
    """Threads per worker: those allowed by ``OMP_NUM_THREADS`` or the machine, divided by the workers; at least 1."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    available = int(asked) if asked.isdigit() and int(asked) else len(os.sched_getaffinity(0))
    return max(1, available // n_workers)


@dataclass(frozen=True, slots=True)
class Workers:
    """A pass over a queue with several processes.

    Args:
        number: of processes.
        threads: of each; by default the machine's, divided.
        start_method: of the processes; ``spawn`` is safe with threads, ``fork`` inherits the memory.
    """

    number: int
    threads: int | None = None
    start_method: str = "spawn"

    def __call__(self, job: Job, queue: ReadyQueue, on_result: OnResult) -> None:
        """Execute the nodes; existing artifacts and sources are handled in this process."""
        idle: list[_Worker] = []
        busy: dict[Connection, tuple[_Worker, str]] = {}
        try:
            while True:
                self._begin(job, queue, on_result, idle, busy)
                if not busy:
                    return
                for connection in wait(list(busy)):
                    assert isinstance(connection, Connection)
                    worker, name = busy[connection]
                    if self._hear(worker, name, job, queue, on_result):
                        del busy[connection]
                        if worker.process.is_alive():
                            idle.append(worker)
        finally:
            for worker in [*idle, *(each for each, _ in busy.values())]:
                worker.end()

    def _begin(
        self,
        job: Job,
        queue: ReadyQueue,
        on_result: OnResult,
        idle: list[_Worker],
        busy: dict[Connection, tuple[_Worker, str]],
    ) -> None:
        """Assign nodes to free workers."""
        while len(busy) < self.number:
            name = next(queue.ready(), None)
            if name is None:
                return
            if settle_here(name, job, queue, on_result):
                continue
            worker = idle.pop() if idle else self._start(job)
            worker.connection.send((name, queue.inputs(name)))
            busy[worker.connection] = (worker, name)

    def _start(self, job: Job) -> _Worker:
        here, there = multiprocessing.Pipe()
        context: Any = multiprocessing.get_context(self.start_method)
        stages = dict(job.stages)  # a mapping proxy cannot be sent
        bare = replace(job, sources={}, stages=stages, surroundings=Surroundings(job.surroundings.device))
        with _environment(dict.fromkeys(THREAD_VARIABLES, str(self.threads or threads_for(self.number)))):
            process = context.Process(target=_work, args=(there, bare), daemon=True)
            process.start()
        there.close()
        return _Worker(process, here)

    def _hear(self, worker: _Worker, name: str, job: Job, queue: ReadyQueue, on_result: OnResult) -> bool:
        """Process one message of a worker; returns whether its node is finished."""
        try:
            kind, content = worker.connection.recv()
        except (EOFError, OSError):
            worker.process.join()
            message = (
                f"its process ended with code {worker.process.exitcode}; perhaps it ran out of memory: use fewer "
                "workers"
            )
            queue.fail(Failure(name, message))
            return True
        if kind == "message":
            job.surroundings.progress.message(content)
            return False
        if kind == "failure":
            queue.fail(content)
        else:
            queue.outcome.results[name] = content
            on_result(name)
        return True


@dataclass(frozen=True, slots=True)
class _Worker:
    process: BaseProcess
    connection: Connection

    def end(self) -> None:
        """Stop the process; the next attempt resumes its work."""
        with contextlib.suppress(OSError):
            self.connection.send(None)
        self.connection.close()
        self.process.join(timeout=0.2)
        if self.process.is_alive():
            self.process.terminate()
            self.process.join()


class _Remote(SilentProgress):
    """Forwards messages to the main process, without progress bars, of which several would interfere."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def message(self, text: str) -> None:
        """Forward the line."""
        self._connection.send(("message", text))


def _work(connection: Connection, job: Job) -> None:
    """Execute the nodes that are sent, until None is sent or the connection ends."""
    job = replace(job, surroundings=Surroundings(job.surroundings.device, _Remote(connection)))
    with contextlib.suppress(EOFError, BrokenPipeError, KeyboardInterrupt):
        while (asked := connection.recv()) is not None:
            name: str
            inputs: dict[str, Artifact]
            name, inputs = asked
            try:
                result = job.run(name, inputs)
            except Exception as error:
                connection.send(("failure", failure_of(name, error)))
            else:
                connection.send(("result", result))


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """A context with other environment variables, for processes started inside."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
