"""A real corpus of brat standoff, where it is at hand."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from deidsynth.config import SplitConfig
from deidsynth.corpora import (
    LoadedCorpus,
    content_digest,
    make_splits,
    read_corpus,
    shared_groups,
    take_fraction,
    write_corpus,
)

DATA = Path(os.environ.get("DEIDSYNTH_DATA", Path(__file__).parents[2].parent / "shared" / "data")) / "meddocan"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} is not at hand")
CASE = r"^(.+)-\d+$"


@pytest.fixture(scope="module")
def loaded() -> LoadedCorpus:
    return read_corpus(DATA, language="es", group_by=CASE)


def test_counts(loaded: LoadedCorpus) -> None:
    assert (loaded.format, loaded.corpus.origin, dict(loaded.skipped)) == ("brat", "real", {})
    assert Counter(loaded.splits.values()) == {"train": 500, "validation": 250}
    n_entities = Counter()
    for document in loaded.corpus:
        n_entities[loaded.splits[document.doc_id]] += len(document.entities)
    assert n_entities == {"train": 11_333, "validation": 5_801}
    assert len(loaded.corpus.label_scheme()) == 22


def test_one_folder_alone_has_no_parts() -> None:
    train = read_corpus(DATA / "train", group_by=CASE)
    assert (len(train.corpus), len({document.group for document in train.corpus}), train.splits) == (500, 483, {})


def test_the_named_dev_part_is_the_test_set(loaded: LoadedCorpus) -> None:
    splits = make_splits(loaded.corpus, loaded.splits, SplitConfig())
    assert {split: len(corpus) for split, corpus in splits.items()} == {"train": 475, "validation": 25, "test": 250}
    assert splits["test"].n_entities == 5_801
    assert shared_groups(splits["train"], splits["validation"]) == 0
    assert shared_groups(splits["train"], splits["test"]) > 0


def test_fractions_are_nested(loaded: LoadedCorpus) -> None:
    train = make_splits(loaded.corpus, loaded.splits, SplitConfig())["train"]
    taken = [{document.doc_id for document in take_fraction(train, share, 1)} for share in (0.05, 0.25, 0.5, 1.0)]
    assert [len(each) for each in taken] == pytest.approx([24, 119, 238, 475], abs=2)
    assert taken[0] < taken[1] < taken[2] < taken[3]


@pytest.mark.parametrize("format", ["brat", "jsonl"])
def test_conversion_is_lossless(loaded: LoadedCorpus, tmp_path: Path, format: str) -> None:
    write_corpus(loaded.corpus, tmp_path / "out", format, loaded.splits)
    again = read_corpus(tmp_path / "out", language="es", group_by=CASE)
    assert content_digest(again) == content_digest(loaded)
