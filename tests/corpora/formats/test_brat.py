"""Brat standoff: layouts, every fault, what is skipped."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from deidsynth.corpora import check_corpus, load_corpus, read_corpus, write_corpus
from deidsynth.documents import Corpus, Document, Entity
from deidsynth.errors import CorpusError, InputError, UnrepresentableError

TEXT = "Ana Ek, 45 år.\nBor i Umeå."
SECRET_WORDS = ("Ana", "Ek", "Umeå")


def put(folder: Path, name: str, text: str | bytes = TEXT, annotations: str | bytes | None = "T1\tNAME 0 6\tAna Ek\n"):
    folder.mkdir(parents=True, exist_ok=True)
    for suffix, content in ((".txt", text), (".ann", annotations)):
        if content is not None:
            data = content if isinstance(content, bytes) else content.encode("utf-8")
            (folder / f"{name}{suffix}").write_bytes(data)


def faults(folder: Path, **options) -> list[tuple[str, str, int | None]]:
    """Code, file name and line of every problem; no message may hold text of the corpus."""
    problems = check_corpus(folder, format="brat", **options).problems
    assert not [word for problem in problems for word in SECRET_WORDS if word in problem.message]
    return [(problem.code, Path(problem.path).name, problem.line) for problem in problems]


def test_spans_and_label_come_from_the_annotation_file(tmp_path: Path) -> None:
    put(tmp_path, "a", annotations="T1\tNAME 0 6\tAna Ek\nT2\tPLACE 21 25\tUmeå\n")
    (document,) = read_corpus(tmp_path).corpus
    assert document == Document("a", TEXT, (Entity(0, 6, "NAME"), Entity(21, 25, "PLACE")))


def test_offsets_count_code_points_line_ends_included(tmp_path: Path) -> None:
    text = "\U0001f600\r\ne\u0301\tx\r\n"
    put(tmp_path, "a", text, "T1\tA 0 1\t\U0001f600\r\nT2\tB 3 5\te\u0301\r\nT3\tC 5 7\t\tx\r\n")
    (document,) = read_corpus(tmp_path).corpus
    assert document.text == text
    assert [document.surface(entity) for entity in document.entities] == ["\U0001f600", "e\u0301", "\tx"]


def test_a_line_break_inside_an_entity_is_shown_as_a_space(tmp_path: Path) -> None:
    put(tmp_path, "a", "Lund\nVård", "T1\tUNIT 0 9\tLund Vård\n")
    (document,) = read_corpus(tmp_path).corpus
    assert document.entities == (Entity(0, 9, "UNIT"),)
    write_corpus(read_corpus(tmp_path).corpus, tmp_path / "out", "brat")
    assert (tmp_path / "out" / "a.ann").read_bytes() == "T1\tUNIT 0 9\tLund Vård\n".encode()


def test_an_empty_annotation_file_is_a_document_without_entities(tmp_path: Path) -> None:
    put(tmp_path, "a")
    put(tmp_path, "b", annotations="")
    assert [len(document.entities) for document in read_corpus(tmp_path).corpus] == [1, 0]


@pytest.mark.parametrize("line", ["NAME 0 3\tAna", "NAME 1 4\tAna", "NAME 0 4\t\ufeffAna"])
def test_a_byte_order_mark_is_no_text_whether_or_not_offsets_count_it(tmp_path: Path, line: str) -> None:
    put(tmp_path, "a", "\ufeffAna", f"\ufeffT1\t{line}\n")
    (document,) = read_corpus(tmp_path).corpus
    assert (document.text, document.entities) == ("Ana", (Entity(0, 3, "NAME"),))


def test_a_fault_is_told_as_the_offsets_count(tmp_path: Path) -> None:
    put(tmp_path, "a", f"\ufeff{TEXT}", "T1\tNAME 1 7\tAna Ek\nT2\tPLACE 22 26\tUmeå\nT3\tX 3 5\tnope\n")
    assert faults(tmp_path) == [("text-mismatch", "a.ann", 3)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Av Karin\nDal.", "NAME 3 8;9 12\tKarin Dal"),
        ("Av Karin\r\n  Dal.", "NAME 3 8;12 15\tKarin Dal"),
        ("Av Karin\n  Dal.", "NAME 3 8;11 14\tKarin   Dal"),
        ("Av Karin Dal.", "NAME 3 8;8 12\tKarin  Dal"),
        ("Av Karin\u00a0Dal\n\nEk.", "NAME 3 8;9 12;14 16\tKarin Dal Ek"),
    ],
)
@pytest.mark.parametrize("discontinuous", ["refuse", "join"])
def test_fragments_parted_by_white_space_are_one_entity(tmp_path: Path, text: str, line: str, discontinuous) -> None:
    put(tmp_path, "a", text, f"T1\t{line}\n")
    (document,) = read_corpus(tmp_path, discontinuous=discontinuous).corpus
    assert [document.surface(entity) for entity in document.entities] == [text[3:-1]]


def test_files_are_paired_by_suffixes_in_any_case(tmp_path: Path) -> None:
    put(tmp_path, "a")
    (tmp_path / "a.txt").rename(tmp_path / "a.TXT")
    (tmp_path / "a.ann").rename(tmp_path / "a.Ann")
    assert [document.doc_id for document in read_corpus(tmp_path).corpus] == ["a"]


def test_folders_named_after_parts_are_read_alone(tmp_path: Path) -> None:
    put(tmp_path / "training" / "brat", "a")
    put(tmp_path / "training" / "other", "a")
    put(tmp_path / "Devel" / "deep" / "er", "b")
    put(tmp_path / "test", "c")
    put(tmp_path / "background", "d", annotations=None)
    put(tmp_path / "scored", "a", text=b"", annotations="T1\tNAME 0 6\tAna Ek\n")
    put(tmp_path, "readme", annotations=None)
    loaded = read_corpus(tmp_path)
    assert loaded.splits == {"a": "train", "b": "validation", "c": "test"}
    assert loaded.skipped == {"texts_outside_splits": 3}


def test_without_parts_every_folder_is_searched_but_hidden_ones(tmp_path: Path) -> None:
    put(tmp_path / "x" / "y", "a")
    put(tmp_path, "b")
    put(tmp_path / ".trash", "c")
    put(tmp_path, "._a", annotations=None)
    loaded = read_corpus(tmp_path)
    assert sorted(document.doc_id for document in loaded.corpus) == ["a", "b"]
    assert loaded.splits == {}


def test_what_a_corpus_does_not_hold_is_counted(tmp_path: Path) -> None:
    lines = [
        "T1\tNAME 0 6\tAna Ek",
        "R1\tOf Arg1:T1 Arg2:T1",
        "R2\tOf Arg1:T1 Arg2:T1",
        "*\tEquiv T1 T1",
        "#1\tAnnotatorNotes T1\tsure?",
        "A1\tNegated T1",
        "M1\tNegated T1",
        "E1\tNAME:T1",
        "N1\tReference T1 X:1\tx",
        "",
    ]
    put(tmp_path, "a", annotations="\n".join(lines))
    loaded = read_corpus(tmp_path)
    assert loaded.corpus.n_entities == 1
    assert loaded.skipped == {
        "relations": 2,
        "equivs": 1,
        "notes": 1,
        "attributes": 2,
        "events": 1,
        "normalizations": 1,
    }


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("T1\tNAME 0 99\tAna Ek", [("out-of-bounds", 1)]),
        ("T1\tNAME -1 3\tAna", [("out-of-bounds", 1)]),
        ("T1\tNAME 6 0\tAna Ek", [("out-of-bounds", 1)]),
        ("T1\tNAME 3 3\t", [("empty-entity", 1)]),
        ("\nT1\tNAME 1 6\tAna Ek", [("text-mismatch", 2)]),
        ("T1\tNAME 0 6\tAna Ek\nT2\tLAST 4 6\tEk", [("overlap", 2)]),
        ("T1\tNAME 0 6\tAna Ek\nT2\tA 0 3\tAna\nT3\tB 4 6\tEk", [("overlap", 2), ("overlap", 3)]),
        ("T1\tNAME 0 6\tAna Ek\nT2\tA 1 2\tn\nT3\tB 4 6\tEk", [("overlap", 2), ("overlap", 3)]),
        ("T1\tNAME 0 6\tAna Ek\nT2\tNAME 0 6\tAna Ek", [("overlap", 2)]),
        ("T1 NAME 0 6 Ana Ek", [("malformed", 1)]),
        ("T1\tNAME 0 6", [("malformed", 1)]),
        ("T1\tNAME 0 x\tAna Ek", [("malformed", 1)]),
        ("T1\tFIRST NAME 0 6\tAna Ek", [("label", 1)]),
        ("Name of Ana Ek", [("malformed", 1)]),
        ("T1\tNAME 0 3;8 10\tAna 45", [("discontinuous", 1)]),
        ("T1\tNAME 4 6;0 3\tEk Ana", [("fragments", 1)]),
    ],
)
def test_every_fault_of_an_annotation_file_has_its_line(tmp_path: Path, lines: str, expected) -> None:
    put(tmp_path, "a", annotations=lines)
    assert faults(tmp_path) == [(code, "a.ann", line) for code, line in expected]
    with pytest.raises(CorpusError, match=rf"a\.ann:{expected[0][1]}: "):
        read_corpus(tmp_path)


def test_two_entities_with_one_id_are_told_and_read(tmp_path: Path) -> None:
    put(tmp_path, "a", annotations="T1\tNAME 0 3\tAna\n\nT1\tNAME 4 6\tEk\n")
    put(tmp_path, "b", text="Bo Ek", annotations="T1\tNAME 0 2\tBo\n")
    assert faults(tmp_path) == [("duplicate-entity-id", "a.ann", 3)]
    loaded = read_corpus(tmp_path)
    assert loaded.corpus.n_entities == 3
    assert "duplicate entity id, first seen on line 1; give each" in str(loaded.problems[0])


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    put(tmp_path, "a", annotations="T1\tNAME 0 99\tAna Ek\nnonsense\n")
    put(tmp_path, "b", annotations="T1\tNAME 0 5\tAna Ek\n")
    with pytest.raises(CorpusError, match="the corpus has 3 problems") as caught:
        read_corpus(tmp_path)
    assert {problem.code for problem in caught.value.problems} == {"malformed", "text-mismatch", "out-of-bounds"}


def test_discontinuous_spans_are_joined_on_request(tmp_path: Path) -> None:
    put(tmp_path, "a", annotations="T1\tNAME 0 3;8 10\tAna 45\n")
    with pytest.raises(CorpusError, match="--discontinuous join"):
        read_corpus(tmp_path)
    (document,) = read_corpus(tmp_path, discontinuous="join").corpus
    assert document.entities == (Entity(0, 10, "NAME"),)


@pytest.mark.parametrize(
    ("line", "code"), [("T1\tN 0 3;4 6\tAna X", "text-mismatch"), ("T1\tN 4 6;0 3\tEk Ana", "fragments")]
)
def test_joined_fragments_are_checked(tmp_path: Path, line: str, code: str) -> None:
    put(tmp_path, "a", annotations=line)
    assert faults(tmp_path, discontinuous="join") == [(code, "a.ann", 1)]


def test_bad_utf8_names_line_and_byte(tmp_path: Path) -> None:
    put(tmp_path, "a", text=b"one\ntw\xe5\n")
    put(tmp_path, "b", annotations=b"\n\nT1\tN 0 1\t\xff")
    assert faults(tmp_path) == [("encoding", "a.txt", 2), ("encoding", "b.ann", 3)]
    with pytest.raises(CorpusError, match=r"a\.txt:2: not UTF-8 at byte 6;"):
        read_corpus(tmp_path)


def test_both_files_must_be_there(tmp_path: Path) -> None:
    put(tmp_path, "a", annotations=None)
    put(tmp_path, "b")
    (tmp_path / "c.ann").write_text("")
    assert faults(tmp_path) == [("missing-annotations", "a.txt", None), ("missing-text", "c.ann", None)]
    with pytest.raises(CorpusError, match=r"add a\.ann \(empty if the text has no entities\)"):
        read_corpus(tmp_path)


def test_texts_may_be_given_to_annotation_files_alone(tmp_path: Path) -> None:
    put(tmp_path / "test", "a", text=None)
    put(tmp_path / "test", "b", text=None, annotations="T1\tNAME 0 2\tBo\nT2\tNAME 0 9\tBo\n")
    put(tmp_path / "test", "c", text="Bo", annotations="T1\tNAME 0 2\tBo\n")
    texts = {"a": TEXT, "b": "Bo", "c": "?", "d": "not predicted"}
    assert faults(tmp_path, texts=texts) == [("out-of-bounds", "b.ann", 2)]
    put(tmp_path / "test", "b", text=None, annotations="T1\tNAME 0 2\tBO\n")
    assert faults(tmp_path, texts=texts) == [("text-mismatch", "b.ann", 1)]
    put(tmp_path / "test", "b", text=None, annotations="")
    loaded = read_corpus(tmp_path, texts=texts)
    assert [(each.doc_id, each.text, len(each.entities)) for each in loaded.corpus] == [
        ("c", "Bo", 1),
        ("a", TEXT, 1),
        ("b", "Bo", 0),
    ]
    assert set(loaded.splits.values()) == {"test"}


def test_all_annotation_files_without_a_text_are_one_problem(tmp_path: Path) -> None:
    for name in "abc":
        put(tmp_path, name, text=None)
    with pytest.raises(CorpusError, match=r"3 annotation files have no text file, the first is a\.ann; put the"):
        read_corpus(tmp_path)
    with pytest.raises(CorpusError, match="2 annotation files .* and match none of the given documents"):
        read_corpus(tmp_path, texts={"a": TEXT})


def test_an_id_may_stand_in_one_folder_only(tmp_path: Path) -> None:
    put(tmp_path / "train", "a")
    put(tmp_path / "test", "a")
    assert faults(tmp_path) == [("duplicate-id", "a.ann", None)]
    with pytest.raises(CorpusError, match=r"duplicate id, first seen in .*; make document ids unique"):
        read_corpus(tmp_path)


def test_a_file_is_no_brat_corpus(tmp_path: Path) -> None:
    put(tmp_path, "a")
    with pytest.raises(CorpusError, match=r"a\.txt: brat standoff is read from a folder"):
        read_corpus(tmp_path / "a.txt", format="brat")


def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "open", "a")
    put(tmp_path / "shut", "b")
    list_folder = os.scandir

    def scandir(path):
        if Path(path).name == "shut":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return list_folder(path)

    monkeypatch.setattr("os.scandir", scandir)
    with pytest.raises(InputError, match=r"shut: cannot be read \(Permission denied\); check its permissions"):
        read_corpus(tmp_path)


@pytest.mark.parametrize("content", ["[]", "{", '{"origin": "imagined"}', '{"annotation": {}}'])
def test_a_provenance_file_must_say_what_is_known(tmp_path: Path, content: str) -> None:
    put(tmp_path, "a")
    (tmp_path / "deidsynth.json").write_text(content)
    assert faults(tmp_path) == [("provenance", "deidsynth.json", None)]


@pytest.mark.parametrize("doc_id", ["../a", "a/b", "a\\b", ".a", "a\nb", "a\0", "å" * 101])
def test_an_unsafe_id_is_refused_before_anything_is_written(tmp_path: Path, doc_id: str) -> None:
    corpus = Corpus((Document("fine", "x"), Document(doc_id, "x")))
    with pytest.raises(UnrepresentableError, match=r"1 document ids cannot be file names .* number 2") as caught:
        write_corpus(corpus, tmp_path / "out", "brat")
    assert doc_id not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format", ["brat", "jsonl"])
def test_a_lone_surrogate_is_refused_before_anything_is_written(tmp_path: Path, format: str) -> None:
    with pytest.raises(UnrepresentableError, match="document number 1 has a lone surrogate"):
        write_corpus(Corpus((Document("a", "x\ud800"),)), tmp_path / "out", format)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format", ["brat", "jsonl"])
def test_an_occupied_destination_is_refused(tmp_path: Path, format: str) -> None:
    put(tmp_path / "out", "old")
    with pytest.raises(InputError, match="already exists and is not empty; choose another destination"):
        write_corpus(Corpus((Document("a", "x"),)), tmp_path / "out", format)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["old.ann", "old.txt"]


@pytest.mark.parametrize("format", ["brat", "jsonl"])
def test_an_empty_destination_is_taken(tmp_path: Path, format: str) -> None:
    corpus = Corpus((Document("a", "x", (Entity(0, 1, "A"),)),))
    (tmp_path / "out").mkdir()
    write_corpus(corpus, tmp_path / "out", format)
    assert read_corpus(tmp_path / "out").corpus == corpus
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


LINES = "Rad ett.\nAna Ek kom.\nBor i Umeå nu.\n"
OF_LF = "T1\tNAME 9 15\tAna Ek\nT2\tPLACE 27 31\tUmeå\n"
OF_CRLF = "T1\tNAME 10 16\tAna Ek\nT2\tPLACE 29 33\tUmeå\n"


@pytest.mark.parametrize(
    ("text", "annotations"),
    [
        (LINES.replace("\n", "\r\n"), OF_LF),
        (LINES.replace("\n", "\r\n"), OF_LF.replace("\n", "\r\n")),
        (LINES, OF_CRLF),
    ],
)
def test_offsets_for_other_line_ends_are_converted_where_all_texts_fit(tmp_path: Path, text, annotations) -> None:
    put(tmp_path, "a", text, annotations)
    checked = check_corpus(tmp_path)
    assert not checked.problems
    (record,) = checked.records
    assert record.text == text
    assert [record.text[span.start : span.end] for span in record.spans] == ["Ana Ek", "Umeå"]
    assert checked.skipped == {"documents_with_offsets_for_other_line_ends": 1}
    with pytest.warns(UserWarning, match="converted 1 documents with offsets for other line ends"):
        load_corpus(tmp_path)


def test_an_entity_over_a_line_end_is_converted_whole(tmp_path: Path) -> None:
    text = LINES.replace("\n", "\r\n")
    put(tmp_path, "a", text, "T1\tNAME 9 20;21 24\tAna Ek kom. Bor\n")
    ((start, end, *_),) = check_corpus(tmp_path).records[0].spans
    assert text[start:end] == "Ana Ek kom.\r\nBor"


def test_other_line_ends_are_named_where_they_explain_only_some_entities(tmp_path: Path) -> None:
    put(tmp_path, "a", LINES.replace("\n", "\r\n"), "T1\tNAME 9 15\tAna Ek\nT2\tPLACE 20 24\tUmeå\n")
    assert faults(tmp_path) == [("text-mismatch", "a.ann", 1), ("text-mismatch", "a.ann", 2)]
    assert all("the line ends are CRLF" in each.message for each in check_corpus(tmp_path).problems)


def test_faults_that_line_ends_do_not_explain_stay_as_they_are(tmp_path: Path) -> None:
    put(tmp_path, "a", LINES, "T1\tNAME 9 15\tAna Ek\nT2\tPLACE 20 24\tUmeå\n")
    (problem,) = check_corpus(tmp_path).problems
    assert "CRLF" not in problem.message
