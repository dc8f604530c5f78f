"""Which format a path is found to be in, and what is told of the rest."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from deidsynth.config import LayoutConfig, TableLayout
from deidsynth.corpora import check_corpus, find_format, read_corpus
from deidsynth.errors import InputError

TEXT = "Ana kom hem"
ROWS = "Ana\tB-NAME\nkom\tO\n"
LINE = json.dumps({"doc_id": "a", "text": TEXT, "entities": [{"start": 0, "end": 3, "label": "NAME"}]}) + "\n"
XML = (
    f"<D><TEXT><![CDATA[{TEXT}]]></TEXT>"
    '<TAGS><NAME id="P0" start="0" end="3" text="Ana" TYPE="NAME" comment=""/></TAGS></D>'
)
CSV = f'text,entities\n{TEXT},"[{{""start"": 0, ""end"": 3, ""label"": ""NAME""}}]"\n'
DOCCANO = json.dumps({"id": 1, "text": TEXT, "label": [[0, 3, "NAME"]]}) + "\n"
FILES = {
    "jsonl": {"a.jsonl": LINE},
    "i2b2": {"b.xml": XML},
    "conll": {"c.conll": ROWS},
    "table": {"d.csv": CSV},
    "doccano": {"e.jsonl": DOCCANO},
    "inline": {"f.txt": "<NAME>Ana</NAME> kom hem"},
    "brat": {"g.txt": TEXT, "g.ann": "T1\tNAME 0 3\tAna\n"},
}


def put(folder: Path, *formats: str) -> Path:
    """A folder with a document in each of the formats."""
    folder.mkdir(parents=True, exist_ok=True)
    for format in formats:
        for name, content in FILES[format].items():
            (folder / name).write_text(content, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("train", "test"),
    [("jsonl", "i2b2"), ("jsonl", "brat"), ("conll", "jsonl"), ("table", "jsonl"), ("jsonl", "doccano")],
)
@pytest.mark.parametrize("turned", [False, True])
def test_a_part_in_another_format_is_refused_and_never_lost(
    tmp_path: Path, train: str, test: str, turned: bool
) -> None:
    put(tmp_path / "train", test if turned else train)
    put(tmp_path / "test", train if turned else test)
    with pytest.raises(InputError, match=r"in one format") as error:
        find_format(tmp_path)
    held = {name for name in (train, test) if re.search(rf"\b{name}\b", str(error.value).replace(str(tmp_path), ""))}
    assert held == {train, test}


def test_a_file_named_after_a_part_beside_folders_of_parts_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "train", "brat")
    (tmp_path / "test.conll").write_text(ROWS)
    with pytest.raises(InputError, match=r"is in brat format, but test\.conll is in conll"):
        find_format(tmp_path)


def test_parts_in_one_format_are_found(tmp_path: Path) -> None:
    for format in FILES.keys() - {"jsonl"}:
        root = tmp_path / format
        put(root / "train", format)
        put(root / "test", format)
        assert find_format(root) == format
        assert not check_corpus(root).skipped


@pytest.mark.parametrize(
    ("read", "other", "key"),
    [
        ("i2b2", "jsonl", "files_of_other_formats"),
        ("inline", "table", "files_of_other_formats"),
        ("conll", "brat", "files_of_other_formats"),
        ("conll", "conll", "files_outside_splits"),
        ("table", "table", "files_outside_splits"),
    ],
)
def test_what_looks_like_a_corpus_and_is_not_read_is_counted(tmp_path: Path, read: str, other: str, key: str) -> None:
    put(tmp_path / "train", read)
    put(tmp_path / "more", other)
    (tmp_path / "LICENSE.md").write_text("free")
    assert read_corpus(tmp_path, format=read).skipped == Counter({key: 1})


def test_json_lines_in_folders_below_are_counted(tmp_path: Path) -> None:
    put(put(tmp_path, "jsonl") / "more", "jsonl")
    assert read_corpus(tmp_path).skipped == {"files_in_subfolders": 1}


def test_another_form_of_what_is_read_does_not_count(tmp_path: Path) -> None:
    put(tmp_path / "train" / "brat", "brat")
    put(tmp_path / "train" / "xml")
    (tmp_path / "train" / "xml" / "g.xml").write_text(XML)
    assert not read_corpus(tmp_path, format="brat").skipped


@pytest.mark.parametrize("suffix", [".csv", ".json", ".xml", ".conll", ".txt", ".parquet"])
@pytest.mark.parametrize("name", ["notes", "in/notes"])
def test_an_empty_file_is_told_so(tmp_path: Path, name: str, suffix: str) -> None:
    path = tmp_path / f"{name}{suffix}"
    path.parent.mkdir(exist_ok=True)
    path.touch()
    with pytest.raises(InputError, match=r"not a known corpus format: .* is empty\."):
        find_format(path.parent if path.parent != tmp_path else path)


COLUMNS = "Ana B-NAME\nkom O\n\nBo B-NAME\ngick O\n"


def test_a_text_that_happens_to_look_like_columns_does_not_hide_brat(tmp_path: Path) -> None:
    put(tmp_path, "brat")
    (tmp_path / "h.txt").write_text(COLUMNS)
    (tmp_path / "h.ann").write_text("T1\tNAME 0 3\tAna\n")
    assert find_format(tmp_path) == "brat"
    (tmp_path / "test.txt").write_text(COLUMNS)
    (tmp_path / "test.ann").write_text("")
    assert len(read_corpus(tmp_path).corpus) == 3
    (tmp_path / "README.txt").write_text(COLUMNS)
    assert find_format(tmp_path) == "brat"


@pytest.mark.parametrize("text", [COLUMNS, "tags: <NAME>Ana</NAME>", "brackets: [Ana](NAME)"])
@pytest.mark.parametrize("format", ["jsonl", "i2b2", "table", "doccano"])
def test_a_suffix_of_its_own_is_stronger_than_a_text(tmp_path: Path, format: str, text: str) -> None:
    (put(tmp_path, format) / "README.txt").write_text(text)
    loaded = read_corpus(tmp_path)
    assert (loaded.format, loaded.skipped) == (format, {"files_of_other_formats": 1})


@pytest.mark.parametrize("formats", [("jsonl", "conll"), ("brat", "conll"), ("table", "i2b2")])
def test_formats_with_equal_evidence_are_a_question(tmp_path: Path, formats: tuple[str, str]) -> None:
    put(tmp_path, *formats)
    with pytest.raises(InputError, match=r"could be \w+ or \w+; name it with --from or corpus.format"):
        find_format(tmp_path)


def test_many_texts_are_no_less_than_one_file_of_another_format(tmp_path: Path) -> None:
    put(tmp_path, "inline", "table")
    (tmp_path / "h.txt").write_text("<NAME>Ana</NAME>")
    with pytest.raises(InputError, match="could be inline or table"):
        find_format(tmp_path)


LONG = "x " * 1_000_000
LONG_DOCUMENTS = {
    "jsonl": ("a.jsonl", LINE.replace(TEXT, f"{TEXT} {LONG}")),
    "doccano": ("a.jsonl", DOCCANO.replace(TEXT, f"{TEXT} {LONG}")),
    "presidio": ("a.json", json.dumps([{"full_text": LONG, "spans": []}])),
    "label-studio": ("a.json", json.dumps([{"data": {"text": LONG}, "annotations": [{"result": []}]}])),
    "i2b2": ("a.xml", XML.replace("<TEXT>", f"<META>{LONG}</META><TEXT>")),
    "asq-phi": ("a.txt", f'===QUERY===\n{LONG}\n===PHI_TAGS===\n{{"identifier_type": "X", "value": "x"}}\n'),
    "inline": ("a.txt", f"{LONG}<NAME>Ana</NAME>"),
    "table": ("a.csv", CSV.replace(TEXT, f"{TEXT} {LONG}")),
}


@pytest.mark.parametrize("format", LONG_DOCUMENTS)
def test_a_document_of_megabytes_is_found(tmp_path: Path, format: str) -> None:
    name, content = LONG_DOCUMENTS[format]
    (tmp_path / name).write_text(content)
    assert find_format(tmp_path / name) == format
    assert find_format(tmp_path) == format
    result = check_corpus(tmp_path)
    assert (result.format, result.problems, len(result.records)) == (format, [], 1)


@pytest.mark.parametrize("format", ["jsonl", "i2b2", "conll", "table", "doccano", "inline", "brat"])
def test_suffixes_may_be_in_any_case(tmp_path: Path, format: str) -> None:
    for file in [*put(tmp_path, format).iterdir()]:
        file.rename(file.with_suffix(file.suffix.upper()))
    assert read_corpus(tmp_path).format == format
    if format != "brat":
        assert read_corpus(next(tmp_path.iterdir())).format == format


@pytest.mark.parametrize(
    ("format", "name"),
    [
        ("jsonl", "a.json"),
        ("jsonl", "a.ndjson"),
        ("jsonl", "export"),
        ("doccano", "e.json1"),
        ("i2b2", "b.nxml"),
        ("conll", "c.data"),
        ("table", "d.dat"),
    ],
)
def test_what_a_reader_can_read_is_found_by_any_name(tmp_path: Path, format: str, name: str) -> None:
    (content,) = FILES[format].values()
    (tmp_path / name).write_text(content)
    loaded = read_corpus(tmp_path / name)
    assert (loaded.format, loaded.corpus.n_entities) == (format, 1)
    with pytest.raises(InputError, match="not a known corpus format"):
        find_format(_written(tmp_path / "page.html", "<p>Ana</p> [kom](hem)"))


def _written(path: Path, content: str) -> Path:
    path.write_text(content)
    return path


def test_a_layout_helps_to_find_the_format(tmp_path: Path) -> None:
    file = _written(tmp_path / "a.tsv", 'note\tspans\nAna kom\t[[0, 3, "NAME"]]\n'.replace('"', "'"))
    layout = LayoutConfig(table=TableLayout(text="note", entities="spans"))
    for path in (tmp_path, file):
        with pytest.raises(InputError, match="not a known corpus format"):
            read_corpus(path)
        assert read_corpus(path, layout=layout).corpus.n_entities == 1


def test_one_table_in_two_forms_is_one_corpus(tmp_path: Path) -> None:
    entities = json.dumps([[0, 3, "NAME"]])
    for name, delimiter in (("a.csv", ","), ("a.tsv", "\t")):
        rows = [["doc_id", "text", "entities"], ["1", TEXT, entities]]
        with (tmp_path / name).open("w", newline="") as file:
            csv.writer(file, delimiter=delimiter).writerows(rows)
    loaded = read_corpus(tmp_path)
    assert (len(loaded.corpus), loaded.skipped) == (1, {"documents_in_a_second_form": 1})


FAULTY = {
    "Latin-1": ("a.csv", CSV.encode().replace(b"kom", b"\xe5ker"), r"it is not UTF-8 at byte 18; .*\(line 2\)"),
    "no header": ("a.csv", b"Ana Ek, 45, Lund\n", r"could be table by its suffix, but: line 1: no column 'text'"),
    "broken JSON": ("a.json", b'[{"id": 1},\n{', r"could be doccano or label-studio or .* line 2: not JSON at column"),
    "other JSON": (
        "a.json",
        b'[{"id": 1}]',
        r"could be doccano or label-studio or presidio or cas or spacy or tokens by its suffix, but does not look like",
    ),
    "plain text": ("a.txt", b"Ana kom hem\n", r"could be .*inline or .*, but does not look like any of them"),
    "broken XML": ("a.xml", b"<D><T>Ana</T", r"could be i2b2 by its suffix, but: line 1: not"),
    "no columns": (
        "a.conll",
        b"Ana kom hem\noch sov\n",
        r"could be conll by its suffix, but: line 2: no token and tag columns",
    ),
    "half of brat": ("a.ann", b"T1\tNAME 0 3\tAna\n", r"could be brat by its suffix, but: .* give the folder"),
    "another suffix": ("a.docx", b"Ana", r"no format uses files that end in \.docx"),
    "no suffix": ("notes", b"Ana", r"its name has no suffix"),
    "JSON lines below": ("x/train/a.jsonl", LINE.encode(), r"of its 1 files, train/a\.jsonl is in a subfolder"),
}


@pytest.mark.parametrize(("name", "content", "reason"), FAULTY.values(), ids=FAULTY)
def test_the_fault_in_the_way_is_named(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    with pytest.raises(InputError, match=reason) as error:
        find_format(tmp_path / Path(name).parts[0])
    message = str(error.value)
    assert "--from or corpus.format: brat, jsonl" in message and "Ana" not in message
    assert len(message.replace(str(tmp_path), "")) < 500


def test_a_part_that_is_in_no_format_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "train", "doccano")
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "a.csv").write_bytes(b"text\n\xe5\n")
    with pytest.raises(InputError, match=r"is in doccano format, but test is not: of its 1 files, a\.csv is not UTF-8"):
        find_format(tmp_path)


@pytest.mark.parametrize(
    ("format", "name", "content", "line"),
    [
        ("doccano", "a.jsonl", DOCCANO.replace("3, ", "") + DOCCANO.replace(": 1,", ": 2,"), 1),
        ("doccano", "a.jsonl", DOCCANO.replace("3, ", ""), 1),
        ("doccano", "a.jsonl", "{\n" + DOCCANO, 1),
        ("presidio", "a.json", '[{"full_text": "x"},\n{"full_text": "x", "spans": []}]', 1),
        ("conll", "a.conll", "Ana\tB-NAME\nEk\tNAME\nkom\tO\n", 2),
        ("conll", "a.bio", "Ana B-NAME\nEk I_NAME\n\nkom O\n", 2),
    ],
)
def test_one_fault_does_not_hide_the_format(tmp_path: Path, format: str, name: str, content: str, line: int) -> None:
    (tmp_path / name).write_text(content)
    result = check_corpus(tmp_path / name)
    assert (result.format, [problem.line for problem in result.problems]) == (format, [line])


def test_a_list_of_texts_names_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_text('[{"text": "Bo kom"}, {"text": "Eva sov", "n": 1}]', encoding="utf-8")
    with pytest.raises(InputError, match=r"texts alone are read from JSON lines: write each object .* a \.jsonl file"):
        find_format(path)
