"""Kill -9 at any moment, as often as ``pytest --kills N`` says: a run always goes on, and gives the same digests."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest

from deidsynth.workflow.run_folder import show_run
from deidsynth.workflow.run_verification import check_run
from tiny_runs import SETTINGS, write_config, write_notes

QUICK = {
    "adapt": {**SETTINGS["adapt"], "epochs": 4},
    "train": {**SETTINGS["train"], "epochs": 8, "task_adaptive_pretraining": {"epochs": 1}},
}
LONGEST_SECONDS = 300


def run_alone(config: str) -> None:
    """Run a configuration through the command line, in a process group of its own."""
    from deidsynth.cli.app import app

    os.setpgid(0, 0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    app(["run", config, "--device", "cpu", "--quiet"])


def kill(victim: multiprocessing.process.BaseProcess) -> None:
    """Kill a process and all that it started; it may not have a group of its own yet."""
    assert victim.pid is not None
    group = os.getpgid(victim.pid)
    if group == victim.pid:
        os.killpg(group, signal.SIGKILL)
    else:
        os.kill(victim.pid, signal.SIGKILL)


def content(folder: Path) -> dict[str, Any]:
    """Digest of every file of every artifact, and the bytes of what is published from them."""
    found: dict[str, Any] = {}
    for each in show_run(folder)["artifacts"]:
        manifest = json.loads((Path(each["path"]) / "manifest.json").read_text(encoding="utf-8"))
        found[each["name"]] = manifest["files"]
    return {**found, "corpus": (folder / "synthetic" / "corpus.jsonl").read_bytes()}


@pytest.mark.slow
def test_a_run_killed_at_any_moment_goes_on_to_the_same_digests(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    wanted, chance = int(request.config.getoption("--kills")), Random(os.environ.get("KILL_SEED", "17"))
    context = multiprocessing.get_context("forkserver")
    stages = [f"deidsynth.stages.work.{name}" for name in ("adapt", "synthesize", "train", "annotate", "memorization")]
    context.set_forkserver_preload([*stages, "deidsynth.workflow.pipeline", "deidsynth.cli.app"])

    def begin(config: Path) -> multiprocessing.context.ForkServerProcess:
        process = context.Process(target=run_alone, args=(str(config),))
        process.start()
        return process

    notes = write_notes(tmp_path / "notes")
    first = write_config(tmp_path / "first.yaml", notes, tmp_path / "first" / "run", **QUICK)
    for _ in range(2):  # the first one also loads the libraries
        shutil.rmtree(tmp_path / "first", ignore_errors=True)
        began = time.monotonic()
        undisturbed = begin(first)
        undisturbed.join(LONGEST_SECONDS)
        assert undisturbed.exitcode == 0
        took = time.monotonic() - began
    same, n_killed, n_runs = content(tmp_path / "first" / "run"), 0, 0
    while n_killed < wanted:
        home = tmp_path / f"home-{n_runs}"
        run = home / "run"
        config = write_config(tmp_path / f"{home.name}.yaml", notes, run, **QUICK)
        n_runs += 1
        while True:
            victim = begin(config)
            victim.join(chance.uniform(0, took) if n_killed < wanted else LONGEST_SECONDS)
            if victim.exitcode is not None:
                assert victim.exitcode == 0
                break
            kill(victim)
            victim.join()
            n_killed += 1
            if (run / "run.json").is_file():
                found = check_run(run)
                assert found.status in ("unfinished", "whole"), found.problems
        assert content(run) == same
        assert check_run(run).status == "whole", check_run(run).problems
        assert not list((home / ".deidsynth" / "work").iterdir())
        left = [path for path in home.rglob(".*.tmp") if ".deidsynth" not in path.parts]
        assert left == []
        shutil.rmtree(home)
    print(f"{n_killed} kills of {n_runs} runs of {took:.1f} s: the same digests every time")
