from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from deidsynth.metrics import words
from deidsynth.privacy import NearDuplicateIndex, repeated_ngram_share
from deidsynth.privacy.near_duplicates import LEAST_RUNS, RUN_WORDS

LONG = "ett två tre fyra fem sex sju åtta nio tio elva tolv tretton fjorton femton sexton"


def test_the_same_words_are_a_near_duplicate_however_short() -> None:
    earlier = NearDuplicateIndex([])
    earlier.add("Mår bra.")
    assert earlier.matches("mår BRA")
    assert not earlier.matches("mår bra idag")


def test_most_of_the_shorter_text_is_a_near_duplicate() -> None:
    earlier = NearDuplicateIndex([])
    earlier.add(LONG)
    assert earlier.matches(f"Helt annat först. {' '.join(LONG.split()[1:])}")
    assert not earlier.matches(" ".join([*LONG.split()[:8], *"a b c d e f g h i j k l".split()]))
    assert not earlier.matches(" ".join(LONG.split()[: RUN_WORDS + LEAST_RUNS - 2]))  # too few runs to say
    assert earlier.matches(" ".join(LONG.split()[: RUN_WORDS + LEAST_RUNS - 1]))


@pytest.mark.parametrize(("n_groups", "found"), [(2, True), (3, False)])
def test_what_stands_in_many_training_groups_does_not_count(n_groups: int, found: bool) -> None:
    train = [(text, str(group)) for group in range(n_groups) for text in (LONG, "Mår bra.")]
    earlier = NearDuplicateIndex([*train, (LONG, "0")])
    for text in (LONG, "Mår bra."):
        earlier.add(text)
    assert earlier.matches("Mår bra.") is found
    assert earlier.matches(f"Obs: {LONG}") is found


def test_no_text_in_the_repr() -> None:
    assert repr(NearDuplicateIndex([("hemligt", "g")])) == "NearDuplicateIndex(n_texts=0, n_templates=0)"


@given(st.lists(st.text("ab ", min_size=20, max_size=60), min_size=1, max_size=8))
def test_it_equals_a_comparison_of_all_pairs(texts: list[str]) -> None:
    def runs(text: str) -> set[tuple[str, ...]]:
        found = words(text)
        return {tuple(found[at : at + RUN_WORDS]) for at in range(len(found) - RUN_WORDS + 1)}

    earlier, seen = NearDuplicateIndex([], 0.6), []
    for text in (" ".join(text.replace(" ", "")) for text in texts):
        sizes = [(min(len(runs(text)), len(runs(other))), len(runs(text) & runs(other))) for other in seen]
        near = any(smaller >= LEAST_RUNS and shared >= 0.6 * smaller for smaller, shared in sizes)
        assert earlier.matches(text) == (near or words(text) in [words(other) for other in seen])
        earlier.add(text)
        seen.append(text)


def test_a_loop_repeats_itself() -> None:
    assert repeated_ngram_share("a b c d e".split(), 2) == 0.0
    assert repeated_ngram_share("a b".split(), 4) == 0.0
    assert repeated_ngram_share(["!"] * 103, 4) == pytest.approx(0.99)
