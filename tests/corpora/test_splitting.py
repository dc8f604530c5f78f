"""Splits and nested fractions: whole groups, the same for every order of the documents."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from deidsynth.config import FoldConfig, SplitConfig
from deidsynth.corpora import hold_out, make_fold, make_splits, shared_groups, take_fraction
from deidsynth.documents import Corpus, Document
from deidsynth.errors import CorpusError, InputError


def corpus_of(*sizes: int) -> Corpus:
    """Group ``g0`` has as many documents as the first size says, and so on."""
    return Corpus(
        tuple(Document(f"{group}-{n}", "x", group=f"g{group}") for group, size in enumerate(sizes) for n in range(size))
    )


def ids(corpus: Corpus) -> list[str]:
    return [document.doc_id for document in corpus]


SIZES = st.lists(st.integers(1, 6), min_size=3, max_size=30)


@given(SIZES, st.integers(0, 99), st.floats(0.01, 0.9), st.floats(0.01, 0.9), st.randoms())
def test_carved_parts_are_whole_groups_in_corpus_order(sizes, seed, test, validation, random) -> None:
    corpus = corpus_of(*sizes)
    config = SplitConfig(test=test, validation=validation, seed=seed)
    carved = make_splits(corpus, {}, config)
    assert list(carved) == ["train", "validation", "test"]
    assert all(carved.values())
    units = [{document.unit for document in split} for split in carved.values()]
    assert sum(map(len, units)) == len(sizes)
    assert sorted(name for split in carved.values() for name in ids(split)) == sorted(ids(corpus))
    for split in carved.values():
        assert ids(split) == [name for name in ids(corpus) if name in set(ids(split))]
    shuffled = list(corpus)
    random.shuffle(shuffled)
    again = make_splits(corpus.with_documents(shuffled), {}, config)
    assert {split: set(ids(each)) for split, each in again.items()} == {
        split: set(ids(each)) for split, each in carved.items()
    }


def test_shares_are_of_documents_and_validation_is_a_share_of_the_rest() -> None:
    carved = make_splits(corpus_of(*[1] * 1000), {}, SplitConfig(test=0.2, validation=0.05))
    assert {split: len(each) for split, each in carved.items()} == {"train": 760, "validation": 40, "test": 200}
    large = make_splits(corpus_of(*[10] * 100), {}, SplitConfig(test=0.2, validation=0.05))
    assert {split: len(each) for split, each in large.items()} == {"train": 760, "validation": 40, "test": 200}


@given(SIZES, st.integers(0, 99), st.floats(0.01, 0.9))
def test_whole_groups_are_held_out_as_a_split_carves_them(sizes, seed, share) -> None:
    corpus = corpus_of(*sizes)
    kept, held = hold_out(corpus.documents, share, seed)
    assert kept and held
    assert sorted([*kept, *held], key=list(corpus).index) == list(corpus)
    assert not {document.unit for document in kept} & {document.unit for document in held}
    splits = {document.doc_id: "test" if document.unit == "g0" else "train" for document in corpus}
    carved = make_splits(corpus, splits, SplitConfig(validation=share, seed=seed))
    rest = corpus.filter(lambda document: document.unit != "g0")
    assert [list(carved["train"]), list(carved["validation"])] == list(hold_out(rest.documents, share, seed))


@pytest.mark.parametrize(("size", "n_held"), [(1, 10), (3, 9), (7, 7), (50, 50)])
def test_the_share_is_of_documents(size: int, n_held: int) -> None:
    documents = corpus_of(*[size] * (100 // size), 100 % size).documents
    kept, held = hold_out(documents, 0.1, 1)
    assert len(kept) + len(held) == 100
    assert len(held) in (n_held, n_held + 100 % size)


def test_a_fraction_says_nothing_about_the_split() -> None:
    corpus = corpus_of(*[1] * 100)
    assert set(ids(take_fraction(corpus, 0.2, 1))) != set(ids(make_splits(corpus, {}, SplitConfig(test=0.2))["test"]))


def test_another_seed_is_another_split() -> None:
    corpus = corpus_of(*[1] * 50)
    first, second = (make_splits(corpus, {}, SplitConfig(seed=seed)) for seed in (1, 2))
    assert ids(first["test"]) != ids(second["test"])


def name_parts(corpus: Corpus, names: dict[str, str]) -> dict[str, str]:
    return {document.doc_id: names[document.unit] for document in corpus}


def test_three_given_parts_are_kept() -> None:
    corpus = corpus_of(2, 1, 3)
    splits = make_splits(corpus, name_parts(corpus, {"g0": "train", "g1": "test", "g2": "validation"}), SplitConfig())
    assert [ids(splits[split]) for split in ("train", "validation", "test")] == [
        ["0-0", "0-1"],
        ["2-0", "2-1", "2-2"],
        ["1-0"],
    ]


@pytest.mark.parametrize("held_out", ["test", "validation"])
def test_a_single_held_out_part_is_the_test_set_and_validation_comes_from_train(held_out: str) -> None:
    corpus = corpus_of(*[1] * 20, 5)
    names = {f"g{n}": "train" for n in range(20)} | {"g20": held_out}
    splits = make_splits(corpus, name_parts(corpus, names), SplitConfig(validation=0.25))
    assert ids(splits["test"]) == [f"20-{n}" for n in range(5)]
    assert (len(splits["train"]), len(splits["validation"])) == (15, 5)


def test_train_alone_is_split_like_a_corpus_without_parts() -> None:
    corpus = corpus_of(*[2] * 10)
    named = dict.fromkeys(ids(corpus), "train")
    assert make_splits(corpus, named, SplitConfig()) == make_splits(corpus, {}, SplitConfig())


def test_parts_without_train_are_an_error() -> None:
    corpus = corpus_of(2, 2)
    splits = name_parts(corpus, {"g0": "test", "g1": "validation"})
    with pytest.raises(CorpusError, match="has a test and a validation split but no train split"):
        make_splits(corpus, splits, SplitConfig())


def test_a_document_in_no_part_is_an_error() -> None:
    with pytest.raises(CorpusError, match="3 of 5 documents have no split"):
        make_splits(corpus_of(2, 3), {"0-0": "train", "0-1": "train"}, SplitConfig())


def test_too_few_groups_are_an_error() -> None:
    with pytest.raises(CorpusError, match="2 groups of documents cannot be split into train and validation and test"):
        make_splits(corpus_of(5, 5), {}, SplitConfig())
    corpus = corpus_of(5, 5)
    with pytest.raises(CorpusError, match="1 group of documents cannot be split into train and validation: each needs"):
        make_splits(corpus, name_parts(corpus, {"g0": "train", "g1": "test"}), SplitConfig())


def test_shared_groups_are_counted() -> None:
    left = Corpus((Document("a", "x", group="p"), Document("b", "x", group="q"), Document("c", "x")))
    right = Corpus((Document("d", "x", group="p"), Document("e", "x", group="p"), Document("f", "x", group="r")))
    assert (shared_groups(left, right), shared_groups(left, left)) == (1, 3)


@given(SIZES, st.integers(0, 99), st.lists(st.floats(0.001, 1.0), min_size=2, max_size=5))
def test_fractions_are_nested_whole_groups(sizes, seed, fractions) -> None:
    corpus = corpus_of(*sizes)
    taken = [take_fraction(corpus, fraction, seed) for fraction in sorted(fractions)]
    for smaller, larger in pairwise(taken):
        assert set(ids(smaller)) <= set(ids(larger))
    for fraction, split in zip(sorted(fractions), taken, strict=True):
        assert len(split) >= 1
        assert ids(split) == [document.doc_id for document in corpus if document.unit in {each.unit for each in split}]
        groups = len({each.unit for each in split})
        assert groups == 1 or abs(len(split) - fraction * len(corpus)) <= max(sizes) / 2
    assert take_fraction(corpus, 1.0, seed) == corpus


def test_a_fraction_counts_documents() -> None:
    corpus = corpus_of(*[1] * 100)
    assert [len(take_fraction(corpus, fraction, 1)) for fraction in (0.001, 0.05, 0.25, 0.5)] == [1, 5, 25, 50]
    assert ids(take_fraction(corpus, 0.05, 1)) != ids(take_fraction(corpus, 0.05, 2))
    backwards = corpus.with_documents(reversed(list(corpus)))
    assert ids(take_fraction(backwards, 0.25, 1)) == ids(take_fraction(corpus, 0.25, 1))[::-1]


@pytest.mark.parametrize("fraction", [0.0, -0.1, 1.1, float("nan")])
def test_a_fraction_is_a_share(fraction: float) -> None:
    with pytest.raises(InputError, match=r"fraction: expected a share in \(0, 1\], got"):
        take_fraction(corpus_of(1, 1), fraction, 1)


def test_nothing_is_no_fraction_of_nothing() -> None:
    with pytest.raises(CorpusError, match="a fraction of an empty corpus"):
        take_fraction(Corpus(()), 0.5, 1)


@given(st.lists(st.integers(1, 6), min_size=4, max_size=30), st.integers(0, 99), st.randoms())
def test_halves_are_whole_groups_that_change_roles(sizes, seed, random) -> None:
    corpus = corpus_of(*sizes)
    whole = make_splits(corpus, {}, SplitConfig(seed=seed))
    if len({document.unit for document in whole["train"]}) < 2:
        return
    first, second = (make_splits(corpus, {}, SplitConfig(seed=seed, half=half)) for half in (1, 2))
    assert (first["train"], first["test"]) == (second["test"], second["train"])
    assert first["validation"] == second["validation"] == whole["validation"]
    assert first["train"] and first["test"]
    assert not shared_groups(first["train"], first["test"])
    assert sorted([*ids(first["train"]), *ids(first["test"])]) == sorted(ids(whole["train"]))
    assert abs(len(first["train"]) - len(first["test"])) <= max(sizes)
    shuffled = list(corpus)
    random.shuffle(shuffled)
    again = make_splits(corpus.with_documents(shuffled), {}, SplitConfig(seed=seed, half=1))
    assert set(ids(again["train"])) == set(ids(first["train"]))


def test_another_seed_makes_other_halves() -> None:
    corpus = corpus_of(*[1] * 60)
    named = {document.doc_id: ("train", "validation", "test")[number // 20] for number, document in enumerate(corpus)}
    halves = [set(ids(make_splits(corpus, named, SplitConfig(seed=seed, half=1))["train"])) for seed in (1, 1, 2)]
    assert halves[0] == halves[1] != halves[2]
    assert all(len(half) == 10 for half in halves)


def test_a_group_that_gave_a_prompt_is_in_no_half() -> None:
    corpus = corpus_of(3, 2, 2, 2)  # g0 is in train and, with one document, in validation
    named = {document.doc_id: "validation" if document.doc_id == "0-0" else "train" for document in corpus}
    named["3-0"] = named["3-1"] = "test"
    parts = make_splits(corpus, named, SplitConfig(half=1))
    assert {document.unit for split in ("train", "test") for document in parts[split]} == {"g1", "g2"}


def test_one_group_cannot_be_halved_and_folds_have_no_halves() -> None:
    corpus = corpus_of(1, 1, 1, 1)
    with pytest.raises(CorpusError, match="1 group without validation documents, which cannot be halved"):
        make_splits(corpus_of(1, 1, 1), {}, SplitConfig(half=1))
    with pytest.raises(InputError, match="a fold has no halves"):
        make_fold(corpus, {}, SplitConfig(half=1), FoldConfig(number=1, folds=2))
