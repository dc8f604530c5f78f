from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from deidsynth.documents import LabelScheme
from deidsynth.models.viterbi import Lattice, best_sequence, marginals
from deidsynth.tagging import TagSet

TAGS = TagSet.of(LabelScheme(("X", "Y")))
MAY_FOLLOW, MAY_CONTINUE = TAGS.may_follow(), TAGS.may_continue()
N_TAGS = 5


def _lattice(log_probs: NDArray[np.float64], joined: list[bool] | None = None) -> Lattice:
    if joined is None:
        return Lattice(log_probs, MAY_FOLLOW)
    return Lattice(log_probs, MAY_FOLLOW, np.array(joined), MAY_CONTINUE)


def _valid(sequence: Sequence[int], joined: Sequence[bool]) -> bool:
    """By the meaning of the tags: inside needs the same label before, a joined token goes on with what is before."""
    for place, tag in enumerate(sequence):
        before = "O" if place == 0 else TAGS.tags[sequence[place - 1]]
        name = TAGS.tags[tag]
        if name.startswith("I-") and before not in (f"B-{name[2:]}", name):
            return False
        if place and joined[place] and (name.startswith("B-") or (name == "O") != (before == "O")):
            return False
    return True


def _by_hand(log_probs: NDArray[np.float64], joined: Sequence[bool]) -> tuple[float, NDArray[np.float64]]:
    """Best score and marginals, by trying every sequence."""
    best, total = -math.inf, 0.0
    mass = np.zeros(log_probs.shape)
    for sequence in itertools.product(range(N_TAGS), repeat=len(log_probs)):
        if not _valid(sequence, joined):
            continue
        score = float(sum(log_probs[place, tag] for place, tag in enumerate(sequence)))
        best = max(best, score)
        total += math.exp(score)
        for place, tag in enumerate(sequence):
            mass[place, tag] += math.exp(score)
    return best, mass / total


def _cases(most: int, width: float) -> st.SearchStrategy[tuple[NDArray[np.float64], list[bool]]]:
    return st.integers(1, most).flatmap(
        lambda n: st.tuples(
            arrays.arrays(np.float64, (n, N_TAGS), elements=st.floats(-width, width)),
            st.lists(st.booleans(), min_size=n, max_size=n),
        )
    )


@settings(max_examples=80, deadline=None)
@given(_cases(4, 8.0), st.booleans())
def test_against_every_sequence(case: tuple[NDArray[np.float64], list[bool]], whole_words: bool) -> None:
    log_probs, joined = case
    joined = joined if whole_words else [False] * len(joined)
    best, mass = _by_hand(log_probs, joined)
    lattice = _lattice(log_probs, joined if whole_words else None)
    sequence = best_sequence(lattice).tolist()
    assert _valid(sequence, joined)
    assert sum(log_probs[place, tag] for place, tag in enumerate(sequence)) == pytest.approx(best, abs=1e-9)
    assert marginals(lattice) == pytest.approx(mass, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(_cases(60, 60.0))
def test_long_and_steep_scores_stay_numbers(case: tuple[NDArray[np.float64], list[bool]]) -> None:
    log_probs, joined = case
    lattice = _lattice(log_probs, joined)
    chances = marginals(lattice)
    assert np.isfinite(chances).all()
    assert chances.sum(axis=1) == pytest.approx(np.ones(len(log_probs)))
    assert _valid(best_sequence(lattice).tolist(), joined)


def test_a_word_is_tagged_as_a_whole() -> None:
    probabilities = np.array([[0.6, 0.4, 1e-9, 1e-9, 1e-9], [0.1, 0.9, 1e-9, 1e-9, 1e-9]])
    assert best_sequence(_lattice(np.log(probabilities))).tolist() == [0, 1]
    assert best_sequence(_lattice(np.log(probabilities), [False, True])).tolist() == [0, 0]


def test_a_likely_inside_draws_the_beginning_to_it() -> None:
    # O would win at the first token, but then I-X (0.8) could not stand at the second.
    probabilities = np.array([[0.6, 0.4, 1e-9, 1e-9, 1e-9], [0.15, 0.05, 0.8, 1e-9, 1e-9]])
    assert best_sequence(_lattice(np.log(probabilities))).tolist() == [1, 2]
    # valid: O O .09, O B .03, B O .06, B B .02, B I .32; of .52
    assert marginals(_lattice(np.log(probabilities)))[0, 1] == pytest.approx(0.40 / 0.52, abs=1e-6)


def test_a_text_may_not_begin_inside() -> None:
    lattice = _lattice(np.log([[0.1, 0.2, 0.7, 1e-9, 1e-9]]))
    assert best_sequence(lattice).tolist() == [1]
    assert marginals(lattice)[0, 2] == 0.0


def test_no_tokens() -> None:
    nothing = _lattice(np.zeros((0, N_TAGS)), [])
    assert best_sequence(nothing).shape == (0,)
    assert marginals(nothing).shape == (0, N_TAGS)
