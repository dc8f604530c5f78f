from __future__ import annotations

import json

import pytest

TEXT = "Åsa å Bo\r\n42 år"


@pytest.fixture
def corpus(write_jsonl, note):
    return write_jsonl(
        "in.jsonl", [note("a-1", TEXT, (0, 3, "NAME"), (6, 8, "NAME"), (10, 15, "AGE")), note("b-1", "x")]
    )


def test_describe_counts(deidsynth, corpus) -> None:
    result = deidsynth("corpus", "describe", corpus, "--json", "--group-by", "^(.)")
    assert result.exit_code == 0, result.stderr
    facts = json.loads(result.stdout)
    assert (facts["n_documents"], facts["n_entities"], facts["n_groups"]) == (2, 3, 2)
    assert facts["labels"]["NAME"] == {"count": 2, "median_chars": 2.5}
    assert facts["chars"]["max"] == len(TEXT)


def test_describe_table_names_labels_and_shows_no_text(deidsynth, corpus) -> None:
    result = deidsynth("corpus", "describe", corpus)
    assert result.exit_code == 0
    assert "NAME" in result.stdout
    assert "AGE" in result.stdout
    assert "Åsa" not in result.output


def test_convert_keeps_text_and_entities(deidsynth, corpus, tmp_path) -> None:
    copy = tmp_path / "copy.jsonl"
    result = deidsynth("corpus", "convert", corpus, copy, "--to", "jsonl")
    assert result.exit_code == 0
    assert "2 documents with 3 entities" in result.stderr
    first, second = ([json.loads(line) for line in path.read_bytes().splitlines()] for path in (corpus, copy))
    keys = ("doc_id", "text", "entities")
    assert [[each[key] for key in keys] for each in second] == [[each[key] for key in keys] for each in first]


def test_convert_to_brat_and_back(deidsynth, write_jsonl, note, tmp_path) -> None:
    corpus = write_jsonl("in.jsonl", [note("a-1", "Åsa å Bo\n42 år", (0, 3, "NAME"), (9, 14, "AGE")), note("b-1", "x")])
    brat, back = tmp_path / "brat", tmp_path / "back.jsonl"
    assert deidsynth("corpus", "convert", corpus, brat, "--to", "brat").exit_code == 0
    assert (brat / "a-1.txt").read_text(encoding="utf-8") == "Åsa å Bo\n42 år"
    assert "T1\tNAME 0 3\tÅsa" in (brat / "a-1.ann").read_text(encoding="utf-8")
    assert deidsynth("corpus", "convert", brat, back, "--to", "jsonl").exit_code == 0
    lines = {each["doc_id"]: each for each in map(json.loads, back.read_text(encoding="utf-8").splitlines())}
    assert lines["a-1"]["entities"] == [
        {"start": 0, "end": 3, "label": "NAME"},
        {"start": 9, "end": 14, "label": "AGE"},
    ]


def test_convert_refuses_to_overwrite(deidsynth, corpus) -> None:
    result = deidsynth("corpus", "convert", corpus, corpus, "--to", "jsonl")
    assert result.exit_code == 2
    assert "not empty" in result.stderr


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ('{"doc_id": "1", "text": "secret", "entities": [{"start": 0, "end": 99, "label": "X"}]}', "in.jsonl:1"),
        ('{"doc_id": "1", "text": "secret", "entities": [{"start": 0, "end": 4, "label": "X"}, '
         '{"start": 2, "end": 5, "label": "X"}]}', "overlap"),
        ('{"doc_id": "1", "text": "secret", "entities": []}', "none of the 1 documents has an entity"),
        ("", "no documents"),
        ("{", "not JSON"),
    ],
)  # fmt: skip
def test_run_says_what_is_wrong_with_a_corpus(deidsynth, tmp_path, lines, told) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text(lines + "\n" if lines else "", encoding="utf-8")
    result = deidsynth("run", "--corpus", path, "--language", "sv", "--output", tmp_path / "out")
    assert result.exit_code == 2
    assert told in result.stderr
    assert "Traceback" not in result.stderr
    assert "secret" not in result.stderr


def test_unknown_format_is_a_usage_error(deidsynth, corpus, tmp_path) -> None:
    assert deidsynth("corpus", "convert", corpus, tmp_path / "out", "--to", "word").exit_code == 2


def test_meddocan_layout_is_read(deidsynth, data_folder) -> None:
    result = deidsynth("corpus", "describe", data_folder / "meddocan", "--json", "--language", "es", "--from", "brat")
    if result.exit_code:
        pytest.fail(result.stderr[:500])
    assert json.loads(result.stdout)["n_documents"] == 750
