"""Trainings side by side, each in a process of its own: what small models make more of a processor's cores with."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from deidsynth.progress import Progress, SilentProgress, SilentTask, Task

Job = Callable[[Progress], None]
PROGRAM = "from deidsynth.stages.work.training_processes import work; work()"


def run_side_by_side(jobs: Sequence[Job], threads: int, listener: Progress, name: str) -> None:
    """Do each job in a process of its own, as far as that goes. Who calls sees to what is not done afterwards.

    Args:
        jobs: with the listener that they tell of their steps; what pickle can hold. They leave files behind.
        threads: of all processes together; each has at least one.
        listener: hears of all of them as of one task.
        name: of the task, for people.
    """
    told, tell = os.pipe()
    processes = [_begin(max(1, threads // len(jobs)), tell) for _ in jobs]
    os.close(tell)
    try:
        with os.fdopen(told, encoding="utf-8") as lines:
            for process, job in zip(processes, jobs, strict=True):
                _hand_over(process, job)
            _listen(lines, listener, name, len(jobs))
        failed = [str(code) for code in (process.wait() for process in processes) if code]
    finally:
        for process in processes:
            _end(process)
    if failed:
        listener.message(
            f"{len(failed)} of {len(jobs)} processes ended early (code {', '.join(failed)}); perhaps memory ran out: "
            "going on one after another"
        )


def _begin(threads: int, tell: int) -> subprocess.Popen[bytes]:
    """A process that waits for its job. It imports this package, and nothing of the program that calls it."""
    here = str(Path(__file__).parents[3])
    path = os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "PYTHONPATH": path}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=tell, stderr=subprocess.DEVNULL, env=environment
    )


def _hand_over(process: subprocess.Popen[bytes], job: Job) -> None:
    assert process.stdin is not None
    with contextlib.suppress(OSError):  # one that has ended is heard of by its code
        pickle.dump(job, process.stdin)
        process.stdin.flush()


def _listen(lines: Iterable[str], listener: Progress, name: str, n_jobs: int) -> None:
    """Pass on what the processes tell, until the last of them has ended."""
    with contextlib.ExitStack() as stack:
        task: Task | None = None
        for line in lines:
            kind, content = json.loads(line)
            if kind == "metrics":
                listener.metrics(*content)
            elif kind == "advance" and task is not None:
                task.advance(content)
            elif kind == "steps" and task is None:
                task = stack.enter_context(listener.task(name, content * n_jobs, "steps"))


def _end(process: subprocess.Popen[bytes]) -> None:
    """Stop a process, wherever it is; the next attempt takes up its checkpoints."""
    process.kill()
    process.wait()
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()


class _Teller(SilentProgress):
    """Writes lines that the process which listens understands.

    Args:
        pipe: file descriptor of the end to write to.
    """

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    def task(self, name: str, total: float | None, unit: str = "") -> Task:
        """Tell how many steps there will be."""
        del name, unit
        self.tell("steps", total)
        return _TellingTask(self)

    def metrics(self, name: str, values: Mapping[str, float]) -> None:
        """Pass the point on."""
        self.tell("metrics", [name, dict(values)])

    def tell(self, kind: str, content: object) -> None:
        """One short line, which the pipe keeps whole beside those of other processes."""
        os.write(self._pipe, (json.dumps([kind, content]) + "\n").encode())


class _TellingTask(SilentTask):
    def __init__(self, teller: _Teller) -> None:
        self._teller = teller

    def advance(self, n: float = 1, **info: str | float) -> None:
        """Pass the steps on."""
        del info
        self._teller.tell("advance", n)


def work() -> None:
    """Do the job that comes in; end when the process that listens does."""
    output = sys.stdout.fileno()
    pipe = os.dup(output)
    os.dup2(os.open(os.devnull, os.O_WRONLY), output)  # the pipe is not for what a library prints
    job: Job = pickle.load(sys.stdin.buffer)

    def end_with_parent() -> None:
        while os.read(sys.stdin.fileno(), 1):
            pass
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
    job(_Teller(pipe))
