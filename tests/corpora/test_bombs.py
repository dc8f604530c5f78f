"""Compressed files that unpack to more than memory should hold: refused by name, with the limit and how to raise it."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deidsynth.cli.app import app
from deidsynth.corpora import check_corpus, load_corpus, write_corpus
from deidsynth.corpora.opening import LIMIT_VARIABLE
from deidsynth.corpora.texts import read_texts
from deidsynth.documents import Corpus, Document, Entity
from deidsynth.errors import InputError, TooLargeError

TEXT = "Ana Ruiz vino. " + " " * (3 << 19)
CORPUS = Corpus((Document("1", TEXT, (Entity(0, 8, "NAME"),)),), origin="invented")
REFUSED = (
    r"unpacks to more than 1 MB; if it should, unpack it yourself, or raise the limit: DEIDSYNTH_MAX_UNPACKED_MB=4"
)


@pytest.fixture(autouse=True)
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIMIT_VARIABLE, "1")


@pytest.fixture
def members(tmp_path: Path) -> dict[str, bytes]:
    """The files of a corpus as CAS."""
    pytest.importorskip("cassis")
    write_corpus(CORPUS, tmp_path / "unpacked", "cas")
    return {path.name: path.read_bytes() for path in (tmp_path / "unpacked").iterdir()}


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in sorted(members.items()):
            archive.writestr(name, content)
    return stream.getvalue()


def refusals(path: Path) -> list[str]:
    """The problems of a CAS corpus, which is recognized as one, however large."""
    result = check_corpus(path)
    assert result.format == "cas"
    assert result.records == []
    return [str(problem) for problem in result.problems]


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2, zipfile.ZIP_STORED])
def test_a_zip_that_unpacks_to_too_much_is_refused(method: int, members: dict[str, bytes], tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    bomb.write_bytes(zipped(members, method))
    [problem] = refusals(bomb)
    assert re.fullmatch(rf"{re.escape(str(bomb))}: {REFUSED}", problem)


def test_the_command_line_ends_with_exit_code_two(members: dict[str, bytes], tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    bomb.write_bytes(zipped(members))
    result = CliRunner().invoke(app, ["corpus", "describe", str(bomb)])
    assert result.exit_code == 2
    assert str(bomb) in result.stderr and LIMIT_VARIABLE in result.stderr


def test_many_small_files_are_too_much_together(members: dict[str, bytes], tmp_path: Path) -> None:
    small = {f"{number}.json": b"{" + b" " * (200 << 10) + b"}" for number in range(20)}
    (tmp_path / "bomb.zip").write_bytes(zipped(small | {"TypeSystem.xml": members["TypeSystem.xml"]}))
    assert LIMIT_VARIABLE in refusals(tmp_path / "bomb.zip")[0]


def test_a_zip_in_a_zip_counts_too(members: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "bomb.zip").write_bytes(zipped({"inner.zip": zipped(members)}))
    [problem] = refusals(tmp_path / "bomb.zip")
    assert re.search(REFUSED, problem)


def test_a_type_system_counts_too(members: dict[str, bytes], tmp_path: Path) -> None:
    members["TypeSystem.xml"] += b" " * (3 << 19)
    members["1.xmi"] = members["1.xmi"].replace(b" " * (3 << 19), b"")
    (tmp_path / "bomb.zip").write_bytes(zipped(members))
    assert LIMIT_VARIABLE in refusals(tmp_path / "bomb.zip")[0]


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_zip_that_states_another_size_is_no_way_around(
    method: int, members: dict[str, bytes], tmp_path: Path
) -> None:
    true, stated = (struct.pack("<I", size) for size in (len(members["1.xmi"]), 1000))
    data = zipped(members, method)
    assert data.count(true) == 2  # before the content, and in the directory
    (tmp_path / "bomb.zip").write_bytes(data.replace(true, stated))
    result = check_corpus(tmp_path / "bomb.zip", format="cas")
    assert result.records == []
    assert [problem.path for problem in result.problems] == [str(tmp_path / "bomb.zip")]


def test_the_limit_can_be_raised(members: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "large.zip").write_bytes(zipped(members))
    monkeypatch.setenv(LIMIT_VARIABLE, "16")
    assert len(load_corpus(tmp_path / "large.zip")) == 1


@pytest.mark.parametrize("stated", ["", "0", "-1", "many", "1" * 5000, "٣"])
def test_a_limit_that_is_no_number_is_refused(stated: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b'{"text": "Ana"}\n'))
    monkeypatch.setenv(LIMIT_VARIABLE, stated)
    with pytest.raises(InputError, match=f"{LIMIT_VARIABLE}: expected a number of megabytes"):
        read_texts(tmp_path / "a.jsonl.gz")


@pytest.mark.parametrize(
    ("suffix", "compress"), [(".gz", gzip.compress), (".xz", lzma.compress), (".bz2", bz2.compress)]
)
def test_texts_that_unpack_to_too_much_are_refused(
    suffix: str, compress: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"texts.jsonl{suffix}"
    for content in (json.dumps({"text": TEXT}).encode(), b'{"text": "Ana"}\n' * (3 << 15), b"\0" * (3 << 19)):
        path.write_bytes(compress(content))
        with pytest.raises(TooLargeError, match=f"{re.escape(str(path))}: {REFUSED}"):
            read_texts(path)
    path.write_bytes(compress(json.dumps({"text": TEXT}).encode()))
    monkeypatch.setenv(LIMIT_VARIABLE, "4")
    assert len(read_texts(path)) == 1
    plain = tmp_path / "texts.jsonl"  # which is as large as it looks
    plain.write_text(json.dumps({"text": TEXT}), encoding="utf-8")
    monkeypatch.setenv(LIMIT_VARIABLE, "1")
    assert len(read_texts(plain)) == 1


def test_parquet_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "notes.parquet"
    several = {"text": [TEXT[: 1 << 17]] * 12, "doc_id": list("abcdefghijkl"), "entities": ["[]"] * 12}
    for columns in ({"text": [TEXT], "entities": ["[]"]}, several):
        parquet.write_table(arrow.table(columns), path, compression="zstd")
        assert path.stat().st_size < 1 << 20
        monkeypatch.setenv(LIMIT_VARIABLE, "1")
        result = check_corpus(path)
        assert result.records == []
        assert [str(problem) for problem in result.problems] == [f"{path}: {REFUSED}"]
        monkeypatch.setenv(LIMIT_VARIABLE, "4")
        assert len(check_corpus(path).records) == len(columns["text"])
