"""Bytes that are not UTF-8: what the advice names is what helps, in every format; marks and NULs are no text."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from deidsynth.corpora import check_corpus, read_corpus, write_corpus, write_jsonl
from deidsynth.corpora.encodings import decode, decode_xml
from deidsynth.documents import Corpus, Document
from deidsynth.errors import CorpusError, Problem, UnrepresentableError

TEXT = "Åsa kom “hem”."
SPAN = [{"start": 0, "end": 3, "label": "NAME"}]
XML = f'<D><TEXT><![CDATA[{TEXT}]]></TEXT><TAGS><NAME id="P0" start="0" end="3" text="Åsa" TYPE="NAME"/></TAGS></D>'
FILES = {
    "brat": {"a.txt": TEXT, "a.ann": "T1\tNAME 0 3\tÅsa\n"},
    "inline": {"a.txt": TEXT.replace("Åsa", "<NAME>Åsa</NAME>")},
    "conll": {"a.conll": "# text = " + TEXT + "\nÅsa\tB-NAME\nkom\tO\n“\tO\nhem\tO\n”\tO\n.\tO\n"},
    "table": {"a.csv": f'text,entities\n{TEXT},"{json.dumps(SPAN).replace(chr(34), chr(34) * 2)}"\n'},
    "jsonl": {"a.jsonl": json.dumps({"doc_id": "a", "text": TEXT, "entities": SPAN}, ensure_ascii=False) + "\n"},
    "doccano": {"a.jsonl": json.dumps({"id": 1, "text": TEXT, "label": [[0, 3, "NAME"]]}, ensure_ascii=False) + "\n"},
    "presidio": {
        "a.json": json.dumps(
            [{"full_text": TEXT, "spans": [{"entity_type": "NAME", "start_position": 0, "end_position": 3}]}],
            ensure_ascii=False,
        )
    },
    "i2b2": {"a.xml": XML},
    "asq-phi": {"a.txt": f'===QUERY===\n{TEXT}\n===PHI_TAGS===\n{{"identifier_type": "NAME", "value": "Åsa"}}\n'},
}


def put(folder: Path, format: str, encoding: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in FILES[format].items():
        (folder / name).write_bytes(content.encode(encoding))
    return folder


def read(folder: Path, format: str) -> tuple[str, list[str]]:
    (document,) = read_corpus(folder, format=format).corpus
    return document.text, [document.surface(entity) for entity in document.entities]


@pytest.mark.parametrize("format", FILES)
@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_the_encoding_is_named_and_converting_as_told_helps(tmp_path: Path, format: str, encoding: str) -> None:
    put(tmp_path, format, encoding)
    if (format, encoding) == ("i2b2", "utf-16"):
        assert read(tmp_path, format) == (TEXT, ["Åsa"])  # as an XML parser does
        return
    told = {problem.path: problem for problem in check_corpus(tmp_path, format=format).problems}
    assert told and {problem.code for problem in told.values()} <= {"encoding"}
    for file in sorted(tmp_path.iterdir()):
        if str(file) in told:
            named = re.search(r"iconv -f (\S+) -t utf-8", told[str(file)].message)
            assert named and named[1] == encoding
        file.write_bytes(file.read_bytes().decode(encoding).encode())
    assert read(tmp_path, format) == (TEXT, ["Åsa"])


@pytest.mark.parametrize("format", sorted(FILES.keys() - {"i2b2"}))
@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_a_file_in_another_encoding_is_never_passed_over(tmp_path: Path, format: str, encoding: str) -> None:
    put(tmp_path, format, encoding)
    for file in [*tmp_path.iterdir()]:
        file.rename(file.with_stem("b"))
    put(tmp_path, format, "utf-8")
    with pytest.raises(CorpusError, match=f"iconv -f {encoding} "):
        read_corpus(tmp_path)


@pytest.mark.parametrize("format", FILES)
def test_a_byte_order_mark_of_the_file_is_no_text(tmp_path: Path, format: str) -> None:
    put(tmp_path, format, "utf-8-sig")
    assert read(tmp_path, format) == (TEXT, ["Åsa"])


@pytest.mark.parametrize("format", ["jsonl", "doccano", "table", "i2b2", "presidio"])
@pytest.mark.parametrize("marks", ["\ufeff", "\ufeff\ufeff"])
def test_a_byte_order_mark_of_a_text_is_dropped_with_its_offset(tmp_path: Path, format: str, marks: str) -> None:
    put(tmp_path, format, "utf-8")
    for file in tmp_path.iterdir():
        moved = re.sub(r"(?<=[\D])([03])(?=\D)", lambda at: str(int(at[1]) + len(marks)), file.read_text("utf-8"))
        file.write_text(moved.replace("P1", "P0").replace("P2", "P0").replace(TEXT, marks + TEXT), encoding="utf-8")
    assert read(tmp_path, format) == (TEXT, ["Åsa"])


@pytest.mark.parametrize("format", ["brat", "inline", "conll", "jsonl", "doccano", "table", "presidio"])
def test_nul_in_a_text_is_a_reason_to_refuse(tmp_path: Path, format: str) -> None:
    put(tmp_path, format, "utf-8")
    for file in tmp_path.iterdir():
        nul = "\\u0000" if file.suffix in (".json", ".jsonl") else "\0"
        file.write_text(file.read_text("utf-8").replace("hem", nul), encoding="utf-8")
    with pytest.raises(CorpusError, match=r"the text has a NUL character \(1 time\)") as caught:
        read_corpus(tmp_path, format=format)
    assert [problem.code for problem in caught.value.problems] == ["nul"]


def test_what_a_model_sampled_is_kept_as_it_is(tmp_path: Path) -> None:
    corpus = Corpus((Document("1", "a\0b"), Document("2", "\ufeffa")), origin="synthetic")
    write_jsonl(corpus, tmp_path / "a.jsonl")
    assert read_corpus(tmp_path, require_entities=False).corpus == corpus


@pytest.mark.parametrize("text", ["a\0b", "\ufeffab"])
def test_what_is_not_read_back_is_not_written(tmp_path: Path, text: str) -> None:
    with pytest.raises(UnrepresentableError, match="document number 2 .*, which is not read back; remove it"):
        write_corpus(Corpus((Document("1", "a\ufeffb"), Document("2", text))), tmp_path / "out", "brat")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("encoding", ["iso-8859-1", "windows-1252", "iso-8859-15", "utf-16", "koi8-r", "shift_jis"])
def test_xml_is_read_in_the_encoding_that_it_declares(tmp_path: Path, encoding: str) -> None:
    name = {"koi8-r": "Ана", "shift_jis": "アナさ"}.get(encoding, "Åsa")
    quoted = TEXT if encoding in ("windows-1252", "utf-16") else "Åsa kom hem."
    xml = f'<?xml version="1.0" encoding="{encoding}"?>\n{XML}'.replace(TEXT, quoted).replace("Åsa", name)
    (tmp_path / "a.xml").write_bytes(xml.encode(encoding))
    (document,) = read_corpus(tmp_path).corpus
    assert (document.text, document.surface(document.entities[0])) == (quoted.replace("Åsa", name), name)


def test_latin_1_with_quotation_marks_of_windows_is_windows_1252() -> None:
    xml = f'<?xml version="1.0" encoding="ISO-8859-1"?><a>{TEXT}</a>'
    assert decode_xml(xml.encode("cp1252"), "a.xml") == xml


def test_xml_that_declares_what_it_is_not_is_told_both_remedies() -> None:
    xml = f'<?xml version="1.0" encoding="no-such"?><a>{TEXT}</a>'
    problem = decode_xml(xml.encode("cp1252"), "a.xml")
    assert isinstance(problem, Problem)
    assert "iconv -f cp1252 -t utf-8 OLD > NEW, and let its XML declaration state UTF-8" in problem.message
    problem = decode_xml(xml.encode(), "a.xml")
    assert isinstance(problem, Problem) and "state UTF-8 there" in problem.message
    assert decode_xml(xml.replace("no-such", "utf-8").encode(), "a.xml") == xml.replace("no-such", "utf-8")


@pytest.mark.parametrize(
    ("data", "remedy"),
    [
        (b"\xc5sa", "iconv -f latin-1 "),
        (b"\x93\xc5sa", "iconv -f cp1252 "),
        (b"\x81\xc5sa", "find out its encoding"),
        ("Åsa".encode("utf-16-be"), "iconv -f utf-16be "),
        ("Åsa".encode("utf-16"), "iconv -f utf-16 "),
        ("Åsa \xe5 öh".encode() + b"\xe5", "the rest of the file is UTF-8; fix that character"),
    ],
)
def test_the_advice_follows_the_bytes(data: bytes, remedy: str) -> None:
    problem = decode(data, "a.txt")
    assert isinstance(problem, Problem) and remedy in problem.message
