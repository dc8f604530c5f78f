from __future__ import annotations

import doctest
import json
from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, strategies as st

from deidsynth.errors import InputError
from deidsynth.privacy.audit import statistics
from deidsynth.privacy.audit.statistics import POWER, auc_difference, share_difference

Z = 1.959963984540054
SIZES = ((4, 3), (30, 15), (475, 235))
COUNTS = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
SCORES = st.lists(st.integers(-3, 3), min_size=1, max_size=20)


def shares(found: int, n: int) -> list[bool]:
    return [True] * found + [False] * (n - found)


@pytest.mark.parametrize(
    ("train", "held_out", "low", "high"),
    # Newcombe 1998, "Interval estimation for the difference between independent proportions", table II, method 10.
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_published_intervals_of_a_difference_of_shares(train, held_out, low, high) -> None:
    found = share_difference(shares(*train), shares(*held_out))
    assert found.interval == pytest.approx((low, high), abs=5e-5)
    assert found.n == (train[1], held_out[1])
    assert found.difference == found.train - found.held_out


@given(COUNTS, COUNTS)
def test_the_interval_of_a_share_is_never_a_point_and_turns_with_the_sides(train, held_out) -> None:
    found = share_difference(shares(*train), shares(*held_out))
    low, high = found.interval
    assert -1 <= low <= found.difference <= high <= 1
    assert low < high
    assert share_difference(shares(*held_out), shares(*train)).interval == pytest.approx((-high, -low))
    assert found.detectable is None or 0 < found.detectable <= 1 - found.held_out + 1e-9


def test_the_detectable_excess_of_a_share_is_found_with_the_power_stated() -> None:
    source = np.random.default_rng(1)
    for n in SIZES[1:]:
        for control in (0.0, 0.2, 0.6):
            held_out = shares(round(control * n[1]), n[1])
            found = share_difference(shares(0, n[0]), held_out)
            assert found.detectable is not None
            drawn = zip(
                source.binomial(n[0], found.held_out + found.detectable, 2000),
                source.binomial(n[1], found.held_out, 2000),
                strict=True,
            )
            above = [share_difference(shares(x, n[0]), shares(y, n[1])).interval[0] > 0 for x, y in drawn]
            assert np.mean(above) == pytest.approx(POWER, abs=0.035)


def test_without_room_above_the_control_or_without_groups_nothing_is_detectable() -> None:
    assert share_difference(shares(475, 475), shares(235, 235)).detectable is None
    assert share_difference(shares(0, 2), shares(0, 1)).detectable is None
    assert auc_difference([1.0, 2.0], [0.0, 1.0]).detectable is None


def test_more_groups_detect_a_smaller_excess() -> None:
    by_share = [share_difference(shares(0, n), shares(0, n)).detectable for n in (20, 100, 1000)]
    by_auc = [auc_difference(range(n), range(n)).detectable for n in (20, 100, 1000)]
    for found in (by_share, by_auc):
        assert found == sorted(found, reverse=True)
        assert found[-1] > 0


def test_the_auc_counts_ties_half() -> None:
    found = auc_difference([3, 4, 5, 6], [1, 2, 3])
    assert found.train == pytest.approx(11.5 / 12)
    assert (found.held_out, found.difference) == (0.5, pytest.approx(11.5 / 12 - 0.5))
    assert auc_difference([1] * 5, [1] * 9).difference == 0


@given(SCORES, SCORES)
def test_the_interval_of_an_auc_is_never_a_point_and_turns_with_the_sides(train, held_out) -> None:
    found = auc_difference(train, held_out)
    low, high = found.interval
    assert -0.5 <= low <= found.difference <= high <= 0.5
    assert low < high
    assert auc_difference(held_out, train).interval == pytest.approx((-high, -low))
    wins = [(x > y) + (x == y) / 2 for x in train for y in held_out]
    assert found.train == pytest.approx(np.mean(wins))


def hanley_mcneil(auc: float, n: tuple[float, float]) -> float:
    """The variance of an AUC as published, with the same size for both sides in the numerator."""
    size, first, second = sum(n) / 2, auc / (2 - auc), 2 * auc**2 / (1 + auc)
    return (auc * (1 - auc) + (size - 1) * (first - auc**2) + (size - 1) * (second - auc**2)) / (n[0] * n[1])


def test_the_variance_is_that_of_hanley_and_mcneil() -> None:
    # Hanley and McNeil 1982, "The meaning and use of the area under a ROC curve", table II: .893, standard error .032.
    assert sqrt(hanley_mcneil(0.893, (51, 58))) == pytest.approx(0.032, abs=5e-4)
    source = np.random.default_rng(1)
    found = auc_difference(source.normal(1.0, 1.0, 51), source.normal(0.0, 1.0, 58))
    for end in found.interval:
        assert abs(found.difference - end) >= Z * sqrt(hanley_mcneil(0.5 + end, (51, 58))) - 1e-9


def test_the_interval_of_a_perfect_auc_by_hand() -> None:
    # One group a side: (1 - t)^2 = z^2 t (1 - t), so t = 1 / (1 + z^2).
    assert auc_difference([1.0], [0.0]).interval == pytest.approx((1 / (1 + Z**2) - 0.5, 0.5))


def test_delongs_interval_where_one_side_is_more_spread_by_hand() -> None:
    # Half of the training scores are above all others, half below: variance of the placements .25 * 10 / 9.
    found = auc_difference([9.0] * 5 + [-9.0] * 5, [0.0] * 40)
    assert found.interval == pytest.approx((-Z / 6, Z / 6))


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("shift", [0.0, 0.7, 2.0])
@pytest.mark.parametrize("spread", [1.0, 3.0])
@pytest.mark.parametrize("digits", [None, 0])
def test_the_interval_of_an_auc_covers(n, shift, spread, digits) -> None:
    source = np.random.default_rng(1)

    def drawn(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        pair = source.normal(shift, spread, size[0]), source.normal(0.0, 1.0, size[1])
        return pair if digits is None else (pair[0].round(digits), pair[1].round(digits))

    large = [auc_difference(*drawn((20_000, 20_000))).difference for _ in range(10)]
    truth, n_trials = float(np.mean(large)), 500
    ends = [auc_difference(*drawn(n)).interval for _ in range(n_trials)]
    # 95 %, less three standard errors of a share of so many trials; a little less where groups are a handful.
    least = 0.92 if min(n) > 5 else 0.90
    assert np.mean([low <= truth <= high for low, high in ends]) >= least


def test_the_detectable_excess_of_an_auc_is_found_with_about_the_power_stated() -> None:
    source, n = np.random.default_rng(1), (120, 60)
    detectable = auc_difference(range(n[0]), range(n[1])).detectable
    assert detectable is not None
    # Exponential scores, for which the variance of Hanley and McNeil is exact: AUC = rate / (1 + rate).
    rate = (0.5 + detectable) / (0.5 - detectable)
    pairs = [(source.exponential(rate, n[0]), source.exponential(1.0, n[1])) for _ in range(2000)]
    assert np.mean([auc_difference(*pair).interval[0] > 0 for pair in pairs]) == pytest.approx(POWER, abs=0.04)


@pytest.mark.parametrize("sides", [([], [1.0]), ([1.0], [])])
def test_a_side_without_groups_is_refused(sides) -> None:
    with pytest.raises(InputError, match="give more documents"):
        share_difference(*sides)
    with pytest.raises(InputError, match="give more documents"):
        auc_difference(*sides)


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_a_score_that_is_no_number_is_refused(score) -> None:
    with pytest.raises(InputError, match="finite"):
        auc_difference([1.0, score], [0.0])


def test_a_difference_becomes_a_measure_in_plain_numbers() -> None:
    found = share_difference(shares(3, 10), shares(1, 10))
    measured = found.measured("linkage", "share", of="x", details={"n_pairs": 4})
    assert (measured.name, measured.kind, measured.of, measured.reason) == ("linkage", "share", "x", "")
    assert (measured.train, measured.held_out, measured.interval) == (0.3, 0.1, found.interval)
    assert json.loads(json.dumps(replace(measured, details=dict(measured.details)).details)) == {"n_pairs": 4}
    figures = found.interval, found.detectable, *auc_difference(np.arange(5), np.arange(3)).interval
    json.dumps(figures)


def test_examples_in_docstrings() -> None:
    assert doctest.testmod(statistics).failed == 0
