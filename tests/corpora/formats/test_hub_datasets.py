"""Data sets: spans, tokens, splits, every fault with its row, there and back."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from deidsynth.config import TableLayout
from deidsynth.corpora.formats.hub_datasets import from_dataset, read_dataset, to_dataset
from deidsynth.documents import Corpus, Document, Entity
from deidsynth.errors import CorpusError, MissingExtraError, UnrepresentableError

SECRET = "Ana Ek bor"
NAME = [{"start": 0, "end": 6, "label": "NAME"}]
CORPUS = Corpus(
    (
        Document("a", "\U0001f600 Ana\r\n", (Entity(2, 5, "NAME", 0.5),), "g"),
        Document("b", "x", (Entity(0, 1, "A"),)),
        Document("c", ""),
    ),
    origin="invented",
)


class Rows(list[dict[str, Any]]):
    """Rows with features, as the library has them."""

    def __init__(self, rows: list[dict[str, Any]], features: dict[str, Any]) -> None:
        super().__init__(rows)
        self.features = features


@pytest.mark.parametrize(
    "row",
    [
        {"text": SECRET, "entities": NAME},
        {"text": SECRET, "entities": {"start": [0], "end": [6], "label": ["NAME"]}},
        {"text": SECRET, "label": [[0, 6, "NAME"]]},
        {"text": SECRET, "entities": '[{"start": 0, "end": 6, "label": "NAME"}]'},
        {"text": SECRET, "spans": NAME, "id": 1},
        {"text": SECRET, "labels": [{"start_offset": 0, "end_offset": 6, "label": "NAME"}]},
        {"tokens": ["Ana", "Ek", "bor"], "ner_tags": ["B-NAME", "I-NAME", "O"]},
        {"text": "?", "tokens": ["Ana", "Ek", "bor"], "ner_tags": ["I-NAME", "E-NAME", "O"]},
    ],
)
def test_every_shape_gives_the_same(row: dict[str, Any]) -> None:
    loaded = read_dataset([row], language="SV", origin="invented")
    assert loaded.corpus == Corpus((Document("1", SECRET, (Entity(0, 6, "NAME"),)),), "invented", "gold", "sv")


def test_numbers_get_the_names_of_their_class_label() -> None:
    names = SimpleNamespace(names=["O", "B-NAME", "I-NAME"])
    rows = [{"words": ["\U0001f600", "Ana", "Ek"], "tags": [1, 1, 2]}]
    for feature in ([names], SimpleNamespace(feature=names)):
        loaded = read_dataset(Rows(rows, {"tags": feature}), tokens="words", tags="tags")
        assert [entity.key for entity in loaded.corpus[0].entities] == [(0, 1, "NAME"), (2, 8, "NAME")]
    spans = Rows([{"text": "x", "entities": [{"start": 0, "end": 1, "label": 1}]}], {})
    spans.features = {"entities": [{"label": SimpleNamespace(names=["A", "B"])}]}
    assert read_dataset(spans).corpus[0].entities == (Entity(0, 1, "B"),)


def test_splits_are_parts_and_others_are_left_out() -> None:
    rows = [{"text": "x", "label": 3, "ward": "y"}]
    loaded = read_dataset({"train": rows, "validation": rows, "unlabelled": rows})
    assert loaded.splits == {"train-1": "train", "validation-1": "validation"}
    assert loaded.skipped == {"entries_outside_splits": 1, "columns": 4}
    assert loaded.format == "dataset"
    assert [(each.code, each.message) for each in loaded.problems] == [
        (
            "no-entity-column",
            f"row 1 of {name}: no entity column found, and these columns are ignored: label, ward; if one of them "
            "contains the entities, name it: layout=TableLayout(entities=NAME)",
        )
        for name in ("train", "validation")
    ]


def test_ids_that_repeat_from_split_to_split_are_not_taken() -> None:
    rows = [{"text": "x", "id": 0}, {"text": "y", "id": 1}]
    assert [each.doc_id for each in read_dataset({"train": rows}).corpus] == ["0", "1"]
    loaded = read_dataset({"train": rows, "test": rows})
    assert [each.doc_id for each in loaded.corpus] == ["train-1", "train-2", "test-1", "test-2"]
    assert loaded.skipped == {"ids_that_are_not_unique": 4}


def test_layout_names_the_columns() -> None:
    layout = TableLayout(text="note", doc_id="id", entities="phi", group="patient", split="fold")
    loaded = read_dataset([{"note": SECRET, "id": 7, "phi": NAME, "patient": 3, "fold": "test"}], layout=layout)
    assert loaded.corpus[0] == Document("7", SECRET, (Entity(0, 6, "NAME"),), "3")
    assert loaded.splits == {"7": "test"}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": None, "entities": []}, "row 2 of train: the text must be a string"),
        ({"text": "x", "entities": "Ana"}, "row 2 of train: the entities are not JSON"),
        ({"text": "x", "entities": 7}, "row 2 of train: the entities must be a list"),
        ({"text": "x", "entities": NAME}, "row 2 of train: entity 0:6 is out of bounds"),
        (
            {"text": "x", "entities": [], "doc_id": "a"},
            "row 2 of train: duplicate id, first seen in row 1 of train",
        ),
        ({"text": "x", "entities": [], "split": "?"}, "row 2 of train: the split must be one of"),
        ({"tokens": "Ana", "ner_tags": []}, "row 2 of train: the tokens must be a list of strings"),
        ({"tokens": ["Ana"], "ner_tags": []}, "row 2 of train: there must be one tag for each of the 1 tokens"),
        ({"tokens": ["Ana"], "ner_tags": [1]}, "row 2 of train: the tags are integers without names"),
        ({"tokens": ["Ana"], "ner_tags": ["Ana"]}, "row 2 of train: a tag must be O, or a label after a prefix"),
    ],
)
def test_every_fault_names_its_row(row: dict[str, Any], message: str) -> None:
    first = {"tokens": ["x"], "ner_tags": ["O"]} if "tokens" in row else {"text": "x", "entities": []}
    with pytest.raises(CorpusError) as caught:
        read_dataset({"train": [first | {"doc_id": "a"}, {"doc_id": "b", **row}]})
    (problem,) = caught.value.problems
    assert problem.message.startswith(message)
    assert (problem.path, problem.line) == ("dataset", None)
    assert "Ana" not in str(caught.value)


def test_faults_of_the_whole() -> None:
    with pytest.raises(
        CorpusError, match="row 1: no column 'text', nor 'tokens' with 'ner_tags'; the columns are note"
    ):
        read_dataset([{"note": SECRET}])
    with pytest.raises(CorpusError, match="row 1: no column 'nope' for the entities; the columns are text"):
        read_dataset([{"text": SECRET}], layout=TableLayout(entities="nope"))
    with pytest.raises(CorpusError, match="row 1: a row must map column names to values"):
        read_dataset([SECRET])
    with pytest.raises(CorpusError, match="no documents found"):
        read_dataset([])
    with pytest.raises(CorpusError, match="tag 9 is not among the 1 names of the ClassLabel"):
        rows = [{"tokens": ["x"], "ner_tags": [9]}]
        read_dataset(Rows(rows, {"ner_tags": [SimpleNamespace(names=["O"])]}))


def test_there_and_back() -> None:
    datasets = pytest.importorskip("datasets")
    made = to_dataset(CORPUS)
    assert isinstance(made, datasets.Dataset)
    assert read_dataset(made, origin="invented").corpus == CORPUS
    splits = {"a": "train", "b": "test", "c": "test"}
    divided = to_dataset(CORPUS, splits)
    assert list(divided) == ["train", "test"]
    loaded = read_dataset(divided, origin="invented")
    assert (loaded.corpus, loaded.splits, loaded.skipped) == (CORPUS, splits, {})


def test_a_corpus_knows_its_splits() -> None:
    rows = [{"text": "x", "label": 3}]
    with pytest.warns(UserWarning) as told:
        corpus = from_dataset({"train": rows, "test": rows})
    assert corpus.split_counts() == {"train": 1, "test": 1}
    assert [str(each.message).split(":")[0] for each in told] == ["dataset", "dataset"]
    assert "no entity column found" in str(told[1].message)
    assert str(told[1].message).endswith("; 1 more like this")
    pytest.importorskip("datasets")
    assert list(to_dataset(corpus)) == ["train", "test"]


def test_real_class_labels() -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {
            "tokens": datasets.Sequence(datasets.Value("string")),
            "ner_tags": datasets.Sequence(datasets.ClassLabel(names=["O", "B-NAME", "I-NAME"])),
        }
    )
    made = datasets.Dataset.from_list([{"tokens": ["Ana", "Ek"], "ner_tags": [1, 2]}], features=features)
    assert read_dataset(made).corpus[0].entities == (Entity(0, 6, "NAME"),)


def test_what_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtraError, match=r"'deidsynth\[datasets\]'"):
        to_dataset(CORPUS)
    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace())
    with pytest.raises(UnrepresentableError, match="2 of 3 documents have no split"):
        to_dataset(CORPUS, {"a": "train"})
    with pytest.raises(UnrepresentableError, match="document number 1 has a lone surrogate"):
        to_dataset(Corpus((Document("a", "\ud800"),)))
