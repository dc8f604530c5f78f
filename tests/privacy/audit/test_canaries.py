"""Canaries: what right guesses of coin flips say of epsilon, against values worked out by hand."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, strategies as st

from deidsynth.documents import Document
from deidsynth.privacy.audit.canaries import (
    EndingSpace,
    canaries,
    detectable_excess,
    epsilon_lower_bound,
    exposure,
    guesses_needed,
    guesses_p_value,
    make_canaries,
    ranks,
)


def test_all_guesses_right_has_a_bound_in_closed_form() -> None:
    """With delta 0, q ** r = .05 gives q, and epsilon = ln(q / (1 - q))."""
    for n in (10, 50, 200):
        right = 0.05 ** (1 / n)
        assert epsilon_lower_bound(n, n, n) == pytest.approx(math.log(right / (1 - right)), abs=1e-5)
    assert epsilon_lower_bound(100, 100, 100) == pytest.approx(3.4923, abs=1e-3)


def test_p_values_by_hand() -> None:
    assert guesses_p_value(2, 2, 2, 0.0, 0.0) == pytest.approx(0.25)  # two coins
    # One guess of five canaries at epsilon ln 3: right with 3/4; alpha = P[0 right] = 1/4.
    assert guesses_p_value(5, 1, 1, math.log(3), 0.01) == pytest.approx(0.75 + 2 * 5 * 0.01 * 0.25)
    # Two guesses at epsilon 0: alpha = max(P[1], (P[1] + P[0]) / 2) = max(.5, .375).
    assert guesses_p_value(2, 2, 2, 0.0, 0.01) == pytest.approx(0.25 + 2 * 2 * 0.01 * 0.5)
    # Three guesses, two of them right, at epsilon ln 3: P[>= 2] = 27/64 + 27/64; alpha = max(9/64, (9 + 1)/64/2).
    assert guesses_p_value(10, 3, 2, math.log(3), 0.001) == pytest.approx(54 / 64 + 20 * 0.001 * 9 / 64)
    assert guesses_p_value(10, 3, 0, 1.0, 0.5) == 1.0


def test_chance_contradicts_nothing() -> None:
    assert epsilon_lower_bound(100, 100, 50) == 0.0
    assert epsilon_lower_bound(100, 100, 0) == 0.0
    assert epsilon_lower_bound(100, 100, 95, delta=1e-5) < epsilon_lower_bound(100, 100, 95)


@given(st.integers(1, 200), st.data())
def test_more_right_guesses_never_lower_the_bound(n: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, n - 1))
    assert epsilon_lower_bound(n, n, right) <= epsilon_lower_bound(n, n, right + 1)
    assert epsilon_lower_bound(2 * n, n, right, delta=1e-3) <= epsilon_lower_bound(n, n, right, delta=1e-3)


def test_the_bound_of_randomized_response_exceeds_its_epsilon_in_five_percent_of_runs_at_most() -> None:
    chance, epsilon, n = random.Random(1), 1.0, 200
    tells_truth = math.exp(epsilon) / (1 + math.exp(epsilon))
    bounds = [epsilon_lower_bound(n, n, sum(chance.random() < tells_truth for _ in range(n))) for _ in range(300)]
    assert sum(bound > epsilon for bound in bounds) <= 0.08 * len(bounds)
    assert sum(bounds) / len(bounds) > 0.6


def test_ranks_and_exposure_by_hand() -> None:
    references = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    assert ranks([0.5, 4.5, 9.0], references) == [1, 5, 8]
    assert exposure([0.5, 9.0], references) == [3.0, 0.0]
    assert exposure([1.0], references) == [2.0]  # a reference as low comes first


def test_canaries_begin_like_documents_and_end_at_random() -> None:
    documents = [Document(str(number), f"Fiktiv anteckning nummer {number} om ingenting alls") for number in range(3)]
    made = make_canaries(200, documents, seed=4, n_words=3)
    assert {each.beginning for each in made} == {"Fiktiv anteckning nummer"}
    assert len({each.ending for each in made}) == 200
    assert all(len(each.ending.split()) == 12 for each in made)
    assert 70 < sum(each.is_inserted for each in made) < 130
    assert made == make_canaries(200, documents, seed=4, n_words=3) != make_canaries(200, documents, seed=5, n_words=3)
    assert len({each.document(number).unit for number, each in enumerate(made)}) == 200
    assert "Fiktiv" not in repr(made[0])
    assert EndingSpace().n_bits == pytest.approx(12 * math.log2(10))
    with pytest.raises(ValueError, match="begin with"):
        make_canaries(3, [], seed=1)


def test_the_measure_contradicts_a_claim_or_not() -> None:
    apart, mixed = [float(-number) for number in range(1, 101)], [float(number) for number in range(100)]
    found = canaries(apart, mixed, 2.0, delta=1e-5)
    assert (found.details["n_guesses"], found.details["n_correct"], found.n) == (100, 100, (100, 100))
    assert found.train is not None and found.train > 2.0 and found.difference is not None and found.difference > 0
    assert found.details["exposure_max"] == pytest.approx(math.log2(101)) == found.details["exposure_limit"]
    same = canaries(mixed, mixed, 2.0, delta=1e-5)
    assert same.train == 0.0 and same.difference == -2.0 and same.interval == (-2.0, -2.0)


def test_equal_losses_are_no_evidence() -> None:
    assert canaries([1.0] * 50, [1.0] * 50, 1.0).details["n_correct"] == 0


def test_a_claim_beyond_the_canaries_is_named() -> None:
    found = canaries([0.0] * 50, [1.0] * 50, 8.0)
    assert found.detectable is None and f"at least {guesses_needed(8.0)} can" in found.reason
    assert canaries([0.0] * 50, [1.0] * 50, None).difference is None
    assert canaries([], [1.0] * 50, 1.0).train is None


def test_the_smallest_detectable_excess_has_the_stated_power() -> None:
    excess = detectable_excess(200, 200, 1.0)
    assert excess is not None and 0.2 < excess < 1.0
    chance, n = random.Random(2), 200
    right = 1 / (1 + math.exp(-(1.0 + excess)))
    seen = [epsilon_lower_bound(n, n, sum(chance.random() < right for _ in range(n))) > 1.0 for _ in range(300)]
    assert 0.72 < sum(seen) / len(seen) < 0.88
    assert detectable_excess(10, 10, 5.0) is None


def test_as_many_guesses_as_needed_suffice() -> None:
    for claim in (0.5, 1.0, 3.0):
        needed = guesses_needed(claim)
        assert (
            epsilon_lower_bound(needed, needed, needed)
            > claim
            > epsilon_lower_bound(needed - 1, needed - 1, needed - 1)
        )
