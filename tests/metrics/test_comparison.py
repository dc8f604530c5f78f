"""Two systems on the same documents, beside published and exact values."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from deidsynth.errors import InputError
from deidsynth.metrics.comparison import Difference, non_inferiority, paired_bootstrap, randomization_test
from deidsynth.metrics.resampling import Interval, bootstrap, ratios

ROW = st.tuples(*[st.integers(0, 6)] * 3)
PAIRS = st.lists(st.tuples(ROW, ROW), min_size=2, max_size=8)

# Differences of height of crossed and self-fertilized maize in eighths of an inch (Darwin 1876; Fisher 1935, "The
# Design of Experiments", chapter III). 1,726 of the 32,768 exchanges give a sum at least as large: 5.267%.
DARWIN = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]


def systems(seed: int, n_documents: int, loss: int) -> tuple[np.ndarray, np.ndarray]:
    """Two systems with as many gold entities, the second of which misses ``loss`` more in each document."""
    random = np.random.default_rng(seed)
    first = np.column_stack([random.integers(20, 40, n_documents), random.integers(0, 5, (n_documents, 2))])
    return first, first + np.array([-loss, 0, loss])


def test_randomization_gives_the_p_value_of_fisher_for_the_maize_of_darwin() -> None:
    # As recall: 200 gold entities a document, of which the systems find 100 and 100 + d.
    first = [[100, 0, 100] for _ in DARWIN]
    second = [[100 + d, 0, 100 - d] for d in DARWIN]
    p = randomization_test(first, second, statistic="recall", n_permutations=100_000)
    assert p == pytest.approx(1726 / 32768, abs=0.003)
    assert randomization_test(second, first, statistic="recall", n_permutations=100_000) == p


@pytest.mark.parametrize("statistic", ["precision", "recall", "f1"])
def test_randomization_approaches_all_swaps(statistic: str) -> None:
    random = np.random.default_rng(4)
    first, second = random.integers(1, 12, (2, 9, 3)).astype(float)

    def size(swapped: tuple[bool, ...]) -> float:
        where = np.array(swapped)[:, None]
        one, other = np.where(where, second, first).sum(axis=0), np.where(where, first, second).sum(axis=0)
        return abs(float(ratios(one)[statistic] - ratios(other)[statistic]))

    sizes = [size(swapped) for swapped in product([False, True], repeat=9)]
    exact = np.mean([one >= sizes[0] - 1e-12 for one in sizes])
    p = randomization_test(first, second, statistic=statistic, n_permutations=40_000)
    assert p == pytest.approx(exact, abs=0.012)


def test_the_smallest_p_value_is_one_in_n_plus_one() -> None:
    first, second = systems(0, 60, loss=5)
    assert randomization_test(first, second, n_permutations=999) == 1 / 1000
    # Two groups: all four exchanges are as large or zero, half of them are as large.
    p = randomization_test(first, second, ["a", "b"] * 30, n_permutations=9_999)
    assert p == pytest.approx(0.5, abs=0.02)


def test_an_undefined_difference_has_no_p_value_and_undefined_swaps_are_extreme() -> None:
    silent, finder = [[0, 0, 1]] * 2, [[1, 0, 0]] * 2
    assert randomization_test(silent, finder, statistic="precision") is None
    assert randomization_test(np.zeros((0, 3)), np.zeros((0, 3))) is None
    # Precision 1 and 1/2: when one system has both documents' predictions, the other's precision is 0/0.
    first, second = [[1, 0, 0], [0, 0, 1]], [[0, 0, 1], [1, 1, 0]]
    p = randomization_test(first, second, statistic="precision", n_permutations=2_000)
    assert p == 1


@settings(max_examples=40)
@given(PAIRS)
def test_properties_of_a_pair(pairs: list[tuple[tuple[int, ...], tuple[int, ...]]]) -> None:
    first, second = [one for one, _ in pairs], [other for _, other in pairs]
    forth = paired_bootstrap(first, second, n_resamples=60)
    p = randomization_test(first, second, n_permutations=60)
    assert (p is None) == (forth["f1"] is None)
    assert p is None or 1 / 61 <= p <= 1
    assert randomization_test(first, first, n_permutations=60) in (None, 1)
    assert paired_bootstrap(first[::-1], second[::-1], n_resamples=60) == forth
    for name, same in paired_bootstrap(first, first, n_resamples=60).items():
        assert same is None or same == Difference(0, same.interval, None if same.interval is None else 1)
        assert same is None or same.interval in (None, Interval(0, 0, 0.95)), name
    for difference in forth.values():
        assert difference is None or -1 <= difference.point <= 1
        assert difference is None or difference.interval is None or difference.interval.low <= difference.interval.high


def test_pairing_cancels_what_is_hard_for_both() -> None:
    # Recall varies wildly over documents, the difference not at all.
    first = np.array([[found, 0, 10 - found] for found in range(1, 10)] * 5)
    second = first + np.array([1, 0, -1])
    recall = paired_bootstrap(first, second)["recall"]
    assert recall == Difference(pytest.approx(0.1), Interval(pytest.approx(0.1), pytest.approx(0.1), 0.95), 0)
    alone = bootstrap(first)["recall"]
    assert alone is not None
    assert alone.high - alone.low > 0.1


def test_paired_bootstrap_by_hand() -> None:
    # Two documents: second - first of recall is +1/2 and -1/4, so 1/2, 1/8, 1/8 or -1/4 with equal chances.
    first, second = [[1, 0, 3], [2, 0, 2]], [[3, 0, 1], [1, 0, 3]]
    recall = paired_bootstrap(first, second, level=0.9)["recall"]
    assert recall is not None
    assert (recall.point, recall.interval) == (0.125, Interval(-0.25, 0.5, 0.9))
    assert recall.share_not_positive == pytest.approx(0.25, abs=0.02)
    assert recall.to_dict()["interval"] == [-0.25, 0.5]


def test_no_difference_without_a_ratio_and_no_interval_of_one_group() -> None:
    differences = paired_bootstrap([[0, 0, 1]] * 3, [[1, 0, 0]] * 3, ["p"] * 3)
    assert differences == {"precision": None, "recall": Difference(1, None, None), "f1": Difference(1, None, None)}


def test_a_small_drop_is_non_inferior_and_the_bound_is_one_sided() -> None:
    reference, candidate = systems(1, 300, loss=1)
    verdict = non_inferiority(reference, candidate, margin=0.05)
    difference = paired_bootstrap(candidate, reference, level=0.9)["f1"]
    assert difference is not None
    assert difference.interval is not None
    assert verdict.drop == difference.point
    # The upper end of a two-sided interval of 90% bounds with 95% on one side; the draws are the same.
    assert verdict.upper == pytest.approx(difference.interval.high, abs=1e-12)
    assert 0 < verdict.drop < verdict.upper < 0.05
    assert verdict.non_inferior
    assert not non_inferiority(reference, candidate, margin=verdict.upper).non_inferior
    assert not non_inferiority(reference, candidate, margin=verdict.drop).non_inferior
    assert verdict.to_dict()["level"] == 0.95


def test_non_inferiority_by_hand() -> None:
    # F1 is recall where fp = fn; drops of a document are +1/2 and -1/4, so the bound at 90% is 1/2, at 60% 1/8.
    reference, candidate = [[3, 1, 1], [1, 3, 3]], [[1, 3, 3], [2, 2, 2]]
    assert non_inferiority(reference, candidate, 0.2, level=0.9).upper == 0.5
    found = non_inferiority(reference, candidate, 0.2, level=0.6)
    assert (found.drop, found.upper, found.non_inferior) == (0.125, 0.125, True)
    # A candidate that is better has a drop below zero.
    assert non_inferiority([[1, 3, 3]] * 4, [[3, 1, 1]] * 4, 0.01).upper == -0.5


@pytest.mark.parametrize("counts", [np.zeros((0, 3)), [[0, 0, 0]] * 4, [[9, 0, 1]]])
def test_nothing_is_shown_without_data(counts: list[list[int]]) -> None:
    verdict = non_inferiority(counts, counts, 0.02)
    assert (verdict.upper, verdict.non_inferior) == (None, False)


@pytest.mark.parametrize("margin", [0, -0.01, 1, 2, float("nan")])
def test_a_margin_is_a_share_above_zero(margin: float) -> None:
    with pytest.raises(InputError, match=r"margin must be between 0 and 1 \(0.02 is two points"):
        non_inferiority([[1, 0, 0]], [[1, 0, 0]], margin)


def test_what_cannot_be_compared_is_refused() -> None:
    one, two = [[1, 0, 0]], [[1, 0, 0]] * 2
    for compare in (paired_bootstrap, randomization_test):
        with pytest.raises(InputError, match="of 1 and 2 documents; score both on the same"):
            compare(one, two)
        with pytest.raises(InputError, match="one group for each of 1 documents, got 2"):
            compare(one, one, ["a", "b"])
        with pytest.raises(InputError, match="0 or more"):
            compare(one, one, seed=-1)
    with pytest.raises(InputError, match="one of precision, recall, f1, got 'accuracy'"):
        randomization_test(one, one, statistic="accuracy")
    with pytest.raises(InputError, match="permutations must be at least 1"):
        randomization_test(one, one, n_permutations=0)


def test_one_seed_gives_one_result() -> None:
    first, second = np.random.default_rng(2).integers(0, 9, (2, 40, 3))
    for compare in (paired_bootstrap, randomization_test):
        assert compare(first, second, seed=3) == compare(first, second, seed=3)
        assert compare(first, second, seed=3) != compare(first, second, seed=4)
