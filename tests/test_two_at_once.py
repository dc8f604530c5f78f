"""Two commands at once to one output: one writes it, whole; the other is refused or finds it done."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import deidsynth
from deidsynth.corpora import read_jsonl, write_jsonl
from deidsynth.documents import Corpus
from deidsynth.workflow.run_verification import check_run
from tiny_runs import SETTINGS, note, write_config, write_notes

pytestmark = pytest.mark.slow

SMALL = ("encoder=scratch", "epochs=1", "scratch.hidden_size=32", "scratch.layers=1", "scratch.vocabulary_size=400")
N_NOTES = 60


def begin(*arguments: str | Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(deidsynth.__file__).parents[1])}
    command = [sys.executable, "-m", "deidsynth", *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def both(*arguments: str | Path) -> list[tuple[int, str]]:
    """Exit code and messages of a command that is begun twice at the same time, in order of the codes."""
    commands = [begin(*arguments) for _ in range(2)]
    told = [command.communicate()[1] for command in commands]
    return sorted((command.returncode, text) for command, text in zip(commands, told, strict=True))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``corpus.jsonl``, texts in ``texts`` and a tagger in ``model``."""
    home = tmp_path_factory.mktemp("two")
    documents = [note(f"n{number}", number) for number in range(N_NOTES)]
    write_jsonl(Corpus(tuple(documents)), home / "corpus.jsonl")
    (home / "texts").mkdir()
    for document in documents:
        (home / "texts" / f"{document.doc_id}.txt").write_text(document.text, encoding="utf-8")
    options = [option for setting in SMALL for option in ("--set", setting)]
    made = begin("train", home / "corpus.jsonl", "--output", home / "model", *options, "--device", "cpu")
    assert made.wait() == 0, made.communicate()[1]
    return home


@pytest.mark.parametrize("verb", ["deidentify", "annotate", "train", "convert"])
def test_one_of_two_writes_everything_and_the_other_nothing(home: Path, tmp_path: Path, verb: str) -> None:
    output = tmp_path / {"annotate": "out.jsonl"}.get(verb, "out")
    small = [option for setting in SMALL for option in ("--set", setting)]
    command: list[str | Path] = {
        "deidentify": ["deidentify", home / "model", home / "texts", "--output", output, "--device", "cpu"],
        "annotate": ["annotate", home / "model", home / "texts", "--output", output, "--device", "cpu"],
        "train": ["train", home / "corpus.jsonl", "--output", output, *small, "--device", "cpu"],
        "convert": ["corpus", "convert", home / "corpus.jsonl", output, "--to", "brat"],
    }[verb]
    (first, _), (second, refused) = both(*command)
    assert (first, second) == (0, 2), refused
    assert "another command" in refused or "not empty" in refused or "exists already" in refused
    if verb == "annotate":
        assert len(read_jsonl(output)) == N_NOTES
    elif verb == "train":
        assert (output / "model" / "model.safetensors").is_file() and (output / "manifest.json").is_file()
    else:
        assert len(list(output.rglob("*.txt"))) == N_NOTES
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_the_second_run_into_a_folder_is_refused(tmp_path: Path) -> None:
    quick = {"adapt": {**SETTINGS["adapt"], "epochs": 2}, "train": {**SETTINGS["train"], "epochs": 2}}
    config = write_config(tmp_path / "tiny.yaml", write_notes(tmp_path / "notes"), tmp_path / "run", **quick)
    (first, _), (second, refused) = both("run", config, "--device", "cpu", "--quiet")
    assert (first, second) == (0, 2), refused
    assert "another run (process" in refused
    assert check_run(tmp_path / "run").status == "whole"
