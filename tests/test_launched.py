"""Commands that train, begun several times by a launcher."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deidsynth.cli.app import app
from deidsynth.config import CorpusConfig, RunConfig
from deidsynth.errors import InputError
from deidsynth.executors.launched import COUNTS, refuse_several_processes
from deidsynth.pipeline import run
from tiny_runs import SETTINGS, write_config, write_notes

STUDY = "axes: {seed: [1, 2]}"


def commands(home: Path) -> dict[str, list[str]]:
    """A command line for every verb that trains."""
    notes = write_notes(home / "notes")
    (home / "study.yaml").write_text(STUDY)
    config = write_config(home / "tiny.yaml", notes, home / "runs" / "tiny")
    return {
        "adapt": ["adapt", "--corpus", str(notes), "--output", str(home / "out")],
        "train": ["train", str(notes), "--output", str(home / "out")],
        "run": ["run", str(config)],
        "demo": ["demo", "--output", str(home / "out")],
        "study": ["study", "run", str(home / "study.yaml"), "--corpus", str(notes), "--output", str(home / "out")],
    }


@pytest.mark.parametrize("verb", ["adapt", "train", "run", "demo", "study"])
def test_verbs_that_train_refuse_before_they_write_anything(tmp_path, monkeypatch, verb) -> None:
    command = commands(tmp_path)[verb]
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.setenv("WORLD_SIZE", "2")
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 2
    told = " ".join(result.stderr.split())
    assert told.count("error:") == 1
    assert "WORLD_SIZE=2: a training is one process" in told
    assert "CUDA_VISIBLE_DEVICES=0" in told
    assert sorted(tmp_path.rglob("*")) == before


def test_a_dry_run_trains_nothing(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    command = [*commands(tmp_path)["study"], "--set", "corpus.language=sv", "--device", "cpu", "--dry-run"]
    assert CliRunner().invoke(app, command).exit_code == 0


def test_callers_from_python_are_refused_too(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "3")
    with pytest.raises(InputError, match="OMPI_COMM_WORLD_SIZE=3"):
        run(RunConfig(corpus=CorpusConfig(path=str(tmp_path))))


@pytest.mark.parametrize("count", ["", "1", "0", "-1", "many"])
def test_one_process_is_fine(monkeypatch, count) -> None:
    for name in COUNTS:
        monkeypatch.setenv(name, count)
    refuse_several_processes()


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_under_torchrun(tmp_path, processes) -> None:
    notes = write_notes(tmp_path / "notes")
    settings = [f"--set={key}={value}" for key, value in SETTINGS["adapt"].items() if key != "scratch"]
    shape = [f"--set=scratch.{key}={value}" for key, value in SETTINGS["adapt"]["scratch"].items()]
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    command = [*launch, "-m", "deidsynth", "adapt", "--corpus", str(notes), "--output", str(tmp_path / "lm")]
    command += [*settings, *shape, "--set=epochs=1", "--device", "cpu"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    if processes == 1:
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "lm" / "model" / "config.json").is_file()
    else:
        assert done.returncode != 0
        assert "WORLD_SIZE=2: a training is one process" in " ".join(done.stderr.split())
        assert not list(tmp_path.glob("*lm*"))
