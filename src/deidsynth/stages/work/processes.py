"""Parts of a stage in parallel, each in a process of its own, because a small model cannot use all CPU cores."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from deidsynth.progress import Progress, SilentProgress, SilentTask, Task

Job = Callable[[Progress], None]
PROGRAM = "from deidsynth.stages.work.processes import work; work()"


def run_in_parallel(
    jobs: Sequence[Job], threads: int, listener: Progress, name: str, total: float | None = None, unit: str = "steps"
) -> None:
    """Run each job in a process of its own. The caller has to finish jobs whose process ended early.

    Args:
        jobs: picklable functions of a progress listener, which write files.
        threads: total of all processes; each gets at least one.
        listener: gets the progress of all jobs as one task.
        name: of the task.
        total: of the task; by default what the first job says, for each of the jobs.
        unit: of the task.
    """
    told, tell = os.pipe()
    processes = [_begin(max(1, threads // len(jobs)), tell) for _ in jobs]
    os.close(tell)
    try:
        with os.fdopen(told, encoding="utf-8") as lines:
            for process, job in zip(processes, jobs, strict=True):
                _hand_over(process, job)
            with contextlib.ExitStack() as stack:
                task = None if total is None else stack.enter_context(listener.task(name, total, unit))
                begin = partial(_begin_task, stack, listener, name, unit, len(jobs))
                _listen(lines, listener, task, begin)
        failed = [str(code) for code in (process.wait() for process in processes) if code]
    finally:
        for process in processes:
            _end(process)
    if failed:
        listener.message(
            f"{len(failed)} of {len(jobs)} processes ended early (code {', '.join(failed)}), perhaps out of memory; "
            "continuing one after another"
        )


def _begin(threads: int, tell: int) -> subprocess.Popen[bytes]:
    """A process that waits for its job. It imports this package, but nothing of the calling program."""
    here = str(Path(__file__).parents[3])
    path = os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "PYTHONPATH": path}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=tell, stderr=subprocess.DEVNULL, env=environment
    )


def _hand_over(process: subprocess.Popen[bytes], job: Job) -> None:
    assert process.stdin is not None
    with contextlib.suppress(OSError):  # if the process has ended, its exit code is reported
        pickle.dump(job, process.stdin)
        process.stdin.flush()


def _listen(lines: Iterable[str], listener: Progress, task: Task | None, begin: Callable[[float], Task]) -> None:
    """Forward the progress of the processes until the last one has ended.

    Args:
        lines: of the processes.
        listener: gets metrics.
        task: gets the progress; if there is none, the first process that tells its total begins one.
        begin: begins a task of a total for each process.
    """
    for line in lines:
        kind, content = json.loads(line)
        if kind == "metrics":
            listener.metrics(*content)
        elif kind == "advance" and task is not None:
            task.advance(content)
        elif kind == "total" and task is None:
            task = begin(content)


def _begin_task(
    stack: contextlib.ExitStack, listener: Progress, name: str, unit: str, n_jobs: int, total: float
) -> Task:
    return stack.enter_context(listener.task(name, total * n_jobs, unit))


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process; the next attempt resumes from its checkpoints."""
    process.kill()
    process.wait()
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()


class _Teller(SilentProgress):
    """Sends progress to the parent process as lines.

    Args:
        pipe: file descriptor to write to.
    """

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    def task(self, name: str, total: float | None, unit: str = "") -> Task:
        """Send the total."""
        del name, unit
        self.tell("total", total)
        return _TellingTask(self)

    def metrics(self, name: str, values: Mapping[str, float]) -> None:
        """Send the point."""
        self.tell("metrics", [name, dict(values)])

    def tell(self, kind: str, content: object) -> None:
        """Write one line, short enough for the pipe to keep it whole next to those of other processes."""
        os.write(self._pipe, (json.dumps([kind, content]) + "\n").encode())


class _TellingTask(SilentTask):
    def __init__(self, teller: _Teller) -> None:
        self._teller = teller

    def advance(self, n: float = 1, **info: str | float) -> None:
        """Send what was done."""
        del info
        self._teller.tell("advance", n)


def work() -> None:
    """Run the job that is sent; end with the parent process."""
    output = sys.stdout.fileno()
    pipe = os.dup(output)
    os.dup2(os.open(os.devnull, os.O_WRONLY), output)  # keeps output of libraries out of the pipe
    job: Job = pickle.load(sys.stdin.buffer)

    def end_with_parent() -> None:
        while os.read(sys.stdin.fileno(), 1):
            pass
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
    job(_Teller(pipe))
