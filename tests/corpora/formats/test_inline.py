"""Entities that stand in the text: both styles, every fault, what is written."""

from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from deidsynth.config import InlineLayout
from deidsynth.corpora.formats import inline
from deidsynth.corpora.formats.inline import Style, find_style, parse, render
from deidsynth.corpora.records import build_corpus, check_records
from deidsynth.documents import Corpus, Document, Entity
from deidsynth.errors import UnrepresentableError

FOUND = InlineLayout()
TAGS, BRACKETS = InlineLayout(style="tags"), InlineLayout(style="brackets")


def put(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def load(path: Path, layout: InlineLayout) -> Corpus:
    result = inline.read_records(path, layout)
    result.problems += check_records(result.records)
    assert not result.skipped
    return build_corpus(result)


def keys(text: str, style: Style) -> tuple[str, list[tuple[int, int, str]]]:
    plain, spans, problems = parse(text, style)
    assert problems == []
    return plain, [span[:3] for span in spans]


def test_tags_are_taken_out() -> None:
    plain, spans, problems = parse("Dr <N>Ana</N>\r\n<First_Name>Bo</First_Name><A.b-1>\U0001f600\n</A.b-1 >.", "tags")
    assert (plain, problems) == ("Dr Ana\r\nBo\U0001f600\n.", [])
    assert [(*span[:3], span.line) for span in spans] == [
        (3, 6, "N", 1),
        (8, 10, "First_Name", 2),
        (10, 12, "A.b-1", 2),
    ]


@pytest.mark.parametrize(
    "tag",
    [
        '<PHI TYPE="DOCTOR">',
        "<PHI type='DOCTOR'>",
        '<PHI id="P1" Type = "DOCTOR"\n>',
        '<PHI TYPE="DOCTOR" subtype="x">',
        "<DOCTOR x:y='' type=\"\">",
    ],
)
def test_the_attribute_type_is_the_label(tag: str) -> None:
    assert keys(f"{tag}Ana</{tag[1:7].split()[0]}>", "tags") == ("Ana", [(0, 3, "DOCTOR")])


@pytest.mark.parametrize(
    "text",
    [
        "a < b > c",
        "p<0.05",
        "<3>",
        "</>",
        "< A>",
        "<A/>",
        "<A b>",
        "<A b=c>",
        "<é>",
        "<A b='<'>",
        "&lt;A&gt;",
        "<A",
        "<!-- -->",
    ],
)
def test_anything_else_with_an_angle_is_text(text: str) -> None:
    assert keys(text, "tags") == (text, [])


def test_tags_beside_angles_that_are_text() -> None:
    assert keys("<<A>x</A>> <A <B>y</B>", "tags") == ("<x> <A y", [(1, 2, "A"), (7, 8, "B")])


def test_brackets_are_taken_out() -> None:
    plain, spans, problems = parse("M. [Anna Ek](PRENOM)\n[[75](DEPT) [a](b c) [](A)[x](B)", "brackets")
    assert (plain, problems) == ("M. Anna Ek\n[75 [a](b c) x", [])
    assert [(*span[:3], span.line) for span in spans] == [
        (3, 10, "PRENOM", 1),
        (12, 14, "DEPT", 2),
        (24, 24, "A", 2),
        (24, 25, "B", 2),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "[a]",
        "[a] (B)",
        "[sic] (see fig)",
        "[a](b c)",
        "[a](http://b)",
        "[a](http://b",
        "[a](f(x",
        "[a](1)",
        "[a](1",
        "[a\n](1)",
        "[[a]](b c)",
        "[a (B)",
        "a] (B)",
        "a]()",
    ],
)
def test_anything_else_with_brackets_is_text(text: str) -> None:
    assert keys(text, "brackets") == (text, [])


@pytest.mark.parametrize(
    ("text", "expected", "plain", "kept"),
    [
        ("x\n<A>y", [(2, "unbalanced-tag")], "x\ny", []),
        ("x\ny</A>\n", [(2, "stray-tag")], "x\ny\n", []),
        ("<A>x</a>", [(1, "unbalanced-tag"), (1, "stray-tag")], "x", []),
        ("<A>x\n<B>y</B></A>", [(2, "nested-tag")], "x\ny", ["A"]),
        ("<A>x\n<B>y</A>z</B>", [(2, "nested-tag")], "x\nyz", ["A"]),
        ("<A>\n<A>y</A></A>", [(2, "nested-tag")], "\ny", ["A"]),
        ("<A><B>y</B></A><C>z</C>", [(1, "nested-tag")], "yz", ["A", "C"]),
        ("<A>x\n<B>y</B>", [(1, "unbalanced-tag")], "x\ny", ["B"]),
        ("</A><A>", [(1, "stray-tag"), (1, "unbalanced-tag")], "", []),
    ],
)
def test_every_fault_of_tags_has_its_line(text: str, expected, plain: str, kept: list[str]) -> None:
    found, spans, problems = parse(text, "tags")
    assert sorted((line, code) for line, code, _ in problems) == sorted(expected)
    assert all("; " in message for _, _, message in problems)
    assert (found, [span.label for span in spans]) == (plain, kept)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x\n[a](B kom", [(2, "unbalanced-tag")]),
        ("[a](B [c](D)", [(1, "unbalanced-tag")]),
        ("[a](B\nc)", [(1, "unbalanced-tag")]),
        ("x\r\na](B)", [(2, "stray-tag")]),
        ("[a\n](B)", [(2, "stray-tag")]),
        ("[a\r](B)", [(1, "stray-tag")]),
        ("[a]b](B)", [(1, "stray-tag")]),
        ("[a[b]](C)", [(1, "nested-tag")]),
        ("[a [b](C) d](E)", [(1, "nested-tag")]),
        ("[a]()", [(1, "label")]),
    ],
)
def test_every_fault_of_brackets_has_its_line(text: str, expected: list[tuple[int, str]]) -> None:
    problems = parse(text, "brackets")[2]
    assert [(line, code) for line, code, _ in problems] == expected
    assert all("; " in message for _, _, message in problems)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n  ", " \n"])
def test_entities_go_over_line_ends(end: str) -> None:
    address = f"Storgatan 2{end}222 22 Lund"
    expected = (f"Bor {address}.", [(4, 4 + len(address), "ADDRESS")])
    assert keys(f"Bor [{address}](ADDRESS).", "brackets") == expected
    assert keys(f"Bor <ADDRESS>{address}</ADDRESS>.", "tags") == expected
    document = Document("a", expected[0], (Entity(4, 4 + len(address), "ADDRESS"),))
    assert keys(render(document, "brackets"), "brackets") == expected


@pytest.mark.parametrize("text", ["[a\n\nb](B)", "[a\n \nb](B)", "[a\nb\nc\nd\ne\nf](B)"])
def test_an_open_bracket_does_not_reach_over_paragraphs(text: str) -> None:
    plain, spans, problems = parse(text, "brackets")
    assert (plain, spans, [code for _, code, _ in problems]) == (text, [], ["stray-tag"])


def test_faults_become_problems_and_reading_goes_on(tmp_path: Path) -> None:
    put(tmp_path / "a.txt", "ok\n<Ana>")
    put(tmp_path / "b.txt", b"\n\xff")
    put(tmp_path / "c.txt", "<A>x</A><B></B>")
    result = inline.read_records(tmp_path, FOUND)
    assert [(each.code, Path(each.path).name, each.line) for each in result.problems] == [
        ("encoding", "b.txt", 2),
        ("unbalanced-tag", "a.txt", 2),
    ]
    assert "Ana" not in str(result.problems)
    assert [record.doc_id for record in result.records] == ["a", "c"]
    assert [each.code for each in check_records(result.records)] == ["empty-entity"]


def test_an_absent_file_is_a_problem(tmp_path: Path) -> None:
    assert [each.code for each in inline.read_records(tmp_path / "a.txt", FOUND).problems] == ["unreadable"]


def test_one_style_is_found_for_all_files(tmp_path: Path) -> None:
    put(tmp_path / "a.txt", "<b>x</b>")
    put(tmp_path / "b.txt", "[x](A) [y](A)")
    texts = [record.text for record in inline.read_records(tmp_path, FOUND).records]
    assert texts == ["<b>x</b>", "x y"]
    assert [record.text for record in inline.read_records(tmp_path, TAGS).records] == ["x", "[x](A) [y](A)"]
    assert [record.text for record in inline.read_records(tmp_path, BRACKETS).records] == ["<b>x</b>", "x y"]
    assert find_style(["<b>x</b>", "[x](A)"]) == find_style([]) == "tags"


def test_folders_named_after_parts_are_read_alone(tmp_path: Path) -> None:
    for name in ("train/inline/a", "train/other/b", "Dev/c", "scored/d", "e"):
        put(tmp_path / f"{name}.txt", "<A>x</A>")
    (tmp_path / "Dev" / "deidsynth.json").write_text('{"origin": "synthetic", "annotation": "silver"}')
    result = inline.read_records(tmp_path, FOUND)
    assert [(record.doc_id, record.split, record.origin, record.annotation) for record in result.records] == [
        ("c", "validation", "synthetic", "silver"),
        ("a", "train", None, None),
    ]
    assert result.skipped == {"files_outside_splits": 2}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a <A>x</A>", True),
        ("a [x](A)", True),
        ("å" * 4095 + "." + "<A>x</A>" + "å" * 9000, True),
        ("." + "å" * 2_000_000 + "[x](A)", True),
        ("." + "<A>x</A>" + "å" * 9000, True),
        ("<A>x", False),
        ("x</A> <A>", False),
        ("a < b [c]", False),
        ("", False),
        (b"<A>x</A>\xff.", False),
    ],
)
def test_sniffing_finds_an_entity_anywhere(tmp_path: Path, content: str | bytes, expected: bool) -> None:
    put(tmp_path / "0.txt", "")
    path = put(tmp_path / "a.txt", content)
    assert (inline.sniff(path), inline.sniff(tmp_path)) == (expected, expected)


def test_sniffing_leaves_other_formats_alone(tmp_path: Path) -> None:
    assert not inline.sniff(tmp_path)
    assert not inline.sniff(tmp_path / "absent.txt")
    assert not inline.sniff(put(tmp_path / "a.xml", "<A>x</A>"))
    path = put(tmp_path / "a.txt", "<A>x</A>")
    put(tmp_path / "a.ann", "")
    assert not inline.sniff(path)
    assert not inline.sniff(tmp_path)


def test_what_is_written(tmp_path: Path) -> None:
    document = Document("d", "Dr Ek.\r\n", (Entity(3, 5, "NAME", 0.5),), "g")
    corpus = Corpus((document, Document("e", "")))
    assert render(document, "tags") == "Dr <NAME>Ek</NAME>.\r\n"
    assert inline.write(corpus, tmp_path / "t", {"d": "train", "e": "test"}, FOUND) == {"scores": 1, "groups": 1}
    assert (tmp_path / "t" / "train" / "d.txt").read_bytes() == b"Dr <NAME>Ek</NAME>.\r\n"
    assert (tmp_path / "t" / "test" / "e.txt").read_bytes() == b""
    inline.write(corpus, tmp_path / "b", None, BRACKETS)
    assert (tmp_path / "b" / "d.txt").read_bytes() == b"Dr [Ek](NAME).\r\n"


@pytest.mark.parametrize(
    ("layout", "text", "label", "message"),
    [
        (TAGS, "Ana", "Ärende", "label cannot be a tag"),
        (BRACKETS, "Ana", "A)B", "label cannot be a tag"),
        (TAGS, "Ana <b>", "A", "read as inline tags"),
        (TAGS, "Ana </A>", "A", "read as inline tags"),
        (TAGS, "Ana <i>x</i>", "A", "read as inline tags"),
        (FOUND, "Ana [x](y)", "A", "looks like an entity in brackets"),
        (BRACKETS, "Ana [x](y)", "A", "read as inline brackets"),
        (BRACKETS, "[Ana", "A", "a bracket or a line break inside"),
        (BRACKETS, "\nAna", "A", "a bracket or a line break inside"),
    ],
)
def test_what_would_not_be_read_back_is_refused(tmp_path: Path, layout: InlineLayout, text, label, message) -> None:
    corpus = Corpus((Document("fine", "x"), Document("a", text, (Entity(0, 3, label),))))
    with pytest.raises(UnrepresentableError, match=rf"document number 2 .*{message}") as caught:
        inline.write(corpus, tmp_path / "out", None, layout)
    assert "Ana" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_named_style_leaves_the_other_alone(tmp_path: Path) -> None:
    for layout, text in ((TAGS, "[x](y)"), (BRACKETS, "<b>x</b>")):
        corpus = Corpus((Document("a", text),))
        inline.write(corpus, tmp_path / str(layout.style), None, layout)
        assert load(tmp_path / str(layout.style), layout) == corpus


CHARACTERS = st.sampled_from(list('aé\U0001f600\u0301שם\t\r\n\u2028\ufeff <>/[]()="A')) | st.characters(
    exclude_categories=["Cs"]
)
PIECES = st.lists(st.sampled_from(["a\r\n", "<A>", "</A>", "<", ">", "[", "](A)", "]", "(B)", "\t", "é"])).map("".join)


@st.composite
def corpora(draw: st.DrawFn) -> Corpus:
    made = []
    for doc_id in ("a", "ö.x"):
        text = draw(st.text(CHARACTERS, max_size=30) | PIECES).lstrip("\ufeff")  # which is no text
        cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
        kept = [(start, end) for start, end in pairwise(cuts) if draw(st.booleans())]
        made.append(
            Document(doc_id, text, tuple(Entity(*span, draw(st.sampled_from(["A", "b-é.2"]))) for span in kept))
        )
    return Corpus(tuple(made), draw(st.sampled_from(["real", "invented"])), draw(st.sampled_from(["gold", "silver"])))


@settings(max_examples=60)
@given(corpora(), st.sampled_from([FOUND, TAGS, BRACKETS]))
def test_what_is_written_is_read_back(corpus: Corpus, layout: InlineLayout) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            assert not inline.write(corpus, Path(folder) / "out", None, layout)
        except UnrepresentableError:
            assert any(set("<[\r\n]") & set(document.text) for document in corpus)
            return
        assert load(Path(folder) / "out", layout) == corpus


@settings(max_examples=60)
@given(st.text(CHARACTERS, max_size=40) | PIECES, st.sampled_from(["tags", "brackets"]))
def test_any_text_is_parsed_into_sound_spans(text: str, style: Style) -> None:
    plain, spans, _ = parse(text, style)
    assert all(0 <= span.start <= span.end <= len(plain) for span in spans)
    assert all(left.end <= right.start for left, right in pairwise(spans))


def test_words_in_angle_brackets_are_tags_only_if_they_are_closed() -> None:
    text, spans, problems = parse("<see the note> <Last Name>Ek</Last Name> 1 < 2 and 3 > 2 <b c", "tags")
    assert (text, [span.label for span in spans], problems) == (
        "<see the note> Ek 1 < 2 and 3 > 2 <b c",
        ["Last Name"],
        [],
    )
    assert [code for _, code, _ in parse("Ek</Last Name>", "tags")[2]] == ["stray-tag"]
    assert [code for _, code, _ in parse("<A B>x</A B><A B>y", "tags")[2]] == ["unbalanced-tag"]
    assert parse("<Ek <i am> here>", "tags") == ("<Ek <i am> here>", [], [])


def test_words_after_brackets_are_a_label_only_with_capital_letters() -> None:
    text, spans, problems = parse("[Ek](Last Name) [sic](as it was)", "brackets")
    assert (text, [span.label for span in spans], problems) == ("Ek [sic](as it was)", ["Last Name"], [])
