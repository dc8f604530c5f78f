"""Processes for trainings side by side: they end with the one that began them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from deidsynth.progress import Progress, SilentProgress
from deidsynth.stages.work import processes
from deidsynth.stages.work.small_models import spread
from tiny_models import NOTES
from tiny_stages import ADAPT, SYNTHESIZE, Facts, corpus_folder, run

PROGRAM = """
import sys
from functools import partial
from pathlib import Path
from deidsynth.progress import SilentProgress
from deidsynth.stages.work.processes import run_in_parallel
from test_processes import linger
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
@pytest.mark.parametrize("how", ["kill", pytest.param("terminate", marks=pytest.mark.slow)])
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


class Told(SilentProgress):
    """Remembers what is told."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def message(self, text: str) -> None:
        self.messages.append(text)


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("ends_early", [False, True])
def test_sampling_and_annotation_give_the_same_bytes_in_any_number_of_processes(
    root: Path,
    notes: Path,
    trained: tuple[Path, Facts],
    ends_early: bool,
    two_threads: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if ends_early:
        monkeypatch.setattr(processes, "PROGRAM", "import sys; sys.exit(9)")
    model, _ = run("adapt", root, {"train": notes}, ADAPT, f"adapted-{ends_early}")
    many = corpus_folder(
        root / f"many-{ends_early}", tuple(replace(note, doc_id=f"{n}") for n in range(70) for note in NOTES[:1])
    )
    settings = SYNTHESIZE | {"volume_ratio": 1.0, "batch_size": 2, "filters": {"mode": "off"}}
    sources = {"model": model, "prompts": notes, "train": notes}
    found: dict[int, list[bytes]] = {}
    for n_threads in (2, 1):
        torch.set_num_threads(n_threads)
        heard = Told()
        name = f"{n_threads}-{ends_early}"
        sampled, facts = run("synthesize", root, sources, settings, f"sampled-{name}", listener=heard)
        annotated, _ = run(
            "annotate", root, {"texts": many, "model": trained[0]}, {}, f"annotated-{name}", listener=heard
        )
        scored, _ = run("evaluate", root, {"corpus": many, "model": trained[0]}, {}, f"scored-{name}", listener=heard)
        assert facts["tokens_per_second"] > 0
        assert len(heard.messages) == (3 if ends_early and n_threads == 2 else 0)
        found[n_threads] = [
            (folder / file).read_bytes()
            for folder, file in (
                (sampled, "corpus.jsonl"),
                (annotated, "corpus.jsonl"),
                (scored, "predictions.jsonl"),
            )
        ]
    assert found[1] == found[2]


def test_one_thread_is_all_that_a_user_allows(two_threads: None) -> None:
    torch.set_num_threads(1)
    spread([1, 2, 3], lambda *_: pytest.fail("no process was asked for"), SilentProgress(), "work", 3)
