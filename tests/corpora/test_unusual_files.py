"""What is no file, or leads back to where it is, is refused by every reader: nothing waits, and nothing is lost."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deidsynth.cli.app import app
from deidsynth.corpora import check_corpus, load_corpus
from deidsynth.corpora.formats.registry import FORMATS
from deidsynth.corpora.texts import read_notes, read_texts
from deidsynth.errors import InputError

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes and devices in folders are POSIX's")

SOURCES = [(name, suffix) for name, each in FORMATS.items() for suffix in each.suffixes]
JSONL = '{"doc_id": "1", "text": "Ana", "entities": [{"start": 0, "end": 3, "label": "N"}]}\n'
KINDS = {"pipe": os.mkfifo, "device": lambda path: path.symlink_to("/dev/zero")}


@pytest.fixture(autouse=True)
def impatient() -> Iterator[None]:
    """Whoever waits for a pipe, or reads a device to its end, fails."""

    def fail(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def said(path: Path, format: str) -> str:
    """Why a corpus is refused."""
    try:
        result = check_corpus(path, format=format)
    except InputError as error:
        return str(error)
    assert any(problem.fatal for problem in result.problems)
    return "\n".join(map(str, result.problems))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("format", "suffix"), SOURCES, ids=[f"{name}{suffix}" for name, suffix in SOURCES])
def test_no_reader_reads_a_pipe_or_a_device(kind: str, format: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    KINDS[kind](path)
    expected = rf"{re.escape(str(path))}.*it is a {kind}, not a file; write its content into a file and give that"
    if format == "brat":  # which reads pairs
        (tmp_path / ("a.txt" if suffix == ".ann" else "a.ann")).write_text("", encoding="utf-8")
    else:
        assert re.search(expected, said(path, "auto"), re.DOTALL)
        assert re.search(expected, said(path, format), re.DOTALL)
    assert re.search(expected.replace(re.escape(str(path)), rf"a\{suffix}"), said(tmp_path, format), re.DOTALL)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("suffix", [".txt", ".text", ".jsonl", ".jsonl.gz", ".jsonl.xz", ".jsonl.bz2"])
def test_unlabeled_texts_are_files_too(kind: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    KINDS[kind](path)
    places = [path, tmp_path] if suffix in {".txt", ".text"} else [path]
    for read in (read_texts, read_notes):
        for place in places:
            with pytest.raises(InputError, match=f"it is a {kind}, not a file"):
                read(place)


@pytest.mark.parametrize("kind", KINDS)
def test_provenance_and_manifests_beside_documents_are_files_too(kind: str, tmp_path: Path) -> None:
    for number, (name, text) in enumerate((("1.txt", "Ana"), ("1.ann", "T1\tN 0 3\tAna\n"), ("a.jsonl", JSONL))):
        folder = tmp_path / ("brat" if number < 2 else "jsonl")
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    KINDS[kind](tmp_path / "brat" / "deidsynth.json")
    KINDS[kind](tmp_path / "jsonl" / "manifest.json")
    assert [problem.code for problem in check_corpus(tmp_path / "brat").problems] == ["provenance"]
    assert load_corpus(tmp_path / "jsonl" / "a.jsonl").lineage is None


def test_a_file_that_cannot_be_opened_is_not_lost_among_others(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text(JSONL, encoding="utf-8")
    os.mkfifo(tmp_path / "test.jsonl")
    (tmp_path / "dev.jsonl").symlink_to("dev.jsonl")
    problems = check_corpus(tmp_path).problems
    assert {Path(problem.path).name for problem in problems} == {"test.jsonl", "dev.jsonl"}
    assert all(problem.fatal for problem in problems)


def _inside(root: Path) -> Path:
    (root / "sub" / "deep").mkdir(parents=True)
    return root / "sub" / "deep" / "up"


def _as_split(root: Path) -> Path:
    (root / "test").mkdir()
    return root / "train"


@pytest.mark.parametrize("place", [_inside, _as_split])
@pytest.mark.parametrize("to", ["..", "."])
def test_a_link_back_is_refused(place: Callable[[Path], Path], to: str, tmp_path: Path) -> None:
    root = tmp_path / "corpus"
    root.mkdir()
    link = place(root)
    link.symlink_to(to, target_is_directory=True)
    for name in ("a.txt", "a.ann"):
        (link.parent / name).write_text("", encoding="utf-8")
    for format in ("auto", *FORMATS):
        if format not in {"jsonl", "table"} or format == "auto":
            with pytest.raises(InputError, match=f"{re.escape(str(link))}: is a link to a folder above it; remove"):
                check_corpus(root, format=format)
    with pytest.raises(InputError, match="is a link to a folder above it"):
        read_notes(root)


def test_a_link_to_a_folder_elsewhere_is_followed_as_a_split(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    for name, text in (("1.txt", "Ana"), ("1.ann", "T1\tN 0 3\tAna\n")):
        (tmp_path / "elsewhere" / name).write_text(text, encoding="utf-8")
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "train").symlink_to("../elsewhere", target_is_directory=True)
    assert [document.split for document in load_corpus(tmp_path / "corpus")] == ["train"]


@pytest.mark.parametrize("command", [("corpus", "check"), ("corpus", "describe"), ("corpus", "show"), ("evaluate",)])
def test_the_command_line_ends_with_an_answer(command: tuple[str, ...], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jsonl")
    paths = [str(tmp_path / "a.jsonl")] * (2 if command == ("evaluate",) else 1)
    result = CliRunner().invoke(app, [*command, *paths])
    assert result.exit_code == (1 if command == ("corpus", "check") else 2)
    assert "it is a pipe, not a file" in result.output.replace("\n", " ")
