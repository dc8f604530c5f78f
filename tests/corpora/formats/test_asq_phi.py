"""ASQ-PHI: values are located, every fault has its line, and the public data set where it is at hand."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from deidsynth.corpora.formats import asq_phi
from deidsynth.corpora.records import Record, check_records

TEXT = "Ana Ek, 45, bor i Umeå."


def block(text: str, *tags: tuple[str, str] | str) -> str:
    lines = [
        each if isinstance(each, str) else json.dumps({"identifier_type": each[0], "value": each[1]}) for each in tags
    ]
    return "\n".join(["===QUERY===", text, "===PHI_TAGS===", *lines, "", ""])


def put(path: Path, *blocks: str) -> Path:
    path.write_bytes("".join(blocks).encode("utf-8"))
    return path


def located(tmp_path: Path, text: str, *values: str) -> list[tuple[int, int]]:
    result = asq_phi.read_records(put(tmp_path / "x.txt", block(text, *(("NAME", value) for value in values))))
    assert check_records(result.records) == []
    return [span[:2] for span in result.records[0].spans]


def test_blocks_are_documents(tmp_path: Path) -> None:
    path = put(tmp_path / "x.txt", block(TEXT, ("Name", "Ana Ek"), ("PLACE", "Umeå")), block("two\n\nlines"))
    result = asq_phi.read_records(path)
    assert asq_phi.sniff(path) and asq_phi.sniff(tmp_path) and not result.problems and not result.skipped
    first, second = result.records
    assert (first.doc_id, first.text, first.line) == ("x-1", TEXT, 1)
    assert [span[:5] for span in first.spans] == [(0, 6, "NAME", None, 4), (18, 22, "PLACE", None, 5)]
    assert (second.doc_id, second.text, second.line, second.spans) == ("x-2", "two\n\nlines", 7, ())


def test_line_ends_of_windows_and_a_byte_order_mark_do_no_harm(tmp_path: Path) -> None:
    content = "\ufeff" + block("one\nAna", ("NAME", "Ana")).replace("\n", "\r\n")
    result = asq_phi.read_records(put(tmp_path / "x.txt", content))
    assert asq_phi.sniff(tmp_path) and not result.problems
    assert (result.records[0].text, result.records[0].spans[0][:2]) == ("one\r\nAna", (5, 8))


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("Ek and Ana Ek", ["Ek", "Ana Ek"], [(0, 2), (7, 13)]),
        ("Ana Ek and Ek", ["Ek", "Ana Ek"], [(11, 13), (0, 6)]),
        ("Ek, Ek", ["Ek", "Ek"], [(0, 2), (4, 6)]),
        ("Ekman met Ek", ["Ek"], [(10, 12)]),
        ("Ekman", ["Ek"], [(0, 2)]),
        ("\U0001f600e\u0301 Ek", ["Ek"], [(4, 6)]),
        ("aaa", ["aa"], [(0, 2)]),
    ],
)
def test_the_longest_value_takes_the_first_free_place(tmp_path: Path, text: str, values, expected) -> None:
    assert located(tmp_path, text, *values) == expected


def test_a_value_that_is_not_there_is_told_but_not_fatal(tmp_path: Path) -> None:
    path = put(tmp_path / "x.txt", block(TEXT, ("NAME", "Ana Ek"), ("NAME", "Ana"), ("NAME", "ana")))
    result = asq_phi.read_records(path)
    assert [(each.code, each.line, each.fatal) for each in result.problems] == [
        ("value-not-found", 5, False),
        ("value-not-found", 6, False),
    ]
    assert len(result.records[0].spans) == 1
    assert not [each for each in result.problems if "ana" in each.message.lower()]


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (block(TEXT, "Ana"), 4, "expected a JSON object with identifier_type and value"),
        (block(TEXT, "[1]"), 4, "expected a JSON object with identifier_type and value"),
        (block(TEXT, "[" * 100_000), 4, "expected a JSON object with identifier_type and value"),
        (block(TEXT, '{"value": "Ana"}'), 4, "identifier_type must be a string; add it"),
        (block(TEXT, '{"value": 45, "identifier_type": "AGE"}'), 4, "value must be a string; put it in quotes"),
        (block(TEXT, ("NAME", "")), 4, "value must not be empty"),
        ("\nAna\nEk\n" + block(TEXT), 2, "there is text before the first ===QUERY==="),
        (f"===QUERY===\n{TEXT}\n", 1, "===PHI_TAGS=== is missing after the text"),
    ],
)
def test_every_fault_has_its_line(tmp_path: Path, content: str, line: int, message: str) -> None:
    result = asq_phi.read_records(put(tmp_path / "x.txt", content, block("last")))
    (problem,) = result.problems
    assert (problem.code, problem.line, problem.fatal) == ("malformed", line, True)
    assert message in problem.message and "Ana" not in problem.message
    assert result.records[-1].text == "last"


def test_bytes_that_are_not_utf8_have_their_line(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_bytes(b"===QUERY===\n\xff\n===PHI_TAGS===\n")
    (problem,) = asq_phi.read_records(tmp_path / "x.txt").problems
    assert (problem.code, problem.line) == ("encoding", 2)
    assert not asq_phi.sniff(tmp_path)


@pytest.mark.parametrize("content", ["", TEXT, "===QUERY===\nx\n", "===PHI_TAGS===\n===QUERY===\n"])
def test_other_text_looks_different(tmp_path: Path, content: str) -> None:
    assert not asq_phi.sniff(put(tmp_path / "x.txt", content))
    assert not asq_phi.sniff(tmp_path)
    assert asq_phi.sniff(put(tmp_path / "x.dat", block(TEXT))) is False


def test_names_of_files_tell_parts_and_other_files_are_counted(tmp_path: Path) -> None:
    put(tmp_path / "train.txt", block(TEXT))
    put(tmp_path / "test.txt", block(TEXT))
    put(tmp_path / "README.txt", TEXT)
    result = asq_phi.read_records(tmp_path)
    assert {record.doc_id: record.split for record in result.records} == {"train-1": "train", "test-1": "test"}
    assert result.skipped == {"other_files": 1}


@settings(max_examples=60)
@given(
    st.text("aA \u0301\U0001f600é.", max_size=20), st.lists(st.text("aA \u0301\U0001f600é.", min_size=1), max_size=5)
)
def test_located_values_never_overlap(tmp_path_factory: pytest.TempPathFactory, text: str, values: list[str]) -> None:
    path = tmp_path_factory.mktemp("asq") / "x.txt"
    result = asq_phi.read_records(put(path, block(text, *(("NAME", value) for value in values))))
    assert check_records(result.records) == []
    (record,) = result.records
    assert len(record.spans) + len(result.problems) == len(values)
    found = Counter(_surfaces(record))
    assert found <= Counter(values) and record.text == text


def _surfaces(record: Record) -> list[str]:
    return [record.text[span.start : span.end] for span in record.spans]


def test_the_public_data_set(data_folder: Path) -> None:
    path = data_folder / "en_asq_phi"
    if not path.is_dir():
        pytest.skip(f"no data set at {path}")
    result = asq_phi.read_records(path)
    assert asq_phi.sniff(path) and check_records(result.records) == []
    n_found, n_lost = sum(len(record.spans) for record in result.records), len(result.problems)
    assert len(result.records) == 1051 and n_found + n_lost == 2973
    assert {problem.code for problem in result.problems} <= {"value-not-found"}
    assert n_found >= 0.99 * 2973
