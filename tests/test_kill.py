"""Kill -9 in every stage of a real run: the same command goes on, and nothing shows that it was ever stopped."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

import tiny_runs
from deidsynth.cli.app import app
from deidsynth.workflow.run_folder import show_run, verify_run
from tiny_runs import run_and_die, write_config, write_notes

KILLS = {
    "gold-pretraining": ("gold", "gold: pretrain", 5),
    "gold-tagging": ("gold", "gold", 11),
    "adapt": ("adapt", "adapt", 17),
    "evaluate": ("evaluate-gold", "evaluate-gold", 3),
    "synthesize": ("synthesize", "synthesize", 3),
    "annotate": ("annotate", "annotate", 7),
    "memorization": ("memorization", "memorization", 3),
    "synthetic-pretraining": ("synthetic", "synthetic: pretrain", 5),
    "synthetic-tagging": ("synthetic", "synthetic", 11),
}
"""The step to die in, the task that is under way then, and how often it tells its progress before."""


class Undisturbed:
    """A run that nobody killed."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.corpus = write_notes(home / "notes")
        self.config = write_config(home / "tiny.yaml", self.corpus, home / "runs" / "one")
        run(self.config)
        self.artifacts = {each["name"]: Path(each["path"]) for each in show_run(home / "runs" / "one")["artifacts"]}

    def without(self, step: str, home: Path) -> Path:
        """The configuration of the same run in another place, in whose store only the artifact of one step is missing.

        What follows that step is there: it is used again only if the step, done anew, gives the same bytes.
        """
        shutil.copytree(self.home / "runs" / ".deidsynth", home / ".deidsynth")
        shutil.rmtree(home / ".deidsynth" / "artifacts" / self.artifacts[step].name)
        return write_config(home / "tiny.yaml", self.corpus, home / "again")


def run(config: Path) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["run", str(config), "--device", "cpu", "--json"])
    assert result.exit_code == 0, result.stderr
    report: dict[str, Any] = json.loads(result.stdout)
    return {"report": report, "said": result.stderr}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    return Undisturbed(tmp_path_factory.mktemp("undisturbed"))


@pytest.fixture(scope="module")
def processes() -> multiprocessing.context.ForkServerContext:
    """Fresh processes that have the libraries loaded and have computed nothing yet."""
    context = multiprocessing.get_context("forkserver")
    stages = [f"deidsynth.stages.work.{name}" for name in ("adapt", "synthesize", "train", "annotate", "memorization")]
    context.set_forkserver_preload([*stages, "deidsynth.workflow.pipeline", "deidsynth.cli.app"])
    return context


@pytest.mark.parametrize(
    "kill", ["adapt", *(pytest.param(each, marks=pytest.mark.slow) for each in KILLS if each != "adapt")]
)
def test_a_run_that_was_killed_goes_on_and_gives_the_same(
    kill: str, undisturbed: Undisturbed, processes: multiprocessing.context.ForkServerContext, tmp_path: Path
) -> None:
    step, task, n_calls = KILLS[kill]
    config = undisturbed.without(step, tmp_path)
    victim = processes.Process(target=run_and_die, args=(str(config), task, n_calls))
    victim.start()
    victim.join(60)
    assert victim.exitcode == -signal.SIGKILL
    missing = undisturbed.artifacts[step].name
    assert (tmp_path / ".deidsynth" / "work" / missing / "scratch").is_dir()
    assert not (tmp_path / ".deidsynth" / "artifacts" / missing).exists()

    done = run(config)

    assert f"{step}: resuming an interrupted attempt" in done["said"]
    statuses = {stage["name"]: stage["status"] for stage in done["report"]["stages"]}
    assert [name for name, status in statuses.items() if status == "done"] == [step]
    manifests = [
        json.loads((folder / missing / "manifest.json").read_text(encoding="utf-8"))
        for folder in (tmp_path / ".deidsynth" / "artifacts", undisturbed.artifacts[step].parent)
    ]
    assert [manifest["attempts"] for manifest in manifests] == [2, 1]
    assert manifests[0]["files"] == manifests[1]["files"]
    assert verify_run(tmp_path / "again") == []
    assert not list((tmp_path / ".deidsynth" / "work").iterdir())
    same = undisturbed.home / "runs" / "one"
    assert done["report"]["models"] == json.loads((same / "report.json").read_text(encoding="utf-8"))["models"]
    copies = [(folder / "synthetic" / "corpus.jsonl").read_bytes() for folder in (same, tmp_path / "again")]
    assert copies[0] == copies[1]


def test_a_training_goes_on_from_its_checkpoint(
    undisturbed: Undisturbed, processes: multiprocessing.context.ForkServerContext, tmp_path: Path
) -> None:
    config = undisturbed.without("adapt", tmp_path)
    steps = []
    for n_calls in (17, 14):
        victim = processes.Process(target=run_and_die, args=(str(config), "adapt", n_calls))
        victim.start()
        victim.join(60)
        assert victim.exitcode == -signal.SIGKILL
        [checkpoint] = (tmp_path / ".deidsynth" / "work").glob("adapt-*/scratch/checkpoint.pt")
        steps.append(torch.load(checkpoint, weights_only=True)["step"])
    # The step of the last call is not kept: 16 steps, and 13 more.
    assert steps == [16, 29]


@pytest.mark.slow
def test_a_process_group_that_is_killed_from_outside(undisturbed: Undisturbed, tmp_path: Path) -> None:
    config = write_config(tmp_path / "tiny.yaml", undisturbed.corpus, tmp_path / "runs" / "one")
    source = Path(tiny_runs.__file__).parents[1] / "src"
    environment = {**os.environ, "PYTHONPATH": str(source)}
    command = [sys.executable, "-m", "deidsynth", "run", str(config), "--device", "cpu"]
    victim = subprocess.Popen(command, env=environment, start_new_session=True, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while not list(tmp_path.glob("runs/.deidsynth/work/*/scratch/checkpoint.pt")) and time.monotonic() < until:
        assert victim.poll() is None, victim.communicate()
        time.sleep(0.005)
    os.killpg(victim.pid, signal.SIGKILL)
    victim.communicate()
    assert victim.returncode == -signal.SIGKILL
    run(config)
    assert verify_run(tmp_path / "runs" / "one") == []
    copies = [(home / "runs" / "one" / "synthetic" / "corpus.jsonl") for home in (undisturbed.home, tmp_path)]
    assert copies[0].read_bytes() == copies[1].read_bytes()
