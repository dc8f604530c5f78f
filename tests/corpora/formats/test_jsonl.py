"""JSON lines: layouts, every fault with its line, writing."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path

import pytest

from deidsynth.corpora import check_corpus, read_corpus, read_jsonl, write_corpus, write_jsonl
from deidsynth.documents import Corpus, Document, Entity, Origin
from deidsynth.errors import CorpusError, InputError, StorageError, UnrepresentableError

SECRET = "Ana Ek"


def line(doc_id: object = "a", entities: object = ({"start": 0, "end": 3, "label": "NAME"},), **more: object) -> str:
    return json.dumps({"doc_id": doc_id, "text": SECRET, "entities": entities, **more})


def put(path: Path, *lines: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join((each if isinstance(each, bytes) else each.encode("utf-8")) + b"\n" for each in lines))
    return path


def test_every_key_of_the_contract_is_read(tmp_path: Path) -> None:
    entity = {"start": 0, "end": 3, "label": "NAME", "score": 0.5}
    said = {"group": "g", "origin": "synthetic", "annotation": "silver", "language": "SV"}
    path = put(tmp_path / "x.jsonl", line("a", [entity], **said))
    documents = (Document("a", SECRET, (Entity(0, 3, "NAME", 0.5),), "g"),)
    assert read_jsonl(path) == Corpus(documents, "synthetic", "silver", "sv")
    assert read_jsonl(path, "es").language == "es"


@pytest.mark.parametrize(("languages", "expected"), [(("sv", "sv"), "sv"), (("sv", "es"), None), (("sv", None), None)])
def test_the_language_is_what_all_lines_say(tmp_path: Path, languages: tuple[str, str], expected: str | None) -> None:
    lines = [line(str(number), language=language) for number, language in enumerate(languages)]
    assert read_jsonl(put(tmp_path / "x.jsonl", *lines)).language == expected


@pytest.mark.parametrize("language", ["Swedish", "", 46])
def test_a_language_that_is_no_code_is_a_fault_of_its_line(tmp_path: Path, language: object) -> None:
    with pytest.raises(CorpusError, match="x.jsonl:2: language: expected a code of two or three letters") as caught:
        read_jsonl(put(tmp_path / "x.jsonl", line("a"), line("b", language=language)))
    assert "Swedish" not in str(caught.value)


def test_what_is_written_is_the_contract(tmp_path: Path) -> None:
    documents = (Document("a", "é\r\n", (Entity(0, 1, "A", 0.25),), "g"), Document("b", ""))
    write_jsonl(Corpus(documents, origin="invented", language="sv"), tmp_path / "deep" / "x.jsonl")
    written = (tmp_path / "deep" / "x.jsonl").read_text(encoding="utf-8")
    assert [json.loads(each) for each in written.splitlines()] == [
        {
            "doc_id": "a",
            "text": "é\r\n",
            "entities": [{"start": 0, "end": 1, "label": "A", "score": 0.25}],
            "group": "g",
            "origin": "invented",
            "annotation": "gold",
            "language": "sv",
        },
        {"doc_id": "b", "text": "", "entities": [], "origin": "invented", "annotation": "gold", "language": "sv"},
    ]


def test_a_byte_order_mark_windows_line_ends_and_blank_lines_do_no_harm(tmp_path: Path) -> None:
    path = put(tmp_path / "x.jsonl", b"\xef\xbb\xbf" + line("a").encode() + b"\r", "", line("b") + "\r")
    assert [document.doc_id for document in read_jsonl(path)] == ["a", "b"]


def test_unknown_keys_are_ignored_and_counted(tmp_path: Path) -> None:
    entity = {"start": 0, "end": 3, "label": "NAME", "id": 7}
    path = put(tmp_path / "x.jsonl", line("a", [entity], date="x", ward="y"), line("b"))
    assert read_corpus(path).skipped == {"unknown_keys": 3}


def test_file_names_are_parts(tmp_path: Path) -> None:
    for name in ("train", "dev", "test", "notes"):
        put(tmp_path / f"{name}.jsonl", line(name))
    loaded = read_corpus(tmp_path)
    assert loaded.splits == {"train": "train", "dev": "validation", "test": "test"}
    assert loaded.skipped == {"files_outside_splits": 1}


def test_a_folder_of_other_files_has_no_parts(tmp_path: Path) -> None:
    put(tmp_path / "b.jsonl", line("b"))
    put(tmp_path / "a.jsonl", line("a"))
    loaded = read_corpus(tmp_path)
    assert [document.doc_id for document in loaded.corpus] == ["a", "b"]
    assert loaded.splits == {}


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("{", "not JSON at column 2; write one object on each line"),
        ("[" * 100_000, "not JSON that can be read: a number too long or nesting too deep"),
        ("[1]", "expected an object with doc_id, text and entities"),
        ('{"doc_id": "a"}', "the object has no text and no entities; add what is missing"),
        (line(17), "doc_id must be a string; put it in quotes"),
        (line(""), "the document id is empty; add one"),
        (line(entities={}), "entities must be a list of objects; write [] if there are none"),
        (line(entities=[SECRET]), "an entity must be an object with start, end and label"),
        (line(entities=[{"start": 0}]), "an entity has no end and no label; add what is missing"),
        (line(entities=[{"start": 0, "end": 3.0, "label": "A"}]), "start and end of an entity must be integers"),
        (line(entities=[{"start": False, "end": 3, "label": "A"}]), "start and end of an entity must be integers"),
        (line(entities=[{"start": 0, "end": 3, "label": 1}]), "the label of an entity must be a string"),
        (line(entities=[{"start": 0, "end": 3, "label": "A B"}]), "entity 0:3 needs a label without white space"),
        (line(entities=[{"start": 0, "end": 3, "label": ""}]), "entity 0:3 needs a label without white space"),
        (line(entities=[{"start": 0, "end": 3, "label": "A", "score": "1"}]), "must be a number in [0, 1]"),
        (line(entities=[{"start": 0, "end": 3, "label": "A", "score": 1.5}]), "must be a number in [0, 1]"),
        (line(entities=[{"start": 0, "end": 3, "label": "A", "score": float("nan")}]), "must be a number in [0, 1]"),
        (line(entities=[{"start": 0, "end": 7, "label": "A"}]), "entity 0:7 is out of bounds: expected 0 <= start"),
        (line(entities=[{"start": 2, "end": 2, "label": "A"}]), "entity 2:2 is empty; remove it or fix its offsets"),
        (
            line(entities=[{"start": 3, "end": 5, "label": "A"}, {"start": 0, "end": 4, "label": "B"}]),
            "overlaps entity 0:4; keep one of them",
        ),
        (line(group=""), "group must be a non-empty string; leave it out if there is none"),
        (line(origin="found"), "origin must be one of real, invented, synthetic; leave it out"),
        (line(annotation="bronze"), "annotation must be one of gold, silver; leave it out"),
        (line("first"), "make document ids unique"),
        ('{"doc_id": "a", "text": "\\ud800", "entities": []}', "a lone surrogate is not a character"),
        (b'{"doc_id": "\xe5"}', "not UTF-8 at byte "),
    ],
)
def test_every_fault_has_its_line(tmp_path: Path, bad: str | bytes, message: str) -> None:
    path = put(tmp_path / "x.jsonl", line("first"), bad, line("last"))
    with pytest.raises(CorpusError) as caught:
        read_jsonl(path)
    (problem,) = caught.value.problems
    assert message in problem.message
    assert (problem.path, problem.line) == (str(path), 2)
    assert "Ana" not in str(caught.value)
    result = check_corpus(path)
    assert [each.line for each in result.problems] == [2]
    assert result.records[-1].doc_id == "last"


def test_bad_utf8_counts_bytes_from_the_start_of_the_file(tmp_path: Path) -> None:
    path = put(tmp_path / "x.jsonl", b"\xef\xbb\xbf" + line().encode(), b"\xff")
    with pytest.raises(CorpusError, match=rf"x\.jsonl:2: not UTF-8 at byte {path.read_bytes().index(0xFF, 3)};"):
        read_jsonl(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"x\.jsonl: no such file"):
        read_jsonl(tmp_path / "x.jsonl")


def test_a_file_of_any_name_is_read_when_the_format_is_named(tmp_path: Path) -> None:
    assert len(read_corpus(put(tmp_path / "notes.txt", line()), format="jsonl").corpus) == 1


def test_an_internal_artifact_may_be_empty_and_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    write_jsonl(Corpus((Document("a", "x"),)), path)
    write_jsonl(Corpus(()), path)
    assert len(read_jsonl(path)) == 0
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_earlier_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.jsonl"
    write_jsonl(Corpus((Document("a", "x"),)), path)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(StorageError, match="x.jsonl: the disk is full or over quota; free some space"):
        write_jsonl(Corpus(()), path)
    with pytest.raises(StorageError, match="folder: the disk is full"):
        write_corpus(Corpus(()), tmp_path / "folder", "jsonl")
    assert len(read_jsonl(path)) == 1
    assert list(tmp_path.iterdir()) == [path]


def test_a_single_file_cannot_hold_parts_and_says_what_can(tmp_path: Path) -> None:
    corpus = Corpus((Document("a", "x"), Document("b", "x")))
    with pytest.raises(UnrepresentableError, match="give a folder as TARGET to keep train/validation/test"):
        write_corpus(corpus, tmp_path / "x.jsonl", "jsonl", {"a": "train", "b": "test"})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("origin", "modes"), [("real", (0o600, 0o700)), ("invented", (0o644, 0o755))])
@pytest.mark.parametrize("format", ["jsonl", "brat"])
def test_real_text_is_for_its_owner_only(tmp_path: Path, format: str, origin: Origin, modes: tuple[int, int]) -> None:
    before = os.umask(0o022)
    try:
        corpus = Corpus((Document("a", "x"), Document("b", "x")), origin=origin)
        write_corpus(corpus, tmp_path / "folder", format, {"a": "train", "b": "test"})
        write_jsonl(corpus, tmp_path / "x.jsonl")
    finally:
        os.umask(before)
    written = [*tmp_path.rglob("*")]
    assert len(written) >= 4
    assert {stat.S_IMODE(path.stat().st_mode) for path in written if path.is_file()} == {modes[0]}
    assert {stat.S_IMODE(path.stat().st_mode) for path in written if path.is_dir()} == {modes[1]}


def test_parts_of_an_artifact_become_files(tmp_path: Path) -> None:
    corpus = Corpus((Document("a", "x"), Document("b", "x")))
    write_corpus(corpus, tmp_path / "x", "jsonl", {"a": "train", "b": "test"})
    assert sorted(path.name for path in (tmp_path / "x").iterdir()) == ["test.jsonl", "train.jsonl"]
