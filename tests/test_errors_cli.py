"""Every mistake of a user through the command line: exit code 2, one message that names place and remedy, no harm."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from deidsynth.cli.app import app
from deidsynth.workflow.run_folder import RunFolder, verify_run
from tiny_runs import SETTINGS, write_config, write_notes

SECRET = "Xylofonia"
QUICK = {
    "adapt": {**SETTINGS["adapt"], "epochs": 1},
    "train": {**SETTINGS["train"], "epochs": 8},
}


def deidsynth(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="deidsynth")


def lines_of(home: Path, *documents: dict[str, Any]) -> Path:
    path = home / "corpus.jsonl"
    path.write_text("".join(json.dumps(document) + "\n" for document in documents), encoding="utf-8")
    return path


def line(doc_id: str, *spans: tuple[int, int]) -> dict[str, Any]:
    entities = [{"start": start, "end": end, "label": "NAME"} for start, end in spans]
    return {"doc_id": doc_id, "text": f"{SECRET} kom hit i dag.", "entities": entities}


def brat(home: Path, annotation: str, text: bytes = f"{SECRET} kom hit.".encode()) -> Path:
    (home / "brat").mkdir()
    (home / "brat" / "one.txt").write_bytes(text)
    (home / "brat" / "one.ann").write_text(annotation, encoding="utf-8")
    return home / "brat"


def empty_folder(home: Path) -> Path:
    (home / "empty").mkdir()
    return home / "empty"


def bad_bytes(home: Path) -> Path:
    path = lines_of(home, line("a", (0, 9)))
    path.write_bytes(path.read_bytes() + '{"doc_id": "b", "text": "Ström", "entities": []}\n'.encode("latin-1"))
    return path


MISTAKES: dict[str, tuple[Callable[[Path], Path], list[str], list[str]]] = {
    "missing path": (lambda home: home / "nowhere", [], ["nowhere: no such file or folder", "check the path"]),
    "empty folder": (
        empty_folder,
        [],
        [
            "empty: not a known corpus format",
            "no file in it ends in .txt, .ann, .jsonl",
            "corpus.format: brat, jsonl, ",
        ],
    ),
    "empty file": (lines_of, [], ["corpus.jsonl: no documents found"]),
    "no entities": (
        lambda home: lines_of(home, line("a"), line("b")),
        [],
        ["corpus.jsonl: none of the 2 documents has an entity", "give an annotated corpus"],
    ),
    "out of bounds": (
        lambda home: lines_of(home, line("a", (0, 9)), line("b", (3, 99))),
        [],
        ["corpus.jsonl:2: entity 3:99 is out of bounds", "0 <= start < end <= 24", "count Unicode code points"],
    ),
    "annotation that does not match": (
        lambda home: brat(home, "T1\tNAME 0 9\tXylofonic\n"),
        [],
        ["one.ann:1: the text stated for entity 0:9 differs from one.txt at its offsets", "was the text changed"],
    ),
    "bytes for characters": (
        lambda home: brat(home, "T1\tNAME 5 14\tXylofonia\n", f"Åäö {SECRET} kom.".encode()),
        [],
        ["one.ann:1: the text stated for entity 5:14 differs", "Offsets count Unicode code points"],
    ),
    "overlapping entities": (
        lambda home: lines_of(home, line("a", (0, 9), (5, 13))),
        [],
        ["corpus.jsonl:1: entity 5:13 overlaps entity 0:9", "keep one of them"],
    ),
    "duplicate ids": (
        lambda home: lines_of(home, line("a", (0, 9)), line("a", (0, 9))),
        [],
        ["corpus.jsonl:2: duplicate id, first seen in ", "corpus.jsonl line 1; make document ids unique"],
    ),
    "bad UTF-8": (bad_bytes, [], ["corpus.jsonl:2: not UTF-8 at byte", "iconv -f latin-1 -t utf-8"]),
    "unknown key": (
        lambda home: lines_of(home, line("a", (0, 9))),
        ["--set", "adapt.lr=1", "--set", "train.epoch=2"],
        ["2 problems", "adapt.lr: unknown key, did you mean learning_rate?", "train.epoch: unknown key, did you mean"],
    ),
    "pattern that finds no group": (
        lambda home: lines_of(home, line("a-1", (0, 9)), line("b", (0, 9))),
        ["--group-by", r"^(\w+)-\d+$"],
        ["corpus.group_by finds no group in 1 of 2 document names", "change the expression (--group-by)"],
    ),
    "pattern that is none": (
        lambda home: lines_of(home, line("a", (0, 9))),
        ["--group-by", "(a"],
        ["corpus.group_by: not a regular expression", "at character 1"],
    ),
    "too few documents": (
        lambda home: lines_of(home, line("a", (0, 9))),
        [],
        ["1 group of documents cannot be split", "Give more documents"],
    ),
}


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a run that is done: ``notes``, ``tiny.yaml``, ``runs/one`` and ``runs/.deidsynth``."""
    home = tmp_path_factory.mktemp("earlier")
    config = write_config(home / "tiny.yaml", write_notes(home / "notes"), home / "runs" / "one", **QUICK)
    result = deidsynth("run", config, "--device", "cpu", "--quiet")
    assert result.exit_code == 0, result.stderr
    return home


@pytest.fixture
def unharmed(earlier: Path) -> Iterator[Path]:
    """The earlier run, of which after the test every file is what and when it was."""

    def state() -> dict[Path, tuple[int, int]]:
        files = [path for path in earlier.rglob("*") if path.is_file() and path.suffix != ".lock"]
        return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in files if path.name != ".lock"}

    before = state()
    yield earlier
    assert state() == before
    assert verify_run(earlier / "runs" / "one") == []


def refused(result: Result, told: list[str], code: int = 2) -> None:
    assert result.exit_code == code, result.stderr
    assert result.stdout == ""
    message = " ".join(result.stderr.split())
    assert message.count("error:") == 1
    for words in told:
        assert words in message
    for held in ("Traceback", SECRET, "kom hit"):
        assert held not in result.stderr


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_and_harms_nothing(mistake: str, unharmed: Path, tmp_path: Path) -> None:
    make, options, told = MISTAKES[mistake]
    output = unharmed / "runs" / "one"
    command = ["run", unharmed / "tiny.yaml", "--corpus", make(tmp_path), "--output", output, "--device", "cpu"]
    refused(deidsynth(*command, *options), told)


def test_a_corpus_without_a_path(unharmed: Path) -> None:
    refused(deidsynth("run", "--output", unharmed / "runs" / "one"), ["corpus.path: no corpus", "--corpus PATH"])


def test_a_corpus_without_a_language(unharmed: Path) -> None:
    command = ["run", "--corpus", unharmed / "notes", "--output", unharmed / "runs" / "one"]
    refused(deidsynth(*command), ["corpus.language: ", "--language es"])


@pytest.mark.parametrize("key", ["adapt.base", "train.encoder"])
def test_a_model_that_is_not_there_says_how_to_get_it_offline(
    key: str, unharmed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    command = ["run", unharmed / "tiny.yaml", "--device", "cpu", "--quiet", "--set"]
    refused(
        deidsynth(*command, f"{key}=nobody/nothing-here"),
        ["model 'nobody/nothing-here'", "hf download HUB_ID --local-dir FOLDER"],
    )
    refused(deidsynth(*command, f"{key}=./nothing/here"), ["model './nothing/here': no such folder"])


def test_low_rank_adaptation_needs_a_base(unharmed: Path) -> None:
    command = ["run", unharmed / "tiny.yaml", "--device", "cpu", "--quiet", "--set", "adapt.method=lora"]
    # The gold model would be trained anew and comes first: the mistake is told before that.
    refused(
        deidsynth(*command, "--set", "train.epochs=3"),
        ["adapt.method: lora needs a pretrained base; use full with scratch"],
    )


def test_four_bit_adaptation_needs_cuda(unharmed: Path) -> None:
    base = unharmed / "runs" / "one" / "models" / "lm"
    command = ["run", unharmed / "tiny.yaml", "--device", "cpu", "--quiet", "--set", f"adapt.base={base}"]
    refused(
        deidsynth(*command, "--set", "adapt.method=qlora"),
        ["adapt.method: qlora needs a CUDA GPU, and the device is cpu; use lora or full"],
    )


def test_a_device_that_is_not_there(unharmed: Path) -> None:
    refused(deidsynth("run", unharmed / "tiny.yaml", "--device", "gpu"), ["device gpu: unknown; use auto, cpu"])


def test_a_folder_that_another_run_is_using(unharmed: Path) -> None:
    folder = unharmed / "runs" / "one"
    with RunFolder(folder).claim():
        result = deidsynth("run", unharmed / "tiny.yaml", "--device", "cpu", "--quiet")
    refused(result, [f"another run (process {os.getpid()}) is using this folder", "--output"])


def test_a_folder_that_holds_something_else(unharmed: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    result = deidsynth("run", unharmed / "tiny.yaml", "--device", "cpu", "--quiet", "--output", tmp_path)
    refused(result, ["not empty and not a run folder", "--output"])
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    "fails",
    [
        "os.fsync",
        *(pytest.param(each, marks=pytest.mark.slow) for each in ("safetensors.torch.save_file", "torch.save")),
    ],
)
def test_a_full_disk_keeps_what_was_finished(
    fails: str, unharmed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(unharmed / "runs", tmp_path / "runs")
    config = write_config(tmp_path / "tiny.yaml", unharmed / "notes", tmp_path / "runs" / "one", **QUICK)
    change = ["--device", "cpu", "--quiet", "--set", "adapt.epochs=2", "--set", "adapt.validation=0.1"]

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(
            {"safetensors.torch.save_file": "deidsynth.models.language_model.adaptation.save_file"}.get(fails, fails),
            full,
        )
        result = deidsynth("run", config, *change)
    refused(result, ["the disk is full", "run the same command again"], code=3)
    assert verify_run(tmp_path / "runs" / "one") == []
    again = deidsynth("run", config, *change, "--json")
    assert again.exit_code == 0, again.stderr
    statuses = {stage["name"]: stage["status"] for stage in json.loads(again.stdout)["stages"]}
    assert (statuses["gold"], statuses["adapt"]) == ("cached", "done")
