"""Texts without labels: where they may lie, and every fault."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from pathlib import Path

import pytest

from deidsynth.corpora.texts import read_texts, without
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
        ("a.pdf", b"x", InputError, "expected a folder of .txt files"),
        ("a.jsonl", b"\n", InputError, "contains no text"),
    ],
)
def test_faults(tmp_path: Path, name: str, content: bytes, error: type[Exception], words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=words) as caught:
        read_texts(tmp_path / name)
    assert "Ana" not in str(caught.value)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        read_texts(tmp_path / "nowhere")


def test_texts_that_are_test_documents_are_left_out() -> None:
    texts = Corpus((Document("1", "Ana kom, hem"), Document("2", "Bo gick")))
    tests = Corpus((Document("a", "ana kom hem"),))
    assert [document.doc_id for document in without(texts, tests)] == ["2"]
