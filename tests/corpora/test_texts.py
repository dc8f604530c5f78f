"""Texts without labels: where they may lie, and every fault."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from pathlib import Path

import pytest

from deidsynth.corpora.texts import read_notes, read_texts, without
from deidsynth.documents import Corpus, Document
from deidsynth.errors import CorpusError, InputError

LINES = b"".join(json.dumps({"id": n, "text": text}).encode() + b"\n" for n, text in enumerate(["Ana kom.", " ", "Bo"]))


@pytest.mark.parametrize(
    ("name", "write"),
    [("a.jsonl", bytes), ("a.jsonl.gz", gzip.compress), ("a.jsonl.xz", lzma.compress), ("a.jsonl.bz2", bz2.compress)],
)
def test_json_lines_perhaps_compressed(tmp_path: Path, name: str, write) -> None:
    (tmp_path / name).write_bytes(write(LINES))
    texts = read_texts(tmp_path / name, language="es", origin="invented")
    assert [document.text for document in texts] == ["Ana kom.", "Bo"]
    assert (texts.origin, texts.language, texts.n_entities) == ("invented", "es", 0)


def test_notes_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.txt").write_bytes("Åsa\r\nkom".encode())
    assert [document.text for document in read_texts(tmp_path)] == ["Åsa\r\nkom"]
    assert read_texts(tmp_path / "deep" / "a.txt").origin == "real"


@pytest.mark.parametrize(
    ("name", "content", "error", "words"),
    [
        ("a.jsonl", b'{"text": "Ana"}\n{"txt": "Bo"}\n', CorpusError, ":2: expected an object"),
        ("a.jsonl.gz", LINES, CorpusError, "damaged"),
        ("a.jsonl.xz", LINES, CorpusError, "damaged"),
        ("a.txt", b"\xff", CorpusError, "not UTF-8"),
        ("a.txt", "Bo “Ek”".encode("cp1252"), CorpusError, r"iconv -f cp1252 -t utf-8"),
        ("a.txt", "Ana".encode("utf-16"), CorpusError, r"iconv -f utf-16 -t utf-8"),
        ("a.txt", "Ana".encode("utf-16-le"), CorpusError, r"NUL character \(3 times\)"),
        ("a.jsonl", b'{"text": "Ana"}\n{"text": "\xe5"}', CorpusError, r":2: not UTF-8 at byte 26; .*iconv -f latin-1"),
        (
            "a.jsonl",
            '{"text": "Ana"}\n{"text": "Bo"}'.encode("utf-16"),
            CorpusError,
            r"1 problem.*\n.*iconv -f utf-16 ",
        ),
        ("a.jsonl", b'{"text": "Ana\\u0000"}', CorpusError, ":1: the text has a NUL"),
        ("a.pdf", b"x", InputError, "expected a folder of .txt files"),
        ("a.jsonl", b"\n", InputError, "contains no text"),
    ],
)
def test_faults(tmp_path: Path, name: str, content: bytes, error: type[Exception], words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=words) as caught:
        read_texts(tmp_path / name)
    assert "Ana" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.TXT", "a.JSONL"])
def test_suffixes_may_be_in_any_case_and_an_initial_byte_order_mark_is_no_text(tmp_path: Path, name: str) -> None:
    text = "\ufeffAna" if name == "a.TXT" else '\ufeff{"text": "\\ufeffAna"}'
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert [document.text for document in read_texts(tmp_path / name)] == ["Ana"]


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        read_texts(tmp_path / "nowhere")


def test_texts_that_are_test_documents_are_left_out() -> None:
    texts = Corpus((Document("1", "Ana kom, hem"), Document("2", "Bo gick")))
    tests = Corpus((Document("a", "ana kom hem"),))
    assert [document.doc_id for document in without(texts, tests)] == ["2"]


def test_notes_are_named_by_their_place_and_kept_without_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "ward" / ".left.7.tmp").mkdir(parents=True)
    for name in ("b.txt", "ward/a.v2.txt", "ward/a.ann", "ward/.hidden.txt", "ward/.left.7.tmp/a.txt"):
        (tmp_path / name).write_bytes("\ufeffÅsa\r\n".encode())
    (tmp_path / "c.txt").write_bytes(b"")
    notes = read_notes(tmp_path, language="sv")
    assert [(note.doc_id, note.text) for note in notes] == [
        ("b", "Åsa\r\n"),
        ("c", ""),
        ("ward/a.v2", "Åsa\r\n"),
    ]
    assert (notes.origin, notes.language) == ("real", "sv")
    assert [note.doc_id for note in read_notes(tmp_path / "ward" / "a.v2.txt")] == ["a.v2"]


def test_every_note_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_bytes(b"Ana\n\xff")
    (tmp_path / "c.txt").symlink_to(tmp_path / "nowhere")
    with pytest.raises(CorpusError, match="3 problems") as caught:
        read_notes(tmp_path)
    assert [(Path(each.path).name, each.line) for each in caught.value.problems] == [
        ("a.txt", 2),
        ("b.txt", 2),
        ("c.txt", None),
    ]
    assert "Ana" not in str(caught.value)


@pytest.mark.parametrize(("name", "told"), [("nowhere", "no such file or folder"), (".", "contains no .txt file")])
def test_no_notes(tmp_path: Path, name: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        read_notes(tmp_path / name)
