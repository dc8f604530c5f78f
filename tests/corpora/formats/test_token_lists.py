"""Tokens with tags: keys, schemes, texts, faults with their line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deidsynth.corpora import check_corpus, find_format, read_corpus
from deidsynth.corpora.formats import token_lists

TOKENS = ["Ana", "Ek", ",", "45"]
TAGS = ["B-NAME", "I-NAME", "O", "B-AGE"]


def put(path: Path, *values: object) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in values), encoding="utf-8")
    return path


def read(path: Path) -> list[tuple[str, str, list[tuple[str, str]]]]:
    loaded = read_corpus(path)
    assert loaded.format == "tokens"
    return [(each.doc_id, each.text, [(each.surface(e), e.label) for e in each.entities]) for each in loaded.corpus]


@pytest.mark.parametrize("key", ["ner_tags", "labels", "tags"])
@pytest.mark.parametrize("form", ["lines", "list"])
@pytest.mark.parametrize(
    "tags",
    [TAGS, ["NAME", "NAME", "O", "AGE"], ["B_NAME", "I_NAME", "O", "B_AGE"], ["B-NAME", "L-NAME", "O", "U-AGE"]],
    ids=["IOB2", "raw", "underscore", "BILOU"],
)
def test_every_key_and_scheme_is_found_and_read(tmp_path: Path, key: str, form: str, tags: list[str]) -> None:
    path = put(tmp_path / "x.jsonl", {"id": "a", "tokens": TOKENS, key: tags}, {"tokens": ["kom"], key: ["O"]})
    if form == "list":
        values = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        path = tmp_path / "x.json"
        path.write_text(json.dumps(values), encoding="utf-8")
    assert find_format(path) == "tokens"
    assert read(path) == [("a", "Ana Ek , 45", [("Ana Ek", "NAME"), ("45", "AGE")]), ("x-2", "kom", [])]


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"text": " Ana  Ek,\r\n45 "}, " Ana  Ek,\r\n45 "),
        ({"full_text": "Ana Ek,45"}, "Ana Ek,45"),
        ({"trailing_whitespace": [True, False, True, False]}, "Ana Ek, 45"),
        ({"text": "Eva Ek, 45"}, "Ana Ek , 45"),
    ],
    ids=["text", "full_text", "trailing_whitespace", "another text"],
)
def test_the_text_is_the_one_that_is_stated_if_the_tokens_are_in_it(
    tmp_path: Path, more: dict[str, object], text: str
) -> None:
    path = put(tmp_path / "x.jsonl", {"tokens": TOKENS, "labels": TAGS, **more})
    ((_, found, entities),) = read(path)
    assert found == text
    assert [(" ".join(surface.split()), label) for surface, label in entities] == [("Ana Ek", "NAME"), ("45", "AGE")]
    assert read_corpus(path).skipped == ({"texts_that_do_not_fit": 1} if "Eva" in str(more) else {})


def test_prefixes_without_labels_are_read_and_reported(tmp_path: Path) -> None:
    path = put(tmp_path / "x.jsonl", {"tokens": TOKENS, "tags": ["B", "I", "O", "B"]})
    assert read(path)[0][2] == [("Ana Ek", "ENTITY"), ("45", "ENTITY")]
    assert [(each.code, each.fatal) for each in check_corpus(path).problems] == [("tag-form", False)]


@pytest.mark.parametrize(
    ("value", "code", "message"),
    [
        (
            {"tokens": TOKENS, "ner_tags": [1, 2, 0, 3]},
            "numeric-label",
            "the names are elsewhere: in the features of a",
        ),
        ({"tokens": TOKENS, "ner_tags": TAGS[:3]}, "malformed", "one tag for each of the 4 tokens, but ner_tags has 3"),
        ({"tokens": TOKENS}, "malformed", "the object has no ner_tags, labels or tags"),
        ({"tokens": "Ana", "ner_tags": TAGS}, "malformed", "tokens must be a list of strings"),
        ({"tokens": TOKENS, "ner_tags": [None] * 4}, "malformed", "ner_tags must be a list of strings"),
        ({"tokens": ["Ana"], "ner_tags": ["NAME"]}, "tag", "a tag does not have the form of the others"),
        ({"tokens": ["Ana"], "ner_tags": ["O"], "id": 1.5}, "malformed", "the id must be a string or an integer"),
        (7, "malformed", "expected an object with tokens and ner_tags"),
    ],
)
def test_every_fault_has_its_line_and_reading_goes_on(tmp_path: Path, value: object, code: str, message: str) -> None:
    good = {"tokens": TOKENS, "ner_tags": TAGS}
    result = token_lists.read_records(put(tmp_path / "x.jsonl", good, value, good))
    (problem,) = result.problems
    assert (problem.code, problem.line) == (code, 2)
    assert message in problem.message and "Ana" not in problem.message
    assert [record.line for record in result.records] == [1, 3]


def test_numbers_of_labels_alone_are_refused_and_say_where_the_names_are(tmp_path: Path) -> None:
    path = put(tmp_path / "x.jsonl", {"id": 1, "tokens": TOKENS, "ner_tags": [1, 2, 0, 3]})
    assert find_format(path) == "tokens"
    (problem,) = check_corpus(path).problems
    assert "deidsynth.from_dataset" in problem.message and "dataset_infos.json" in problem.message


@pytest.mark.parametrize(
    "value",
    [
        {"text": "Ana", "labels": ["positive"]},
        {"tokens": [{"text": "Ana"}], "spans": [], "text": "Ana"},
        {"doc_id": "a", "text": "Ana", "entities": []},
        {"tokens": TOKENS, "label": "positive"},
    ],
)
def test_other_values_look_different(tmp_path: Path, value: object) -> None:
    assert not token_lists.sniff(put(tmp_path / "x.jsonl", value))
