"""Groups with a verbatim run in the synthetic text, of both sides."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st
from tests.privacy.audit.two_sides import sides, swapped, texts

from deidsynth.documents import Document
from deidsynth.metrics.tokens import words
from deidsynth.privacy import ngram_recall
from deidsynth.privacy.audit.runs_of_words import RunIndex, Texts, find_all
from deidsynth.privacy.audit.sides import Sides
from deidsynth.privacy.audit.verbatim import LENGTHS, verbatim

WORD = st.sampled_from("alfa Beta gámma delta".split())
TEXT = st.lists(WORD, max_size=14).map(" ".join)


def own(number: int, length: int) -> str:
    """Words that no other text has."""
    return " ".join(f"w{number}x{place}" for place in range(length))


BOTH = sides([[own(number, 60)] for number in range(6)], [[own(number, 60)] for number in range(6, 9)])


@pytest.mark.parametrize(
    ("length", "found"), [(7, []), (8, [8]), (13, [8, 13]), (49, [8, 13, 20]), (60, [8, 13, 20, 50])]
)
def test_a_run_of_so_many_words_is_found(length: int, found: list[int]) -> None:
    copied = " ".join(own(2, 60).upper().split()[60 - length :])
    measures = verbatim(BOTH, texts(f"Before: {copied}, after.", "nothing"))
    assert [each.name for each in measures] == [f"verbatim_{n}" for n in (8, 13, 20, 50)]
    assert [n for n, each in zip(LENGTHS, measures, strict=True) if each.train] == found
    assert measures[0].train == (1 / 6 if found else 0)
    assert measures[0].held_out == 0
    assert measures[0].details["train"]["runs_found"] == max(0, length - 7)


def test_runs_of_two_documents_are_not_joined() -> None:
    first, second = " ".join(own(2, 60).split()[:5]), " ".join(own(2, 60).split()[5:10])
    assert not verbatim(BOTH, texts(first, second))[0].train
    both = sides([[own(2, 5)], [own(3, 60)]], [[own(6, 60)]])
    joined = Sides(((both.train[0][0], Document("more", own(4, 5))), both.train[1]), both.held_out, {})
    assert not verbatim(joined, texts(f"{own(2, 5)} {own(4, 5)}"))[0].train


def test_a_template_is_no_leak_whatever_side_has_it() -> None:
    template = own(99, 20)
    shared = [[f"{own(number, 20)} {template}"] for number in range(6)]
    for both in (sides(shared[:4], shared[4:]), sides([shared[0], [own(7, 9)]], [shared[1]])):
        measured = verbatim(both, texts(template))[0]
        assert (measured.train, measured.held_out) == (0, 0)
        assert measured.details["templates"] == 13


def test_the_recall_is_that_of_ngram_recall() -> None:
    synthetic = texts(own(1, 20), own(7, 9), own(7, 9))
    recall = verbatim(BOTH, synthetic)[0].details["recall"]
    for side, of in (("train", BOTH.train), ("held_out", BOTH.held_out)):
        expected = ngram_recall([group[0].text for group in of], [document.text for document in synthetic])
        assert recall[side] == {
            "recall": expected["recall"],
            "n_ngrams": expected["n_reference"],
            "n_found": expected["n_found"],
        }


@given(st.lists(TEXT, min_size=1, max_size=5), st.lists(TEXT, max_size=4), st.integers(1, 6))
def test_runs_are_those_that_a_search_by_hand_finds(real: list[str], synthetic: list[str], length: int) -> None:
    groups = [Texts([text]) for text in real]
    index, longer = RunIndex(groups, length), RunIndex(groups, length + 2)
    find_all([longer, index], texts(*synthetic))
    for each in (index, longer):
        sought = {run for text in synthetic for run in _runs(text, each.length)}
        for text, group in zip(real, groups, strict=True):
            found, n_groups = each.of_group(group)
            runs = _runs(text, each.length)
            assert (len(found), int(found.sum())) == (len(runs), len(runs & sought))
            holders = [sum(run in _runs(other, each.length) for other in real) for run in runs]
            assert sorted(n_groups.tolist()) == sorted(holders)


@given(st.sets(st.integers(0, 8)), st.integers(1, 8))
def test_swapping_the_sides_negates_the_differences(copied: set[int], n_train: int) -> None:
    both = sides([[own(number, 30)] for number in range(n_train)], [[own(number, 30)] for number in range(n_train, 9)])
    synthetic = texts(*(own(number, 10 + number) for number in copied))
    for one, other in zip(verbatim(both, synthetic), verbatim(swapped(both), synthetic), strict=True):
        assert (one.difference is None) == (other.difference is None)
        if one.difference is not None and other.difference is not None:
            assert one.difference == pytest.approx(-other.difference)


def test_a_side_without_groups_has_no_figure() -> None:
    assert all(each.reason and each.difference is None for each in verbatim(Sides(BOTH.train, (), {}), texts("a")))
    assert all(each.reason for each in verbatim(sides([["a b"]], [["c"]]), texts("a b")))


def _runs(text: str, length: int) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[at : at + length]) for at in range(len(found) - length + 1)}
