"""Commands that train, begun several times by a launcher."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch
from typer.testing import CliRunner

from deidsynth.cli.app import app
from deidsynth.config import CorpusConfig, RunConfig
from deidsynth.errors import InputError
from deidsynth.workflow.executors.launched import COUNTS, Launched, launched_processes, refuse_several_processes
from deidsynth.workflow.pipeline import run
from tiny_runs import SETTINGS, write_config, write_notes

STUDY = "axes: {seed: [1, 2]}"
ENV = {**os.environ, "OMP_NUM_THREADS": "1"}


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


@pytest.mark.parametrize("verb", ["train", "run", "demo", "study"])
def test_verbs_that_train_refuse_before_they_write_anything(tmp_path, monkeypatch, verb) -> None:
    command = commands(tmp_path)[verb]
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.setenv("WORLD_SIZE", "2")
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 2
    told = " ".join(result.stderr.split())
    assert told.count("error:") == 1
    assert "WORLD_SIZE=2: 2 processes were launched for one command" in told
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


def test_adaptation_is_divided_by_torchrun_and_by_no_other_launcher(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "2")
    result = CliRunner().invoke(app, commands(tmp_path)["adapt"])
    assert result.exit_code == 2
    assert "OMPI_COMM_WORLD_SIZE=2: 2 processes were launched" in " ".join(result.stderr.split())
    monkeypatch.delenv("OMPI_COMM_WORLD_SIZE")
    for name, value in (("RANK", "3"), ("LOCAL_RANK", "1"), ("WORLD_SIZE", "4")):
        monkeypatch.setenv(name, value)
    assert launched_processes() == Launched(3, 1, 4)
    monkeypatch.delenv("RANK")  # as some schedulers tell it
    with pytest.raises(InputError, match="WORLD_SIZE=4"):
        launched_processes()


def adapt_command(home: Path, name: str) -> list[str]:
    """Two steps a pass over notes of several rows, weights kept at the end."""
    notes = home / "notes"
    if not notes.exists():
        write_notes(notes)
    settings = [f"--set={key}={value}" for key, value in SETTINGS["adapt"].items() if key != "scratch"]
    shape = [f"--set=scratch.{key}={value}" for key, value in SETTINGS["adapt"]["scratch"].items()]
    more = ["--set=epochs=3", "--set=checkpoint_seconds=0", "--device", "cpu", "--json"]
    return ["-m", "deidsynth", "adapt", "--corpus", str(notes), "--output", str(home / name), *settings, *shape, *more]


def launch(processes: int) -> list[str]:
    return [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]


def losses(folder: Path) -> list[float]:
    return [json.loads(line)["train_loss"] for line in (folder / "curve.jsonl").read_text().splitlines()]


UNEVEN = """
import sys, torch
from deidsynth.models.training.loop import LoopSettings, Objective, training_steps
from deidsynth.models.training.processes import leave, processes_on
torch.manual_seed(1)
model = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.Tanh(), torch.nn.Linear(5, 1))
rows = torch.randn(17, 6)
sizes = [[4, 1, 2], [3], [5, 5], [1, 1, 1, 1]]  # micro-batches of a step: processes get unlike numbers, or none
computed = []

def batches(step):
    return torch.split(rows, [*sizes[step], 17 - sum(sizes[step])])[:-1]

def loss_sum(model, batch):
    computed.append(len(batch))
    return (model(batch).squeeze(-1) - batch.sum(-1)).square().sum()

objective = Objective(batches, loss_sum, len)
settings = LoopSettings(4, 0.05, 0.25, 0.01, 1.0, 1e9, "cpu", "fp32")
losses = [step.loss for step in training_steps(model, objective, settings)]
processes = processes_on("cpu")
leave(processes)
found = {"weights": [weight.detach() for weight in model.parameters()], "losses": losses, "computed": computed}
torch.save(found, f"{sys.argv[1]}-{processes.process_index}")
"""


@pytest.mark.slow
def test_gradients_of_uneven_shares_are_those_of_the_whole(tmp_path) -> None:
    (tmp_path / "uneven.py").write_text(UNEVEN)
    for start, name in (([sys.executable], "alone"), (launch(3), "shared")):
        command = [*start, str(tmp_path / "uneven.py"), str(tmp_path / name)]
        done = subprocess.run(command, capture_output=True, text=True, env=ENV)
        assert done.returncode == 0, done.stderr
    alone, *shared = (torch.load(tmp_path / name) for name in ("alone-0", "shared-0", "shared-1", "shared-2"))
    assert [each["computed"] for each in shared] == [[4, 3, 5, 1, 1], [1, 5, 1], [2, 1]]
    for each in shared:
        assert each["losses"] == pytest.approx(alone["losses"], rel=1e-5)
        for weight, expected in zip(each["weights"], alone["weights"], strict=True):
            torch.testing.assert_close(weight, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.slow
def test_two_processes_adapt_like_one(tmp_path) -> None:
    alone = subprocess.run([sys.executable, *adapt_command(tmp_path, "alone")], capture_output=True, text=True, env=ENV)
    assert alone.returncode == 0, alone.stderr
    shared = subprocess.run([*launch(2), *adapt_command(tmp_path, "shared")], capture_output=True, text=True, env=ENV)
    assert shared.returncode == 0, shared.stderr
    facts, expected = json.loads(shared.stdout), json.loads(alone.stdout)  # one process speaks
    for name in ("n_tokens_seen", "n_train_documents", "n_trained_parameters"):
        assert facts[name] == expected[name]
    # In bfloat16 other micro-batches round otherwise.
    assert facts["validation_loss"] == pytest.approx(expected["validation_loss"], abs=0.01)
    assert losses(tmp_path / "shared") == pytest.approx(losses(tmp_path / "alone"), abs=0.01)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alone", "notes", "shared"]  # nothing is left behind


@pytest.mark.slow
def test_a_launch_of_more_processes_than_rows_leaves_nothing_behind(tmp_path) -> None:
    command = [*launch(2), *adapt_command(tmp_path, "lm"), "--set=batch_tokens=100"]
    done = subprocess.run(command, capture_output=True, text=True, env=ENV)
    assert done.returncode != 0
    told = " ".join(done.stderr.split())
    assert "adapt.batch_tokens: a step of 100 tokens has 1 rows for 2 processes; set it to at least 256" in told
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["accelerate", "torchrun"])
def test_one_launched_process(tmp_path, launcher) -> None:
    config = Path(__file__).parents[1] / "recipes" / "accelerate.yaml"
    accelerate = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(config), "--cpu"]
    start = [*accelerate, "--num_processes", "1"] if launcher == "accelerate" else launch(1)
    done = subprocess.run([*start, *adapt_command(tmp_path, "lm")], capture_output=True, text=True, env=ENV)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "lm" / "model" / "config.json").is_file()


@pytest.mark.slow
def test_a_launch_that_was_killed_goes_on(tmp_path) -> None:
    undisturbed = [*launch(2), *adapt_command(tmp_path, "undisturbed"), "--set=epochs=20"]
    subprocess.run(undisturbed, check=True, capture_output=True, env=ENV)
    command = [*launch(2), *adapt_command(tmp_path, "lm"), "--set=epochs=20"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENV)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob(".lm.*/scratch/checkpoint.pt")):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    for each in [*psutil.Process(process.pid).children(recursive=True), process]:
        each.kill()
    process.wait()
    assert not (tmp_path / "lm").exists()
    again = subprocess.run(command, capture_output=True, text=True, env=ENV)
    assert again.returncode == 0, again.stderr
    assert losses(tmp_path / "lm") == losses(tmp_path / "undisturbed")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lm", "notes", "undisturbed"]
