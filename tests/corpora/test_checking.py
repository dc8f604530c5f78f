"""Doubts about a corpus that can be read."""

from __future__ import annotations

import re

import pytest

from deidsynth.corpora import Record, find_unannotated, find_warnings
from deidsynth.corpora.records import RawSpan
from deidsynth.documents import Split

WORDS = [f"ord{n}" for n in range(60)]


def record(doc_id: str, text: str, *spans: RawSpan, group: str | None = None, split: Split | None = None) -> Record:
    return Record(doc_id, text, spans, f"{doc_id}.ann", None, group, split)


def codes(*records: Record, labels: set[str] | None = None) -> list[tuple[str, str, int | None]]:
    return [(problem.path, problem.code, problem.line) for problem in find_warnings(records, labels)]


@pytest.mark.parametrize(
    ("span", "code"),
    [
        ((0, 4), "blanks"),
        ((3, 6), "blanks"),
        ((0, 2), "inside-word"),
        ((5, 6), "inside-word"),
        ((0, 3), None),
        ((4, 6), None),
    ],
)
def test_boundaries(span: tuple[int, int], code: str | None) -> None:
    found = codes(record("a", "Ana Ek, 45", RawSpan(*span, "NAME", line=7)))
    assert found == ([("a.ann", code, 7)] if code else [])


def test_labels_that_are_not_expected() -> None:
    note = record("a", "Ana Ek", RawSpan(0, 3, "NAME", line=1), RawSpan(4, 6, "NAMN", line=2))
    assert codes(note, labels={"NAME"}) == [("a.ann", "unknown-label", 2)]
    assert "has the unexpected label NAMN" in find_warnings([note], {"NAME"})[0].message
    assert codes(note) == []


@pytest.mark.parametrize(("n_labels", "times"), [(11, 1), (101, 3)])
def test_tokens_in_place_of_labels_are_told_once_and_never_shown(n_labels: int, times: int) -> None:
    text = "Ana " * n_labels * times
    spans = [RawSpan(4 * n, 4 * n + 3, f"Namn{n % n_labels}", line=n + 3) for n in range(n_labels * times)]
    (problem,) = find_warnings([record("a", text, *spans)], {"NAME"})
    assert (problem.code, problem.line, problem.fatal) == ("too-many-labels", 3, False)
    assert f"{n_labels} distinct labels for {n_labels * times} entities" in problem.message
    assert "Namn" not in problem.message
    assert codes(record("a", text, *spans), labels={span.label for span in spans}) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Ana\ufffd", "encoding"),
        ("Ana\x07", "encoding"),
        ("L\u00c3\u00b6f", "encoding"),
        ("Ana\ufeff Ek", "encoding"),
        ("A\u030asa", "not-nfc"),
        ("L\u00f6f \u00c5sa\r\n\t\f", None),
    ],
    ids=["replacement", "control", "mojibake", "byte order mark", "decomposed", "clean"],
)
def test_damaged_characters(text: str, code: str | None) -> None:
    assert codes(record("a", text)) == ([("a.ann", code, None)] if code else [])


def test_damaged_characters_are_told_where_the_text_stands() -> None:
    note = Record("a", "\ufeffAna\nEk\ufffd", (), "a.ann", text_path="a.txt")
    assert codes(note) == [("a.txt", "encoding", 2), ("a.txt", "encoding", 1)]


def test_documents_that_stand_twice() -> None:
    text, other = " ".join(WORDS), " ".join(WORDS[30:] + WORDS[:30])
    assert codes(record("a", text), record("b", text)) == [("b.ann", "duplicate", None)]
    assert codes(record("a", text, split="train"), record("b", text, split="test")) == [
        ("b.ann", "duplicate-across-splits", None)
    ]
    assert codes(record("a", text), record("b", other)) == [("b.ann", "near-duplicate", None)]
    assert codes(record("a", text, group="p"), record("b", text, group="p")) == []
    assert codes(record("a", " "), record("b", " ")) == []


def pairs(*records: Record) -> list[tuple[str, str, str]]:
    """The document that is told, the one it repeats, and the code."""
    found = [(problem, re.search(r"(\w+)\.ann", problem.message)) for problem in find_warnings(records)]
    return [(problem.path.removesuffix(".ann"), match[1], problem.code) for problem, match in found if match]


def test_a_repeat_in_another_part_is_told_beside_a_nearer_one_in_the_same() -> None:
    leaked, rest = " ".join(WORDS), " ".join(f"eget{n}" for n in range(200))
    notes = [
        record("t", leaked, split="train"),
        record("v1", f"slut {rest} {leaked[:150]}", split="validation"),
        record("v2", f"{leaked} {rest}", split="validation"),
    ]
    assert pairs(*notes) == [("v2", "t", "near-duplicate-across-splits"), ("v2", "v1", "near-duplicate")]
    assert pairs(*notes[::-1]) == [("v1", "v2", "near-duplicate"), ("t", "v2", "near-duplicate-across-splits")]


@pytest.mark.parametrize("own", ["", " " + " ".join(f"eget{n}" for n in range(9))], ids=["same", "near"])
def test_copies_in_three_parts_are_told_of_every_two(own: str) -> None:
    text, code = " ".join(WORDS), "near-duplicate-across-splits" if own else "duplicate-across-splits"
    notes = [
        record("d", text, split="validation"),
        record("t", own + text, split="test"),
        record("r", text + own, split="train"),
    ]
    assert pairs(*notes) == [("t", "d", code), ("r", "d", code), ("r", "t", code)]
    assert pairs(*notes, record("r2", text + own, split="train"))[3:] == [
        ("r2", "d", code),
        ("r2", "t", code),
        ("r2", "r", "duplicate"),
    ]


def test_notes_of_one_patient_do_not_hide_those_of_another() -> None:
    text = " ".join(WORDS)
    notes = [record("a", f"{text[:-40]} slut", group="p"), record("b", text, group="q"), record("c", text, group="q")]
    assert pairs(*notes) == [("b", "a", "near-duplicate"), ("c", "a", "near-duplicate")]


def test_short_texts_are_near_where_all_words_are_the_same() -> None:
    notes = [
        record("a", "Ana Ek bor i Lund.", split="train"),
        record("b", "- Ana Ek, bor i\nLund", split="test"),
        record("c", "Ana Ek bor i Kiruna.", split="test"),
    ]
    assert pairs(*notes) == [("b", "a", "near-duplicate-across-splits")]
    assert pairs(record("a", "Ana bor i Lund."), record("b", "Ana bor i Lund")) == []


def test_a_template_does_not_make_documents_alike() -> None:
    template = " ".join(WORDS)
    notes = [record(f"n{n}", f"{template} " + " ".join(f"eget{n}x{k}" for k in range(20))) for n in range(15)]
    assert codes(*notes) == []
    assert {code for _, code, _ in codes(*notes[:5])} == {"near-duplicate"}


def test_a_group_in_two_parts_is_told_once() -> None:
    notes = [
        record("a", "ett", group="p", split="train"),
        record("b", "tva", group="p", split="test"),
        record("c", "tre", group="p", split="test"),
        record("d", "fyra", group="q", split="test"),
    ]
    assert codes(*notes) == [("b.ann", "shared-group-across-splits", None)]
    assert len(codes(*notes, record("e", "fem", group="p", split="validation"))) == 3


def test_no_message_holds_text() -> None:
    text = "Ana Ek " + " ".join(WORDS)
    found = find_warnings([record("a", text, RawSpan(0, 2, "NAME")), record("b", text + " slut")], set())
    assert found
    assert not [each for each in found if "Ana" in each.message or "ord1" in each.message]


def told(*records: Record) -> list[tuple[str, str]]:
    found = [
        (problem, re.search(r"none of the documents (of [\w ]+) has", problem.message))
        for problem in find_unannotated(records)
    ]
    assert all(problem.code == "no-entities" and not problem.fatal for problem, _ in found)
    return [(problem.path, match[1]) for problem, match in found if match]


def test_a_corpus_without_any_entity_is_reported() -> None:
    assert told(record("a", "Ana"), record("b", "Bo")) == [("a.ann", "of the corpus")]
    assert told(record("a", "Ana"), record("b", "Bo", RawSpan(0, 2, "NAME"))) == []
    assert told() == []


def test_a_split_or_a_large_file_without_any_entity_is_reported() -> None:
    notes = [record("a", "Bo", RawSpan(0, 2, "NAME"), split="train"), record("b", "Ana", split="test")]
    assert told(*notes) == [("b.ann", "of test")]
    inside = [Record(f"x{n}", "Ana", (), "x.jsonl", n) for n in range(10)]
    assert told(notes[0], *inside) == [("x.jsonl", "of the file")]
    assert told(notes[0], *inside[:9]) == []


def test_texts_that_are_still_to_be_annotated_need_no_entities() -> None:
    synthetic = Record("a", "Ana", (), "a.jsonl", 1, origin="synthetic", annotation="silver")
    assert told(synthetic, Record("b", "Ana", (), "b.csv", 2, holds_entities=False)) == []


def test_a_link_in_place_of_a_text_is_reported() -> None:
    assert codes(record("a", " https://example.org/a.txt\n"), record("b", "see https://example.org")) == [
        ("a.ann", "link", None)
    ]


def test_labels_that_are_numbers_in_quotes_are_told_once() -> None:
    spans = (RawSpan(0, 4, "3"), RawSpan(5, 9, "3"), RawSpan(10, 14, "NAME"))
    assert codes(record("a", "Anna Anna Anna", *spans)) == [("a.ann", "numeric-label", None)]
    assert codes(record("a", "Anna Anna Anna", *spans), labels={"3", "NAME"}) == []


@pytest.mark.parametrize("path", [r"C:\notes\0.txt", r"C:\My notes\0.txt", r"\\server\share\x.txt", "D:/notes/x.TXT\n"])
def test_a_path_of_windows_is_a_link(path: str) -> None:
    assert codes(record("a", path)) == [("a.ann", "link", None)]


@pytest.mark.parametrize("text", ["P:/72", r"Anna: se D:\x.txt", r"T:\ 37.5, P: 72", "C: 0.5"])
def test_other_short_texts_are_no_link(text: str) -> None:
    assert codes(record("a", text)) == []
