"""What the formats of annotation tools share: faults of JSON, files of a folder, splits, writing."""

from __future__ import annotations

import json
import stat
import tempfile
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings, strategies as st

from deidsynth.corpora.formats import doccano, label_studio, presidio
from deidsynth.corpora.records import ReadResult, build_corpus, check_records
from deidsynth.documents import Corpus, Document, Entity
from deidsynth.errors import UnrepresentableError

WRITERS = [doccano, label_studio, presidio]
LISTS = [label_studio, presidio]
CHARACTERS = st.one_of(
    st.sampled_from(list('aé\U0001f600\U00010348\u0301שלוםع\t\r\n\v\f\x1c\x85\u2028\u2029\ufeff \u00a0"\\\x00;n{}')),
    st.characters(exclude_categories=["Cs"]),
)


@st.composite
def corpora(draw: st.DrawFn) -> Corpus:
    made = []
    for doc_id in draw(st.lists(st.text(CHARACTERS, min_size=1, max_size=6), min_size=1, max_size=4, unique=True)):
        text = draw(st.text(CHARACTERS, max_size=30) | st.lists(st.sampled_from(["a\r\n", "\t", "é"])).map("".join))
        cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
        entities = [
            Entity(start, end, draw(st.sampled_from(["NAME", "Ärende-2", "名前"])))
            for start, end in pairwise(cuts)
            if draw(st.booleans())
        ]
        made.append(Document(doc_id, text, tuple(entities)))
    return Corpus(tuple(made), draw(st.sampled_from(["real", "invented"])), draw(st.sampled_from(["gold", "silver"])))


def clean(result: ReadResult) -> Corpus:
    assert result.problems + check_records(result.records) == []
    return build_corpus(result)


def faults(result: ReadResult) -> list[tuple[str, str, int | None]]:
    return [(problem.code, Path(problem.path).name, problem.line) for problem in result.problems]


SMALL = Corpus((Document("a", "Ana é", (Entity(0, 3, "NAME"),)), Document("b", "x\r\n")), origin="invented")


@pytest.mark.parametrize("format", WRITERS)
@settings(max_examples=60)
@given(corpora(), st.data())
def test_what_is_written_is_read_back(format: ModuleType, corpus: Corpus, data: st.DataObject) -> None:
    splits = {document.doc_id: data.draw(st.sampled_from(["train", "validation", "test"])) for document in corpus}
    with tempfile.TemporaryDirectory() as folder:
        single = Path(folder) / f"one{format.SUFFIX}"
        dropped = format.write(corpus, single, None)
        assert dropped == ({} if (corpus.origin, corpus.annotation) == ("real", "gold") else {"provenances": 1})
        assert clean(format.read_records(single)).documents == corpus.documents
        assert format.sniff(single)
        assert not format.write(corpus, Path(folder) / "whole", None)
        result = format.read_records(Path(folder) / "whole")
        assert clean(result) == corpus and not result.skipped
        assert not format.write(corpus, Path(folder) / "splits", splits)
        result = format.read_records(Path(folder) / "splits")
        assert sorted(clean(result), key=lambda document: document.doc_id) == sorted(
            corpus, key=lambda document: document.doc_id
        )
        assert {record.doc_id: record.split for record in result.records} == splits
        assert not result.skipped


@pytest.mark.parametrize("format", WRITERS)
def test_scores_and_groups_are_counted(format: ModuleType, tmp_path: Path) -> None:
    corpus = Corpus((Document("a", "Ana", (Entity(0, 3, "NAME", 0.5),), "g"),))
    assert format.write(corpus, tmp_path / f"x{format.SUFFIX}", None) == {"scores": 1, "groups": 1}


@pytest.mark.parametrize("format", WRITERS)
def test_what_cannot_be_held_is_refused_before_anything_is_written(format: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(UnrepresentableError, match="give a folder as TARGET to keep train/validation/test"):
        format.write(SMALL, tmp_path / f"x{format.SUFFIX}", {"a": "train", "b": "test"})
    with pytest.raises(UnrepresentableError, match="document number 2 has a lone surrogate"):
        format.write(Corpus((Document("a", "x"), Document("b", "\udc00"))), tmp_path / "out", None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format", WRITERS)
def test_an_empty_corpus_is_no_fault(format: ModuleType, tmp_path: Path) -> None:
    format.write(Corpus(()), tmp_path / "out", None)
    result = format.read_records(tmp_path / "out")
    assert (result.records, result.problems, result.skipped) == ([], [], {})
    assert not format.sniff(tmp_path / "out")


@pytest.mark.parametrize("format", WRITERS)
def test_real_text_is_for_its_owner_only(format: ModuleType, tmp_path: Path) -> None:
    corpus = Corpus((Document("a", "x"),))
    format.write(corpus, tmp_path / "out", {"a": "train"})
    format.write(corpus, tmp_path / f"x{format.SUFFIX}", None)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*") if path.is_file()}
    assert modes == {0o600}


@pytest.mark.parametrize("format", WRITERS)
def test_only_its_own_files_look_like_a_format(format: ModuleType, tmp_path: Path) -> None:
    for writer in WRITERS:
        writer.write(SMALL, tmp_path / writer.NAME, None)
        file = tmp_path / writer.NAME / f"corpus{writer.SUFFIX}"
        assert format.sniff(file) == format.sniff(file.parent) == (writer is format)
    for number, content in enumerate(
        [
            "",
            " \n",
            "{",
            "[",
            "[1]",
            "[]",
            "17",
            '{"a": 1}',
            "null",
            "[null]",
            '[{"text": "x"}]',
            "[" * 100_000,
            "\\xff",
        ]
    ):
        file = tmp_path / f"{number}{format.SUFFIX}"
        file.write_bytes(content.encode() if content != "\\xff" else b"\xff" * 9)
        assert not format.sniff(file)
    assert not format.sniff(tmp_path / f"absent{format.SUFFIX}")


@pytest.mark.parametrize("format", WRITERS)
def test_a_long_first_document_is_told(format: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / f"x{format.SUFFIX}"
    format.write(Corpus((Document("a", "x" + "é" * 50_000),)), file, None)
    assert format.sniff(file)


@pytest.mark.parametrize("format", WRITERS)
def test_other_files_of_a_folder_are_counted_and_broken_ones_named(format: ModuleType, tmp_path: Path) -> None:
    format.write(SMALL, tmp_path / "out", {"a": "train", "b": "test"})
    (tmp_path / "out" / f"settings{format.SUFFIX}").write_text('{"doc_id": 1}')
    result = format.read_records(tmp_path / "out")
    assert (len(result.records), result.problems, result.skipped) == (2, [], {"other_files": 1})
    (tmp_path / "out" / f"broken{format.SUFFIX}").write_text("\n[{")
    assert faults(format.read_records(tmp_path / "out")) == [("malformed", f"broken{format.SUFFIX}", 2)]


@pytest.mark.parametrize("format", WRITERS)
def test_what_lies_beside_folders_of_parts_is_counted(format: ModuleType, tmp_path: Path) -> None:
    for name in ("train", "dev", "extra"):
        (tmp_path / name).mkdir()
        corpus = Corpus((Document(name, "x"),))
        format.write(corpus, tmp_path / name / f"data{format.SUFFIX}", None)
    format.write(SMALL, tmp_path / f"readme{format.SUFFIX}", None)
    result = format.read_records(tmp_path)
    assert {record.doc_id: record.split for record in result.records} == {"train": "train", "dev": "validation"}
    assert result.skipped == {"files_outside_splits": 2}


def test_documents_without_ids_are_named_after_files_that_folders_repeat(tmp_path: Path) -> None:
    for name in ("train", "test"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "data.json").write_text('[{"full_text": "x", "spans": []}]')
    records = presidio.read_records(tmp_path).records
    assert {record.doc_id: record.split for record in records} == {"train-data-1": "train", "test-data-1": "test"}


@pytest.mark.parametrize("format", WRITERS)
def test_bytes_that_are_not_utf8_have_their_line(format: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / f"x{format.SUFFIX}"
    file.write_bytes(b"\n\xff")
    assert faults(format.read_records(file)) == [("encoding", file.name, 2)]
    assert faults(format.read_records(tmp_path / "absent")) == [("unreadable", "absent", None)]


@pytest.mark.parametrize("format", WRITERS)
def test_a_byte_order_mark_does_no_harm(format: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / f"x{format.SUFFIX}"
    format.write(SMALL, file, None)
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    assert format.sniff(file)
    assert clean(format.read_records(file)).documents == SMALL.documents


@pytest.mark.parametrize("format", LISTS)
@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("", 1, "not JSON at column 1; the file must contain one list"),
        ("\n{}", 2, "not JSON at column 1; the file must contain one list"),
        ("[\n1,\n2", 3, "not JSON at column 2"),
        ("[\n1\n2]", 3, "not JSON at column 1"),
        ("[\n,]", 2, "not JSON at column 1"),
        ("[\n]\n x", 3, "not JSON at column 2"),
        ('[\n{"Ana": }]', 2, "not JSON at column 9"),
        ("[\n" + "[" * 100_000, 1, "a number is too long or the nesting too deep"),
        ("[" + "1" * 5000, 1, "a number is too long or the nesting too deep"),
        ("[\n\n[]]", 3, "an element of the list is not an object"),
    ],
)
def test_faults_of_a_list_have_their_line(
    format: ModuleType, tmp_path: Path, content: str, line: int, message: str
) -> None:
    file = tmp_path / "x.json"
    file.write_text(content)
    problem = format.read_records(file).problems[-1]
    assert (problem.code, problem.line) == ("malformed", line)
    assert message in problem.message and "Ana" not in problem.message


@pytest.mark.parametrize("format", LISTS)
def test_reading_goes_on_after_a_faulty_element(format: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    format.write(SMALL, file, None)
    elements = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps([{}, elements[0], 7, elements[1]], indent=1))
    result = format.read_records(file)
    assert [problem.code for problem in result.problems] == ["malformed", "malformed"]
    assert result.problems[0].line == 2
    assert [record.doc_id for record in result.records] == ["a", "b"]
    assert [file.read_text().splitlines()[record.line - 1] for record in result.records] == [" {", " {"]
