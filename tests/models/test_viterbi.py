from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from deidsynth.documents import LabelScheme
from deidsynth.models.viterbi import best_sequence, marginals
from deidsynth.tagging import TagSet

MAY_FOLLOW = TagSet.of(LabelScheme(("X", "Y"))).may_follow()
N_TAGS = 5


def _valid(sequence: tuple[int, ...]) -> bool:
    return all(MAY_FOLLOW[left, right] for left, right in itertools.pairwise((N_TAGS, *sequence)))


def _by_hand(log_probs: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Best score and marginals, by trying every sequence."""
    best, total = -math.inf, 0.0
    mass = np.zeros(log_probs.shape)
    for sequence in itertools.product(range(N_TAGS), repeat=len(log_probs)):
        if not _valid(sequence):
            continue
        score = float(sum(log_probs[place, tag] for place, tag in enumerate(sequence)))
        best = max(best, score)
        total += math.exp(score)
        for place, tag in enumerate(sequence):
            mass[place, tag] += math.exp(score)
    return best, mass / total


def _scores(n_tokens: int, width: float) -> st.SearchStrategy[NDArray[np.float64]]:
    return arrays.arrays(np.float64, (n_tokens, N_TAGS), elements=st.floats(-width, width))


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 4).flatmap(lambda n: _scores(n, 8.0)))
def test_against_every_sequence(log_probs: NDArray[np.float64]) -> None:
    best, mass = _by_hand(log_probs)
    sequence = tuple(best_sequence(log_probs, MAY_FOLLOW).tolist())
    assert _valid(sequence)
    assert sum(log_probs[place, tag] for place, tag in enumerate(sequence)) == pytest.approx(best, abs=1e-9)
    assert marginals(log_probs, MAY_FOLLOW) == pytest.approx(mass, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 60).flatmap(lambda n: _scores(n, 60.0)))
def test_long_and_steep_scores_stay_numbers(log_probs: NDArray[np.float64]) -> None:
    chances = marginals(log_probs, MAY_FOLLOW)
    assert np.isfinite(chances).all()
    assert chances.sum(axis=1) == pytest.approx(np.ones(len(log_probs)))
    assert _valid(tuple(best_sequence(log_probs, MAY_FOLLOW).tolist()))


def test_a_likely_inside_draws_the_beginning_to_it() -> None:
    # O would win at the first token, but then I-X (0.8) could not stand at the second.
    probabilities = np.array([[0.6, 0.4, 1e-9, 1e-9, 1e-9], [0.15, 0.05, 0.8, 1e-9, 1e-9]])
    assert best_sequence(np.log(probabilities), MAY_FOLLOW).tolist() == [1, 2]
    # valid: O O .09, O B .03, B O .06, B B .02, B I .32; of .52
    assert marginals(np.log(probabilities), MAY_FOLLOW)[0, 1] == pytest.approx(0.40 / 0.52, abs=1e-6)


def test_a_text_may_not_begin_inside() -> None:
    assert best_sequence(np.log([[0.1, 0.2, 0.7, 1e-9, 1e-9]]), MAY_FOLLOW).tolist() == [1]
    assert marginals(np.log([[0.1, 0.2, 0.7, 1e-9, 1e-9]]), MAY_FOLLOW)[0, 2] == 0.0


def test_no_tokens() -> None:
    nothing = np.zeros((0, N_TAGS))
    assert best_sequence(nothing, MAY_FOLLOW).shape == (0,)
    assert marginals(nothing, MAY_FOLLOW).shape == (0, N_TAGS)
