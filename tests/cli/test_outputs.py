"""Where commands write: one at a time, private where the text may be real, never in place of a device, nothing left."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import deidsynth as package
from deidsynth.locks import hold_output


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "some-model"
    folder.mkdir()
    (folder / "config.json").write_text("{}", encoding="utf-8")
    return folder


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0o000)
    yield
    os.umask(before)


def commands(corpus: Path, model: Path, output: Path) -> dict[str, list[str | Path]]:
    return {
        "convert": ["corpus", "convert", corpus, output, "--to", "jsonl"],
        "split": ["corpus", "split", corpus, output, "--to", "jsonl"],
        "annotate": ["annotate", model, corpus, "--output", output, "--device", "cpu"],
        "synthesize": ["synthesize", model, "--bos", "--output", output, "--device", "cpu"],
        "train": ["train", corpus, "--output", output, "--device", "cpu"],
        "adapt": ["adapt", "--corpus", corpus, "--output", output, "--base", "scratch", "--device", "cpu"],
    }


TO_A_FILE = ("convert", "annotate", "synthesize")
ALL = ("convert", "split", "annotate", "synthesize", "train", "adapt")


@pytest.mark.parametrize("name", ALL)
def test_the_second_command_to_an_output_is_refused(deidsynth, stages, corpus, model, tmp_path, name) -> None:
    output = tmp_path / ("out.jsonl" if name in TO_A_FILE else "out")
    command = commands(corpus, model, output)[name]
    with hold_output(output, pytest.fail):
        before = {path.name for path in tmp_path.iterdir()}
        refused = deidsynth(*command)
        assert refused.exit_code == 2
        assert f"{output}: another command (process {os.getpid()}) is writing to it" in refused.stderr
        assert {path.name for path in tmp_path.iterdir()} == before
    assert deidsynth(*command).exit_code == 0
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("name", ALL)
def test_a_pipe_is_refused_and_stays_one(deidsynth, stages, corpus, model, tmp_path, name) -> None:
    output = tmp_path / "out.jsonl"
    os.mkfifo(output)
    refused = deidsynth(*commands(corpus, model, output)[name])
    assert refused.exit_code == 2, refused.stderr
    assert output.is_fifo()
    assert "is a device or a pipe, not a file" in refused.stderr or name == "split"
    assert not stages["annotate"].seen


@pytest.mark.parametrize("name", ALL)
@pytest.mark.usefixtures("open_umask")
def test_whatever_goes_back_to_real_text_is_private(deidsynth, stages, corpus, model, tmp_path, name) -> None:
    output = tmp_path / "made" / ("out.jsonl" if name in TO_A_FILE else "out")
    result = deidsynth(*commands(corpus, model, output)[name])
    assert result.exit_code == 0, result.stderr
    written = [output, *(output.rglob("*") if output.is_dir() else ()), *output.parent.glob("*.manifest.json")]
    modes = {path.relative_to(tmp_path): path.stat().st_mode & 0o777 for path in written}
    assert modes == {path: 0o700 if (tmp_path / path).is_dir() else 0o600 for path in modes}


@pytest.mark.parametrize("origin", ["invented", "synthetic"])
@pytest.mark.usefixtures("open_umask")
def test_what_a_model_of_unknown_data_annotates_is_private(
    deidsynth, stages, write_jsonl, note, model, tmp_path, origin
) -> None:
    source = write_jsonl("texts.jsonl", [{**note("1", "Bo kom"), "origin": origin}])
    silver = tmp_path / "silver.jsonl"
    result = deidsynth("annotate", model, source, "--output", silver, "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    assert silver.stat().st_mode & 0o777 == 0o600


KILLED = """
import os, signal
from deidsynth.cli import main
from deidsynth.corpora import folders
folders.write_provenance = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
main()
"""
"""A command that is killed while it writes the folder of a corpus."""


def test_a_killed_convert_is_found_told_and_removed_by_the_next(deidsynth, corpus, tmp_path) -> None:
    command = ["corpus", "convert", corpus, tmp_path / "brat", "--to", "brat"]
    environment = {**os.environ, "PYTHONPATH": str(Path(package.__file__).parents[1])}
    killed = subprocess.run([sys.executable, "-c", KILLED, *map(str, command)], env=environment, check=False)
    assert killed.returncode == -9
    [left] = tmp_path.glob(".brat.*.tmp")
    elsewhere = deidsynth("corpus", "convert", corpus, tmp_path / "other", "--to", "brat")
    assert elsewhere.exit_code == 0
    assert f"{left}: a killed command left it, perhaps with text in it" in elsewhere.stderr
    again = deidsynth(*command)
    assert again.exit_code == 0
    assert f"removed {left}: a killed command had left it" in again.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["brat", "corpus.jsonl", "other"]


@pytest.mark.parametrize("name", ["train", "annotate"])
def test_a_copy_of_the_inputs_that_outlived_a_finished_command_is_removed_and_told(
    deidsynth, stages, corpus, model, tmp_path, name
) -> None:
    output = tmp_path / ("out.jsonl" if name in TO_A_FILE else "out")
    command = commands(corpus, model, output)[name]
    left = tmp_path / f".{output.name}.partial"
    (left / "artifacts" / "given-corpus-0").mkdir(parents=True)
    shutil.copy(corpus, left / "artifacts" / "given-corpus-0" / "corpus.jsonl")
    assert deidsynth(*command).exit_code == 0
    (left / "artifacts").mkdir(parents=True)
    refused = deidsynth(*command)
    assert refused.exit_code == 2
    assert f"removed {left}" in refused.stderr
    assert not left.exists()


def test_verify_says_whole_unfinished_or_damaged_with_its_exit_code(deidsynth, stages, corpus, tmp_path) -> None:
    run = tmp_path / "runs" / "x"
    command = ["run", "--corpus", corpus, "--language", "sv", "--output", run, "--device", "cpu"]
    assert deidsynth(*command).exit_code == 0
    whole = deidsynth("runs", "verify", run, "--json")
    assert whole.exit_code == 0
    assert json.loads(whole.stdout) == {"run": str(run), "ok": True, "status": "whole", "problems": [], "notes": []}
    stages["train"].error = KeyboardInterrupt()
    assert deidsynth(*command, "--set", "train.epochs=3").exit_code == 130
    unfinished = deidsynth("runs", "verify", run, "--json")
    assert (unfinished.exit_code, json.loads(unfinished.stdout)["status"]) == (2, "unfinished")
    assert "finish the run with: deidsynth run" in unfinished.stderr
    assert "nothing that is there is damaged" in unfinished.stderr
    assert json.loads(deidsynth("runs", "list", tmp_path / "runs", "--json").stdout)[0]["status"] == "unfinished"
    stages["train"].error = None
    assert deidsynth(*command, "--set", "train.epochs=3").exit_code == 0
    (run / "report.html").write_text("spoiled", encoding="utf-8")
    (run / "more.txt").write_text("", encoding="utf-8")
    damaged = deidsynth("runs", "verify", run, "--json")
    assert (damaged.exit_code, json.loads(damaged.stdout)["status"]) == (1, "damaged")
    assert json.loads(damaged.stdout)["problems"] == ["report.html: changed", "more.txt: not part of the run"]
