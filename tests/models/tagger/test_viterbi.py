from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from deidsynth.documents import LabelScheme
from deidsynth.models.tagger import viterbi
from deidsynth.models.tagger.viterbi import BLOCK_NUMBERS, Lattice, TagTransitions, decoded_pieces
from deidsynth.tagging import TagSet

TAGS = TagSet.of(LabelScheme(("X", "Y")))
N_TAGS = 5
VALID = TagTransitions.of(TAGS)


Found = list[tuple[NDArray[np.int64], NDArray[np.float64]]]


def best_sequences(
    lattices: Sequence[Lattice], transitions: TagTransitions, block_numbers: int = BLOCK_NUMBERS
) -> Found:
    """The best sequences, with the marginals of all tags, whose pieces are put together."""
    lengths, n_tags = [len(lattice.log_probs) for lattice in lattices], len(transitions.start)
    found = [(np.full(length, -1), np.full((length, n_tags), np.nan)) for length in lengths]
    for piece in decoded_pieces(lattices, transitions, block_numbers):
        found[piece.text][0][piece.place] = piece.tags
        found[piece.text][1][piece.place] = piece.marginals
    return found


def _best(lattice: Lattice, transitions: TagTransitions = VALID) -> tuple[list[int], NDArray[np.float64]]:
    ((tags, marginals),) = best_sequences([lattice], transitions)
    return tags.tolist(), marginals


def _lattice(log_probs: NDArray[np.float64], joined: list[bool] | None = None) -> Lattice:
    return Lattice(log_probs, None if joined is None else np.array(joined, dtype=bool))


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


def _score(sequence: Sequence[int], log_probs: NDArray[np.float64], transitions: NDArray[np.float64]) -> float:
    own = sum(log_probs[place, tag] for place, tag in enumerate(sequence))
    return float(own + sum(transitions[pair] for pair in itertools.pairwise(sequence)))


def _by_hand(
    log_probs: NDArray[np.float64], joined: Sequence[bool], transitions: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Best score and marginals, by trying every sequence."""
    best, total = -math.inf, 0.0
    mass = np.zeros(log_probs.shape)
    for sequence in itertools.product(range(N_TAGS), repeat=len(log_probs)):
        if not _valid(sequence, joined):
            continue
        score = _score(sequence, log_probs, transitions)
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


@settings(max_examples=60)
@given(
    st.lists(_cases(4, 8.0), min_size=1, max_size=3),
    arrays.arrays(np.float64, (N_TAGS, N_TAGS), elements=st.floats(-4, 4)),
    st.booleans(),
)
def test_against_every_sequence(
    cases: list[tuple[NDArray[np.float64], list[bool]]], transitions: NDArray[np.float64], whole_words: bool
) -> None:
    texts = [(log_probs, joined if whole_words else [False] * len(joined)) for log_probs, joined in cases]
    lattices = [_lattice(log_probs, joined if whole_words else None) for log_probs, joined in texts]
    found = best_sequences(lattices, TagTransitions.of(TAGS, transitions))
    for (log_probs, joined), (tags, marginals) in zip(texts, found, strict=True):
        best, mass = _by_hand(log_probs, joined, transitions)
        assert _valid(tags.tolist(), joined)
        assert _score(tags.tolist(), log_probs, transitions) == pytest.approx(best, abs=1e-9)
        assert marginals == pytest.approx(mass, abs=1e-9)


@settings(max_examples=30)
@given(st.lists(_cases(60, 60.0), min_size=1, max_size=4))
def test_long_and_steep_scores_stay_numbers(cases: list[tuple[NDArray[np.float64], list[bool]]]) -> None:
    found = best_sequences([_lattice(*case) for case in cases], VALID)
    for (log_probs, joined), (tags, marginals) in zip(cases, found, strict=True):
        assert np.isfinite(marginals).all()
        assert marginals.sum(axis=1) == pytest.approx(np.ones(len(log_probs)))
        assert _valid(tags.tolist(), joined)


def test_a_word_is_tagged_as_a_whole() -> None:
    probabilities = np.array([[0.6, 0.4, 1e-9, 1e-9, 1e-9], [0.1, 0.9, 1e-9, 1e-9, 1e-9]])
    assert _best(_lattice(np.log(probabilities)))[0] == [0, 1]
    assert _best(_lattice(np.log(probabilities), [False, True]))[0] == [0, 0]


def test_a_likely_inside_draws_the_beginning_to_it() -> None:
    # O would win at the first token, but then I-X (0.8) could not stand at the second.
    probabilities = np.array([[0.6, 0.4, 1e-9, 1e-9, 1e-9], [0.15, 0.05, 0.8, 1e-9, 1e-9]])
    tags, marginals = _best(_lattice(np.log(probabilities)))
    assert tags == [1, 2]
    # valid: O O .09, O B .03, B O .06, B B .02, B I .32; of .52
    assert marginals[0, 1] == pytest.approx(0.40 / 0.52, abs=1e-6)


def test_what_is_seldom_seen_in_a_row_needs_more_to_be_chosen() -> None:
    # By themselves, B-X then B-X; with B-X after B-X a hundredth as likely, the second goes on with the first.
    probabilities = np.array([[0.1, 0.9, 1e-9, 1e-9, 1e-9], [1e-9, 0.6, 0.4, 1e-9, 1e-9]])
    transitions = np.zeros((N_TAGS, N_TAGS))
    transitions[1, 1] = math.log(0.01)
    assert _best(_lattice(np.log(probabilities)))[0] == [1, 1]
    assert _best(_lattice(np.log(probabilities)), TagTransitions.of(TAGS, transitions))[0] == [1, 2]


def test_a_text_may_not_begin_inside() -> None:
    tags, marginals = _best(_lattice(np.log([[0.1, 0.2, 0.7, 1e-9, 1e-9]])))
    assert tags == [1]
    assert marginals[0, 2] == 0.0


def test_a_single_tag() -> None:
    ((tags, marginals),) = best_sequences([Lattice(np.zeros((3, 1)))], TagTransitions.of(TagSet.of(LabelScheme(()))))
    assert (tags.tolist(), marginals.tolist()) == ([0, 0, 0], [[1.0], [1.0], [1.0]])


def test_no_tokens() -> None:
    nothing, something = _lattice(np.zeros((0, N_TAGS)), []), _lattice(np.zeros((2, N_TAGS)))
    assert [tags.shape for tags, _ in best_sequences([nothing, something], VALID)] == [(0,), (2,)]
    assert _best(nothing)[1].shape == (0, N_TAGS)
    assert best_sequences([], VALID) == []


@settings(max_examples=40)
@given(st.lists(_cases(30, 20.0), min_size=1, max_size=4), st.integers(1, 60), st.booleans())
def test_blocks_change_nothing(
    cases: list[tuple[NDArray[np.float64], list[bool]]], block_numbers: int, single: bool
) -> None:
    kind = np.float32 if single else np.float64
    lattices = [Lattice(scores.astype(kind), np.array(joined), ~np.array(joined)) for scores, joined in cases]
    whole, pieces = (best_sequences(lattices, VALID, each) for each in (BLOCK_NUMBERS, block_numbers))
    as_double = [Lattice(each.log_probs.astype(np.float64), each.joined, each.flagged) for each in lattices]
    for found in (pieces, best_sequences(as_double, VALID)):
        for (tags, marginals), (other_tags, others) in zip(whole, found, strict=True):
            assert tags.tolist() == other_tags.tolist()
            assert marginals.tolist() == others.tolist()
    for (tags, marginals), (same, chances) in zip(whole, viterbi.best_sequences(lattices, VALID), strict=True):
        assert tags.tolist() == same.tolist()
        assert marginals[np.arange(len(tags)), tags].tolist() == chances.tolist()
