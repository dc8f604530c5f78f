"""Tables: columns, line ends, every fault with its line, splits, writing."""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from deidsynth.config import TableLayout
from deidsynth.corpora.formats import table
from deidsynth.corpora.records import ReadResult, build_corpus, check_records
from deidsynth.documents import Corpus, Document, Entity
from deidsynth.errors import MissingExtraError, UnrepresentableError

LAYOUT = TableLayout()
SECRET = "Ana Ek"
ENTITIES = json.dumps([{"start": 0, "end": 3, "label": "NAME"}])
CHARACTERS = st.one_of(
    st.sampled_from(list("aé\U0001f600\u0301שלוםع\t\r\n\v\x1c\x85\u2028\ufeff \"'\\;,\x00")),
    st.characters(exclude_categories=["Cs"]),
)


def cells(*values: str, delimiter: str = ",") -> str:
    return delimiter.join('"' + value.replace('"', '""') + '"' for value in values)


def put(path: Path, *lines: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join((each if isinstance(each, bytes) else each.encode()) + b"\n" for each in lines))
    return path


def read(path: Path, layout: TableLayout = LAYOUT) -> ReadResult:
    result = table.read_records(path, layout)
    result.problems += check_records(result.records)
    assert not [problem for problem in result.problems if "Ana" in problem.message]
    return result


def test_every_column_is_read_and_others_are_counted(tmp_path: Path) -> None:
    entities = json.dumps([{"start": 0, "end": 3, "label": "NAME", "score": 0.5, "id": 7}])
    path = put(
        tmp_path / "x.csv", "doc_id,ward,text,entities,group,split", cells("a", "W", SECRET, entities, "g", "Dev")
    )
    result = read(path)
    assert build_corpus(result)[0] == Document("a", SECRET, (Entity(0, 3, "NAME", 0.5),), "g")
    assert result.records[0].split == "validation"
    assert result.skipped == {"columns": 1, "unknown_keys": 1}


def test_only_the_text_is_needed_and_rows_give_ids(tmp_path: Path) -> None:
    result = read(put(tmp_path / "notes.csv", "text", cells("a\r\nb\rc\n"), "", cells("d")))
    assert [(each.doc_id, each.text, each.line) for each in result.records] == [
        ("notes-1", "a\r\nb\rc\n", 2),
        ("notes-2", "d", 7),
    ]


@pytest.mark.parametrize(("name", "delimiter"), [("x.csv", ";"), ("x.csv", "\t"), ("x.tsv", "\t")])
def test_delimiters_and_byte_order_mark(tmp_path: Path, name: str, delimiter: str) -> None:
    path = put(tmp_path / name, b"\xef\xbb\xbf" + f"text{delimiter}entities".encode(), f"{SECRET}{delimiter}[]")
    assert table.sniff(path)
    assert [each.text for each in read(path).records] == [SECRET]


def test_columns_may_have_other_names(tmp_path: Path) -> None:
    path = put(tmp_path / "x.csv", "note,id", cells(SECRET, "7"))
    result = read(path, TableLayout(text="note", doc_id="id"))
    assert [(each.doc_id, each.text) for each in result.records] == [("7", SECRET)]


def test_long_notes_are_read_and_the_limit_is_as_before(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    assert len(read(put(tmp_path / "x.csv", "text", "a" * 200_000)).records[0].text) == 200_000
    assert csv.field_size_limit() == before


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (cells(SECRET, "[", ""), "the entities are not JSON"),
        (cells(SECRET, "7", ""), "the entities must be a list of objects"),
        (cells(SECRET, "[7]", ""), "an entity must be an object with start, end and label"),
        (cells(SECRET, '[{"start": 0.0, "end": 3, "label": "A"}]', ""), "start and end of an entity must be integers"),
        (cells(SECRET, '[{"start": 0, "end": 3, "label": 4}]', ""), "the label of an entity must be a string"),
        (
            cells(SECRET, '[{"start": 0, "end": 3, "label": "A", "score": "1"}]', ""),
            "score of an entity must be a number",
        ),
        (cells(SECRET, '{"start": [0], "end": [3, 4], "label": ["A"]}', ""), "must be lists of the same length"),
        (cells(SECRET, '[{"start": 0, "end": 9, "label": "A"}]', ""), "entity 0:9 is out of bounds"),
        (cells(SECRET, "[]", "other"), "the split must be one of train, validation, test, or empty"),
        (cells(SECRET, "[]"), "the row has 2 cells and the header 3"),
    ],
)
def test_every_fault_has_its_line(tmp_path: Path, bad: str, message: str) -> None:
    path = put(tmp_path / "x.csv", "text,entities,split", cells("a\nb", "", ""), bad, cells("c", "[]", ""))
    result = read(path)
    (problem,) = result.problems
    assert message in problem.message
    assert (problem.path, problem.line) == (str(path), 4)
    assert result.records[-1].text == "c"


@pytest.mark.parametrize(
    ("lines", "message", "line"),
    [
        (
            ["note,id", "x,y"],
            "no column 'text'; the columns are note, id; name the text column: --layout table.text=",
            1,
        ),
        (
            [f"{SECRET} bor här.,7"],
            "there are 2 columns, some without a proper name (is the first row a header?)",
            1,
        ),
        (
            ["text,spans,ner", cells(SECRET, ENTITIES, ENTITIES)],
            "the columns spans and ner all contain entities; name the right one: --layout table.entities=NAME",
            1,
        ),
        (["id,tokens,ner_tags", "1,x,y"], "tokens with tags are read from JSON lines, or from a dataset with", 1),
        ([], "no column 'text'; there are no columns", 1),
        (["text,text", "a,b"], "more than one column for text", 1),
        (["text", "a", '"Ana'], "not valid CSV from here on", 3),
        (["text", b"\xe5"], "not UTF-8 at byte 5", 2),
    ],
)
def test_faults_of_a_whole_file(tmp_path: Path, lines: list[str | bytes], message: str, line: int) -> None:
    (problem,) = read(put(tmp_path / "x.csv", *lines)).problems
    assert message in problem.message
    assert problem.line == line


@pytest.mark.parametrize(("role", "what"), [("doc_id", "ids"), ("entities", "entities"), ("split", "splits")])
def test_a_column_that_the_layout_names_must_be_there(tmp_path: Path, role: str, what: str) -> None:
    path = put(tmp_path / "x.csv", "text,spans", cells(SECRET, ENTITIES))
    (problem,) = read(path, TableLayout(**{role: "nope"})).problems
    assert problem.message == (
        f"no column 'nope' for the {what}; the columns are text, spans; fix --layout table.{role}=NAME"
    )


@pytest.mark.parametrize("name", ["spans", "annotations", "Labels", "label", "ner"])
@pytest.mark.parametrize(
    "entity",
    [
        {"start": 0, "end": 3, "label": "NAME"},
        [0, 3, "NAME"],
        {"start_offset": 0, "end_offset": 3, "label": "NAME"},
        {"start": 0, "end": 3, "entity_group": "NAME", "score": None},
    ],
)
def test_common_names_of_columns_are_known(tmp_path: Path, name: str, entity: object) -> None:
    for written in (json.dumps([entity]), str([entity])):
        path = put(tmp_path / "x.csv", f"document_id,text,{name}", cells("a", SECRET, ""), cells("b", SECRET, written))
        result = read(path)
        assert [each.doc_id for each in result.records] == ["a", "b"]
        assert build_corpus(result)[1].entities == (Entity(0, 3, "NAME"),)
        assert not result.skipped and not result.problems


@pytest.mark.parametrize(
    "keys",
    [
        ("begin", "end", "type"),
        ("beginOffset", "endOffset", "entity"),
        ("start_char", "end_char", "labels"),
        ("Start", "End", "Entity Type"),
        ("start_position", "end_position", "category"),
    ],
)
def test_common_keys_of_entities_are_known(tmp_path: Path, keys: tuple[str, str, str]) -> None:
    label = ["NAME"] if keys[2] == "labels" else "NAME"
    entity = json.dumps([dict(zip(keys, (0, 3, label), strict=True))])
    result = read(put(tmp_path / "x.csv", "text,spans", cells(SECRET, entity)))
    assert build_corpus(result)[0].entities == (Entity(0, 3, "NAME"),)
    assert not result.skipped


@pytest.mark.parametrize(
    ("entity", "message"),
    [
        ({"von": 0, "bis": 3, "art": "NAME"}, "the keys found are von, bis, art"),
        ({"start": 0, "end": 3, "what": "NAME"}, "the keys found are start, end, what"),
        ({"Ana": "NAME"}, "an entity must have start, end and label; 1 other keys were found"),
        ({"start": 0, "end": 3, "Ana Ek": 1}, "3 other keys were found"),
        ({"start": 0, "end": 3, "entity": "Ana"}, "the label of every entity is its text"),
        ({"start": 0, "end": 3, "label": 7}, "the names are elsewhere"),
    ],
)
def test_keys_that_are_not_known_are_shown(tmp_path: Path, entity: dict[str, object], message: str) -> None:
    (problem,) = read(put(tmp_path / "x.csv", "text,entities", cells(SECRET, json.dumps([entity])))).problems
    assert message in problem.message and problem.line == 2


@pytest.mark.parametrize("name", ["x.csv", "x.tsv"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_exports_of_label_studio_are_read_in_either_unit(tmp_path: Path, name: str, end: str) -> None:
    text = f"\U0001f600{end}Ana Ek"
    start = text.index("Ana")
    delimiter = "\t" if name == "x.tsv" else ","
    for unit in (0, 1):
        entity = {"start": start + unit, "end": start + 3 + unit, "text": "Ana", "labels": ["NAME"]}
        header = delimiter.join(["annotation_id", "annotator", "id", "label", "text"])
        path = put(tmp_path / name, header, cells("4", "1", "9", json.dumps([entity]), text, delimiter=delimiter))
        assert table.sniff(path)
        result = read(path)
        assert build_corpus(result)[0] == Document("9", text, (Entity(start, start + 3, "NAME"),))
        assert result.skipped["documents_with_utf16_offsets"] == unit


def test_a_stated_text_that_is_elsewhere_is_refused(tmp_path: Path) -> None:
    entity = json.dumps([{"start": 1, "end": 4, "text": "Ana", "label": "NAME"}])
    (problem,) = read(put(tmp_path / "x.csv", "text,entities", cells(SECRET, entity))).problems
    assert (problem.code, problem.line, problem.fatal) == ("text-mismatch", 2, True)
    assert "the text of entity 1:4 differs from the text at its offsets" in problem.message


@pytest.mark.parametrize("cell", ["NAME", "3", '["NAME"]', '{"NAME": 1}', "[", ""])
def test_a_column_of_such_a_name_without_entities_is_passed_over_and_told(tmp_path: Path, cell: str) -> None:
    result = read(put(tmp_path / "x.csv", "text,label,ward", cells(SECRET, cell, "W")))
    (problem,) = result.problems
    assert (problem.code, problem.fatal) == ("no-entity-column", False)
    assert "these columns are ignored: label, ward; if one of them contains the entities, name it:" in problem.message
    assert result.skipped == {"columns": 2}


def test_columns_without_proper_names_are_not_shown(tmp_path: Path) -> None:
    (problem,) = read(put(tmp_path / "x.csv", cells("text", f"{SECRET}, 45"), cells("a", "b"))).problems
    assert "ignored: 1 columns, some without a proper name" in problem.message


@pytest.mark.parametrize("ids", [("7", "7"), ("7", "")])
def test_ids_of_a_column_that_nobody_named_are_taken_if_they_are_unique(tmp_path: Path, ids: tuple[str, str]) -> None:
    path = put(tmp_path / "x.csv", "id,text", *(cells(each, SECRET) for each in ids))
    result = read(path)
    assert [each.doc_id for each in result.records] == ["x-1", "x-2"]
    assert (result.problems, result.skipped) == ([], {"ids_that_are_not_unique": 2})
    assert len(read(path, TableLayout(doc_id="id")).problems) == 1


def test_folders_and_file_names_are_parts(tmp_path: Path) -> None:
    for name in ("train", "dev"):
        put(tmp_path / "a" / name / "x.csv", "doc_id,text", f"{name},b")
        put(tmp_path / "b" / f"notes_{name}.tsv", "doc_id\ttext", f"{name}\tb")
    put(tmp_path / "b" / "codes.csv", "code,meaning")
    for folder in ("a", "b"):
        assert table.sniff(tmp_path / folder)
        assert {each.doc_id: each.split for each in read(tmp_path / folder).records} == {
            "train": "train",
            "dev": "validation",
        }


def test_where_no_table_has_the_column_each_says_so(tmp_path: Path) -> None:
    put(tmp_path / "a.csv", "note,id")
    put(tmp_path / "b.csv", "note,id")
    assert [Path(each.path).name for each in read(tmp_path).problems] == ["a.csv", "b.csv"]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("x.csv", b"note,id\nx,y", True),
        ("x.csv", b"Ana Ek, 45, bor i Lund.\n", False),
        ("x.csv", b"\xff\xfe", False),
        ("x.csv", b"", False),
        ("x.tsv", b"#FORMAT=WebAnno TSV 3.3\n", False),
        ("x.tsv", b"Ana\tB-NAME\n", False),
        ("x.parquet", b"text,id\n", False),
        ("x.txt", b"text,id\n", False),
    ],
)
def test_sniffing(tmp_path: Path, name: str, content: bytes, expected: bool) -> None:
    (tmp_path / name).write_bytes(content)
    assert table.sniff(tmp_path / name) is expected
    assert not table.sniff(tmp_path) and not table.sniff(tmp_path / "absent.csv")


def test_parquet_is_read_with_native_lists_and_bad_rows_are_numbered(tmp_path: Path) -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    rows = [
        {"text": SECRET, "entities": [{"start": 0, "end": 3, "label": "NAME"}], "doc_id": 7, "ward": 1},
        {"text": None, "entities": [], "doc_id": 8, "ward": 1},
        {"text": "b", "entities": None, "doc_id": None, "ward": 1},
    ]
    path = tmp_path / "x.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    assert table.sniff(path) and table.sniff(tmp_path)
    result = read(path)
    assert (result.records[0].doc_id, result.records[0].spans[0][:3]) == ("7", (0, 3, "NAME"))
    assert [(each.line, each.message.split(";")[0]) for each in result.problems] == [
        (2, "the text must be a string"),
        (3, "the document id is empty"),
    ]
    assert result.skipped == {"columns": 1}


def test_broken_parquet_is_a_problem(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    (problem,) = read(put(tmp_path / "x.parquet", b"PAR1")).problems
    assert "unreadable Parquet" in problem.message


def test_parquet_without_its_library_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtraError, match=r"reading Parquet .* 'deidsynth\[tables\]'"):
        read(put(tmp_path / "x.parquet", b"PAR1"))
    with pytest.raises(MissingExtraError, match="writing Parquet"):
        table.write(Corpus(()), tmp_path / "y.parquet", None, LAYOUT)


@pytest.mark.parametrize(
    ("name", "document", "layout", "message"),
    [
        ("out", Document("a", "x"), LAYOUT, "a table is one file; give a TARGET that ends in .csv, .tsv, .parquet"),
        ("x.csv", Document("a", "x\0"), LAYOUT, "document number 1 has a NUL character"),
        ("x.csv", Document("a", "x\ud800"), LAYOUT, "document number 1 has a lone surrogate"),
        ("x.csv", Document("a", "x"), TableLayout(text="doc_id"), "two columns of the table would have the same name"),
    ],
)
def test_what_cannot_be_written_is_refused(
    tmp_path: Path, name: str, document: Document, layout: TableLayout, message: str
) -> None:
    with pytest.raises(UnrepresentableError, match=message):
        table.write(Corpus((document,)), tmp_path / name, None, layout)
    assert list(tmp_path.iterdir()) == []


@st.composite
def documents(draw: st.DrawFn, doc_id: str) -> Document:
    text = draw(st.text(CHARACTERS, max_size=30))
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=6)))
    score = draw(st.none() | st.floats(0, 1))
    entities = tuple(Entity(*pair, draw(st.sampled_from(["NAME", "名前"])), score) for pair in pairwise(cuts))
    return Document(doc_id, text, entities, draw(st.none() | st.text(CHARACTERS, min_size=1, max_size=3)))


@pytest.mark.parametrize("suffix", table.SUFFIXES)
def test_what_is_written_is_read_back(suffix: str) -> None:
    if suffix == table.PARQUET:
        pytest.importorskip("pyarrow")

    @settings(max_examples=40)
    @given(st.lists(st.text(CHARACTERS, min_size=1, max_size=5), min_size=1, max_size=3, unique=True), st.data())
    def check(names: list[str], data: st.DataObject) -> None:
        corpus = Corpus(tuple(data.draw(documents(name)) for name in names))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"x{suffix}"
            try:
                assert not table.write(corpus, path, dict.fromkeys(names, "test"), LAYOUT)
            except UnrepresentableError:
                return
            result = read(path)
        assert build_corpus(result) == corpus
        assert not result.skipped and {record.split for record in result.records} == {"test"}

    check()


def test_where_documents_come_from_is_counted_as_left_out(tmp_path: Path) -> None:
    corpus = Corpus((Document("a", "x"),), origin="invented")
    assert table.write(corpus, tmp_path / "x.csv", None, LAYOUT) == {"provenances": 1}
    assert (tmp_path / "x.csv").read_bytes() == b'"doc_id","text","entities"\n"a","x","[]"\n'


def keys(result: ReadResult) -> list[tuple[str, list[tuple[int, int, str]]]]:
    assert result.problems == []
    return [(record.doc_id, [span[:3] for span in record.spans]) for record in result.records]


def test_rows_of_one_entity_become_documents_by_their_text(tmp_path: Path) -> None:
    rows = ["Ana Ek,0,3,NAME", "Ana Ek,4.0,6.0,NAME", "Hej,,,", "Ana Ek,0,6,NAME"]
    result = read(put(tmp_path / "x.csv", "text,start,end,label", *rows))
    assert keys(result) == [
        ("x-1", [(0, 3, "NAME"), (4, 6, "NAME")]),
        ("x-3", []),
        ("x-4", [(0, 6, "NAME")]),
    ]
    assert not result.skipped and all(record.holds_entities for record in result.records)


@pytest.mark.parametrize("name", ["doc_id", "document_id"])
def test_rows_of_one_entity_become_documents_by_their_id(tmp_path: Path, name: str) -> None:
    rows = ["a,Ana Ek,Ana,0,3,NAME", "b,Ana Ek,Ek,4,6,NAME", "a,Ana Ek,Ek,4,6,NAME"]
    result = read(put(tmp_path / "x.csv", f"{name},text,mention,begin,end_offset,type", *rows))
    assert sorted(keys(result)) == [("a", [(0, 3, "NAME"), (4, 6, "NAME")]), ("b", [(4, 6, "NAME")])]


def test_an_id_that_numbers_entities_is_no_id_of_a_document(tmp_path: Path) -> None:
    result = read(put(tmp_path / "x.csv", "id,text,start,end,label", "1,Ana Ek,0,3,NAME", "2,Ana Ek,4,6,NAME"))
    assert keys(result) == [("x-1", [(0, 3, "NAME"), (4, 6, "NAME")])]
    result = read(put(tmp_path / "x.csv", "id,text,start,end,label", "7,Ana Ek,0,3,NAME", "7,Ana Ek,4,6,NAME"))
    assert keys(result) == [("7", [(0, 3, "NAME"), (4, 6, "NAME")])]


def test_the_same_id_with_another_text_is_an_error(tmp_path: Path) -> None:
    result = read(put(tmp_path / "x.csv", "doc_id,text,start,end,label", "a,Ana Ek,0,3,NAME", "a,Ana,0,3,NAME"))
    assert [each.code for each in result.problems] == ["duplicate-id"]


def test_columns_that_are_no_offsets_leave_rows_as_documents(tmp_path: Path) -> None:
    result = read(put(tmp_path / "x.csv", "text,start,end,label", "Ana,08:15,08:40,x", "Hej,09:00,09:20,y"))
    assert len(result.records) == 2 and [each.code for each in result.problems] == ["no-entity-column"]


def test_rows_of_one_entity_are_read_from_parquet(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    arrow = pytest.importorskip("pyarrow")
    columns = {
        "text": ["Ana Ek", "Ana Ek", "Hej"],
        "start": [0.0, 4.0, None],
        "end": [3.0, 6.0, None],
        "label": ["A", "B", None],
    }
    parquet.write_table(arrow.table(columns), tmp_path / "x.parquet")
    result = read(tmp_path / "x.parquet")
    assert keys(result) == [("x-1", [(0, 3, "A"), (4, 6, "B")]), ("x-3", [])]
