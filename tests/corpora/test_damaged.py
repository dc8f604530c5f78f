"""Damaged files are faults of the input, with file and remedy: never an unexpected error, never text of the corpus."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deidsynth.cli.app import app
from deidsynth.corpora import check_corpus, write_corpus
from deidsynth.corpora.encodings import decode_xml
from deidsynth.corpora.texts import read_texts
from deidsynth.documents import Corpus, Document, Entity
from deidsynth.errors import CorpusError, Problem

CORPUS = Corpus((Document("1", "Zyxwa Ruiz vino", (Entity(0, 10, "NAME"),)),), origin="invented")
HUGE = "1" + "0" * 400
_DIRECTORY, _END = b"PK\x01\x02", b"PK\x05\x06"


def refuse(path: Path, format: str = "auto") -> str:
    """What ``corpus describe`` says about a corpus that it refuses."""
    result = CliRunner().invoke(app, ["corpus", "describe", str(path), "--from", format])
    assert result.exit_code == 2, result.stderr
    assert str(path) in result.stderr.replace("\n", "")
    assert "Zyxwa" not in result.output
    return result.stderr


@pytest.fixture
def cas(tmp_path: Path) -> Path:
    """A folder with a corpus as CAS."""
    pytest.importorskip("cassis")
    write_corpus(CORPUS, tmp_path / "cas", "cas")
    return tmp_path / "cas"


def zipped(folder: Path, method: int) -> bytearray:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
    return bytearray(stream.getvalue())


def _stream_cut(data: bytearray) -> None:
    place = data.index(b"1.xmi") + 15
    data[place : place + 8] = b"\xff" * 8


def _offset(data: bytearray) -> None:
    place = data.index(_DIRECTORY)
    data[place + 42 : place + 46] = struct.pack("<I", 0xFFFFFFF0)


def _place_of_directory(data: bytearray) -> None:
    place = data.rindex(_END)
    data[place + 16 : place + 20] = struct.pack("<I", 0x7FFFFFFF)


def _name_in_directory(data: bytearray) -> None:
    place = data.index(_DIRECTORY)
    data[place + 8 : place + 10] = struct.pack("<H", 0x800)  # says that names are UTF-8
    data[place + 46 : place + 48] = b"\xff\xfe"


def _name_before_content(data: bytearray) -> None:
    data[6:8] = struct.pack("<H", 0x800)
    data[30:32] = b"\xff\xfe"


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
@pytest.mark.parametrize(
    "damage", [_stream_cut, _offset, _place_of_directory, _name_in_directory, _name_before_content]
)
@pytest.mark.parametrize("format", ["auto", "cas"])
def test_damaged_zips(method: int, damage: Callable[[bytearray], None], format: str, cas: Path, tmp_path: Path) -> None:
    data = zipped(cas, method)
    damage(data)
    (tmp_path / "damaged.zip").write_bytes(data)
    assert "unpack it yourself, or export it again" in refuse(tmp_path / "damaged.zip", format).replace("\n", " ")


@pytest.mark.parametrize("text", [["Zyxwa"], {"Zyxwa": 1}, 5, True, [], {}])
def test_the_text_of_a_cas_that_is_no_string(text: Any, cas: Path, tmp_path: Path) -> None:
    cassis = pytest.importorskip("cassis")

    types = cassis.load_typesystem(io.BytesIO((cas / "TypeSystem.xml").read_bytes()))
    content = json.loads(cassis.load_cas_from_xmi(io.BytesIO((cas / "1.xmi").read_bytes()), types).to_json())
    sofa = next(each for each in content["%FEATURE_STRUCTURES"] if "sofaString" in each)
    sofa["sofaString"] = text
    (tmp_path / "1.json").write_text(json.dumps(content), encoding="utf-8")
    assert "export the document again" in refuse(tmp_path / "1.json").replace("\n", " ")


def test_a_type_system_with_declarations(cas: Path) -> None:
    place = cas / "TypeSystem.xml"
    content = place.read_text(encoding="utf-8")
    head, rest = content.split("?>", 1)
    place.write_text(f'{head}?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>{rest}', encoding="utf-8")
    assert "must not contain a document type declaration" in refuse(cas).replace("\n", " ")


def label_studio(**changes: Any) -> str:
    region = {"type": "labels", "to_name": "text", "value": {"start": 0, "end": 5, "labels": ["NAME"]}} | changes
    kind = "predictions" if "score" in changes else "annotations"
    return json.dumps([{"id": 1, "data": {"text": "Zyxwa Ruiz"}, kind: [{"result": [region]}]}])


@pytest.mark.parametrize(
    ("name", "content", "remedy"),
    [
        ("a.json", label_studio(type=[]), "the type of an entity must be a string"),
        ("a.json", label_studio(type={}), "the type of an entity must be a string"),
        ("a.json", label_studio(score=int(HUGE)), "the score of an entity must be a number in [0, 1]"),
        (
            "a.csv",
            f'text,entities\n"Zyxwa","[{{""start"": 0, ""end"": 5, ""label"": ""N"", ""score"": {HUGE}}}]"\n',
            "the score of an entity must be a number in [0, 1]",
        ),
        (
            "a.jsonl",
            f'{{"text": "Zyxwa", "spans": [{{"start": 0, "end": 5, "label": "N", "score": {HUGE}}}]}}\n',
            "the score of an entity must be a number in [0, 1]",
        ),
        (
            "a.jsonl",
            f'{{"doc_id":"1", "text": "Zyx", "entities": [{{"start":0, "end":3, "label": "N", "score": {HUGE}}}]}}\n',
            "the score of an entity must be a number in [0, 1]",
        ),
        (
            "a.tsv",
            "#FORMAT=WebAnno TSV 3.3\n#T_SP=custom.X|value\n\n#Text=Zyxwa\n1-1\t9999999999-9999999999\tZyxwa\tN\t\n",
            "fix its offsets",
        ),
        ("a.tsv", "#FORMAT=WebAnno TSV 3.3\n#T_SP=\n\n#Text=Zyxwa\n1-1\t0-5\tZyxwa\tN\t\n", "a layer has no name"),
        (
            "a.tsv",
            f"#FORMAT=WebAnno TSV 3.3\n#T_SP=custom.X|value\n\n#Text=Zyxwa\n1-1\t0-{'5' * 5000}\tZyxwa\tN\t\n",
            "expected the number of a token, its offsets and its text",
        ),
    ],
)
def test_damaged_entities(name: str, content: str, remedy: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert remedy in refuse(tmp_path / name).replace("\n", " ")


def test_a_region_that_names_its_text_by_no_string_is_read_as_if_it_named_none(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(label_studio(to_name=["text"]), encoding="utf-8")
    assert check_corpus(tmp_path / "a.json").problems == []


def test_a_score_outside_its_range_is_still_a_fault_of_one_entity(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(label_studio(score=2), encoding="utf-8")
    assert [problem.code for problem in check_corpus(tmp_path / "a.json").problems] == ["score"]


def test_parquet_text_that_is_not_utf_8(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    stored = [None, arrow.py_buffer(struct.pack("<ii", 0, 4)), arrow.py_buffer(b"\xff\xfeab")]
    text = arrow.Array.from_buffers(arrow.string(), 1, stored)
    parquet.write_table(arrow.table({"text": text, "entities": ["[]"]}), tmp_path / "a.parquet")
    assert "text that is not UTF-8" in refuse(tmp_path / "a.parquet").replace("\n", " ")


@pytest.mark.parametrize(
    ("suffix", "compress"), [(".gz", gzip.compress), (".xz", lzma.compress), (".bz2", bz2.compress)]
)
def test_compressed_texts_that_are_damaged_anywhere(
    suffix: str, compress: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    data, path = compress(b"".join(b'{"text": "Zyxwa %d"}\n' % number for number in range(50))), tmp_path / f"a{suffix}"
    for place in range(0, len(data), 3):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :])
        try:
            read_texts(path)
        except CorpusError as error:
            assert str(path) in str(error)
            assert "Zyxwa" not in str(error)


@pytest.mark.parametrize(
    "encoding", ["utf-7", "UTF7", "idna", "punycode", "unicode_escape", "rot13", "base64", "hz", "undefined", "nope"]
)
@pytest.mark.parametrize("letter", ["ö", "+APY-"])
def test_xml_in_an_encoding_that_xml_cannot_have(encoding: str, letter: str, cas: Path, tmp_path: Path) -> None:
    declaration = f'<?xml version="1.0" encoding="{encoding}"?>'
    i2b2 = tmp_path / "a.xml"
    i2b2.write_text(f"{declaration}<r><TEXT>Zyxwa {letter}</TEXT><TAGS/></r>", encoding="utf-8")
    xmi = (cas / "1.xmi").read_text(encoding="utf-8").partition("?>")[2].replace("Ruiz", f"R{letter}")
    (cas / "1.xmi").write_text(declaration + xmi, encoding="utf-8")
    if encoding == "nope" and letter.isascii():
        return  # which is read, since ASCII is the same in nearly every encoding
    for path, format in ((i2b2, "i2b2"), (i2b2, "auto"), (cas, "auto")):
        assert "UTF-8" in refuse(path, format)


@pytest.mark.parametrize("encoding", ["iso-8859-15", "cp1252", "koi8-r", "shift_jis", "shift_jis_2004", "gb2312"])
def test_xml_in_the_encodings_of_texts_is_read(encoding: str) -> None:
    letter = {"koi8-r": "я", "shift_jis": "ア", "shift_jis_2004": "ア", "gb2312": "中"}.get(encoding, "ö")
    data = f'<?xml version="1.0" encoding="{encoding}"?><a>{letter}</a>'.encode(encoding)
    text = decode_xml(data, "a.xml")
    assert not isinstance(text, Problem)
    assert text.endswith(f"<a>{letter}</a>")
