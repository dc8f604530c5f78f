"""A run whose independent stages are worked on at once is the run of one process, to the byte."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from test_pipeline_fake import STAGES, Fake, config_of, go, home  # noqa: F401 - home is a fixture

from deidsynth.config import RunConfig, load_data, parse
from deidsynth.progress import SilentProgress
from deidsynth.workflow import pipeline
from deidsynth.workflow.executors.workers import Workers
from deidsynth.workflow.pipeline import RunResult, run
from deidsynth.workflow.run_folder import verify_run
from fake_specs import specs_of
from tiny_runs import SETTINGS, write_config, write_notes

PATIENCE_SECONDS = 60.0


class Listener(SilentProgress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def message(self, text: str) -> None:
        self.lines.append(text)


class Meeting(Fake):
    """A stage that ends only when the other one has been begun too."""

    def __init__(self, name: str, other: str, place: Path) -> None:
        super().__init__(name)
        self._mine, self._other = place / name, place / other

    def run(self, *given: Any) -> Any:
        self._mine.touch()
        until = time.monotonic() + PATIENCE_SECONDS
        while not self._other.exists():
            assert time.monotonic() < until, f"{self._other.name} was not begun while {self.name} ran"
            time.sleep(0.01)
        return super().run(*given)


def contents(result: RunResult) -> dict[str, tuple[str, str, str]]:
    return {each.name: (each.key, each.artifact.content_digest, each.status) for each in result.results}


def test_independent_branches_run_at_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    alone = contents(go(config_of(home)))
    monkeypatch.setattr(pipeline, "Workers", partial(Workers, start_method="fork"))
    stages = {name: Fake(name) for name in STAGES}
    stages["adapt"], stages["train"] = Meeting("adapt", "train", home), Meeting("train", "adapt", home)
    config = config_of(home, output=str(home / "elsewhere" / "one"))
    result = run(config, stages=specs_of(stages), device="cpu", workers=2)
    assert contents(result) == alone
    assert not any(stage.runs for stage in stages.values()), "stages ran in the workers"
    assert verify_run(result.folder) == []


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One thread here and in the workers, since sums depend on how many there are."""
    import torch

    before = torch.get_num_threads()
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_two_workers_make_what_one_process_makes_of_real_models(tmp_path: Path) -> None:
    notes = write_notes(tmp_path / "notes")
    made, models, lines = [], [], []
    for workers in (1, 2):
        path = write_config(
            tmp_path / "tiny.yaml",
            notes,
            tmp_path / f"workers-{workers}" / "run",
            adapt={**SETTINGS["adapt"], "epochs": 4},
            train={**SETTINGS["train"], "epochs": 2, "task_adaptive_pretraining": {"epochs": 1}},
        )
        listener = Listener()
        result = run(parse(RunConfig, load_data(path)), device="cpu", workers=workers, progress=listener)
        assert verify_run(result.folder) == []
        made.append(contents(result))
        models.append(result.report.models)
        lines.append(listener.lines)
    assert made[0] == made[1]
    assert models[0] == models[1]
    assert any("synthesize 2 of 2: done in" in line for line in lines[1]), "sampling was divided"
    assert not any("of 2: done in" in line for line in lines[0])
