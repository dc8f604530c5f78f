"""Processes for trainings side by side: they end with the one that began them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deidsynth.progress import Progress

PROGRAM = """
import sys
from functools import partial
from pathlib import Path
from deidsynth.progress import SilentProgress
from deidsynth.stages.work.training_processes import run_in_parallel
from test_training_processes import linger
jobs = [partial(linger, Path(sys.argv[1]) / name) for name in ("one", "two")]
run_in_parallel(jobs, 2, SilentProgress(), "lingering")
"""


def linger(file: Path, _: Progress) -> None:
    """Write the number of this process, and go on for a minute."""
    print("not for the pipe", flush=True)
    file.with_suffix(".part").write_text(str(os.getpid()), encoding="utf-8")
    file.with_suffix(".part").rename(file)
    time.sleep(60)


def is_alive(number: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(number, 0)
        return "Z" not in Path(f"/proc/{number}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0]
    return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads the states of processes there")
@pytest.mark.parametrize("how", ["kill", "terminate"])
def test_they_end_with_their_parent(tmp_path: Path, how: str) -> None:
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    parent = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": path})
    deadline = time.monotonic() + 60
    while not all((tmp_path / name).exists() for name in ("one", "two")):
        assert time.monotonic() < deadline and parent.poll() is None
        time.sleep(0.05)
    getattr(parent, how)()
    parent.wait()
    numbers = [int((tmp_path / name).read_text(encoding="utf-8")) for name in ("one", "two")]
    while any(is_alive(number) for number in numbers):
        assert time.monotonic() < deadline + 20
        time.sleep(0.05)
