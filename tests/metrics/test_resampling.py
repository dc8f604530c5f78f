"""Intervals by resampling, beside exact distributions."""

from __future__ import annotations

import math
from itertools import accumulate, product

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from deidsynth.errors import InputError
from deidsynth.metrics.resampling import Interval, bootstrap, group_rows, ratios, resample

COUNTS = st.lists(st.tuples(*[st.integers(0, 9)] * 3), min_size=1, max_size=12)


def binomial_quantile(n: int, p: float, share: float) -> int:
    cumulated = accumulate(math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1))
    return next(k for k, below in enumerate(cumulated) if below >= share)


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_recall_of_single_entities_is_binomial(level: float) -> None:
    # A resample of 100 documents with one entity each, 60 of them found, finds Binomial(100, 0.6) of them.
    interval = bootstrap([[1, 0, 0]] * 60 + [[0, 0, 1]] * 40, level=level, n_resamples=40_000)["recall"]
    assert interval is not None
    assert round(interval.low * 100) == pytest.approx(binomial_quantile(100, 0.6, (1 - level) / 2), abs=1)
    assert round(interval.high * 100) == pytest.approx(binomial_quantile(100, 0.6, (1 + level) / 2), abs=1)
    assert interval.level == level


def test_ends_are_those_of_all_27_resamples_of_three_documents() -> None:
    documents = np.array([[4, 1, 0], [3, 0, 4], [1, 5, 2]], dtype=float)
    every = np.array([documents[list(drawn)].sum(axis=0) for drawn in product(range(3), repeat=3)])
    # The 27 are equally likely; the quantiles at 0.15 and 0.85 lie inside a step of each distribution.
    found = bootstrap(documents, level=0.7, n_resamples=20_000)
    for name, values in ratios(every).items():
        low, high = np.quantile(values, [0.15, 0.85], method="inverted_cdf")
        assert found[name] == Interval(pytest.approx(low), pytest.approx(high), 0.7)


def test_documents_of_one_group_are_drawn_together() -> None:
    halves = [[1, 0, 0]] * 50 + [[0, 0, 1]] * 50
    apart = bootstrap(halves)["recall"]
    together = bootstrap(halves, ["p1"] * 50 + ["p2"] * 50, level=0.6)["recall"]
    assert apart is not None
    assert 0.38 < apart.low < 0.42 < 0.58 < apart.high < 0.62
    # Two groups give recall 0, 1/2, 1/2 or 1 with equal chances.
    assert bootstrap(halves, ["p1"] * 50 + ["p2"] * 50)["recall"] == Interval(0, 1, 0.95)
    assert together == Interval(0, 1, 0.6)


@pytest.mark.parametrize(
    ("counts", "groups"),
    [
        (np.zeros((0, 3)), None),
        ([[1, 1, 1]], None),
        ([[1, 1, 1], [2, 1, 0]], ["p", "p"]),
        ([[0, 0, 0]] * 9, None),
        # One of a hundred documents holds all: a third of the resamples miss it, the others agree by necessity.
        ([[1, 1, 1]] + [[0, 0, 0]] * 99, None),
    ],
)
def test_no_interval_where_the_data_cannot_give_one(counts: list[list[int]], groups: list[str] | None) -> None:
    assert bootstrap(counts, groups, n_resamples=500) == {"precision": None, "recall": None, "f1": None}


def test_a_few_resamples_of_nothing_are_left_out() -> None:
    # Each resample misses the five documents with probability (1 - 5/100)^100 = 0.6%.
    found = bootstrap([[1, 0, 1]] * 5 + [[0, 0, 0]] * 95)
    assert found["recall"] == Interval(0.5, 0.5, 0.95)
    # A silent system: precision is 0/0, recall 0.
    silent = bootstrap([[0, 0, 2]] * 5)
    assert silent == {"precision": None, "recall": Interval(0, 0, 0.95), "f1": Interval(0, 0, 0.95)}


def test_draws_are_uniform_and_of_the_size_of_the_data() -> None:
    drawn = resample(np.eye(7), 7_000, np.random.default_rng(3))
    assert (drawn.sum(axis=1) == 7).all()
    assert drawn.mean(axis=0) == pytest.approx(np.ones(7), abs=0.05)
    # Multinomial: variance 1 - 1/7 and covariance -1/7.
    assert np.cov(drawn.T) == pytest.approx(np.eye(7) - 1 / 7, abs=0.06)


def test_one_seed_gives_one_result_whatever_the_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = np.random.default_rng(0).integers(0, 9, (40, 3))
    wanted = bootstrap(counts, n_resamples=300, seed=5)
    assert bootstrap(counts, n_resamples=300, seed=5) == wanted
    assert bootstrap(counts, n_resamples=300, seed=6) != wanted
    monkeypatch.setattr("deidsynth.metrics.resampling._CELLS", 130)
    assert bootstrap(counts, n_resamples=300, seed=5) == wanted


@settings(max_examples=50)
@given(COUNTS, st.randoms(use_true_random=False))
def test_only_group_sums_matter_and_no_order_does(counts: list[tuple[int, int, int]], random: object) -> None:
    halved = [(part, part, part) for part in range(len(counts))]
    groups = [number for number, _ in enumerate(counts)] * 2
    split = [tuple(c / 2 for c in row) for row in counts] * 2
    wanted = bootstrap(counts, n_resamples=50)
    assert bootstrap(split, groups, n_resamples=50) == wanted
    order = list(range(len(split)))
    random.shuffle(order)  # type: ignore[attr-defined]
    shuffled = bootstrap([split[i] for i in order], [halved[groups[i]] for i in order], n_resamples=50)
    assert shuffled == wanted
    for interval in wanted.values():
        assert interval is None or 0 <= interval.low <= interval.high <= 1


@given(COUNTS)
def test_ratios_are_those_of_the_sums(counts: list[tuple[int, int, int]]) -> None:
    tp, fp, fn = (sum(row[i] for row in counts) for i in range(3))
    found = ratios(group_rows([counts], None).sum(axis=0))
    for name, part, whole in (("precision", tp, tp + fp), ("recall", tp, tp + fn), ("f1", 2 * tp, 2 * tp + fp + fn)):
        assert (math.isnan(found[name]) and not whole) or found[name] == part / whole


@pytest.mark.parametrize(
    ("counts", "options", "message"),
    [
        ([[1, 2]], {}, r"shape \(n_documents, 3\).*got shape \(1, 2\)"),
        ([1, 2, 3], {}, "got shape"),
        ([[1, 2, 3], [1]], {}, "must be numbers"),
        ([["secret", 2, 3]], {}, "must be numbers"),
        ([[1, -1, 0]], {}, "negative or non-finite"),
        ([[1, math.nan, 0]], {}, "negative or non-finite"),
        ([[1, 1, 0]], {"groups": []}, "one group for each of 1 documents, got 0"),
        ([[1, 1, 0]], {"level": 95}, "between 0 and 1, such as 0.95, got 95"),
        ([[1, 1, 0]], {"n_resamples": 0}, "at least 1, got 0"),
        ([[1, 1, 0]], {"seed": -1}, "0 or more, got -1"),
    ],
)
def test_what_cannot_be_resampled_is_refused(counts: list[list[float]], options: dict[str, int], message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        bootstrap(counts, **options)
    assert "secret" not in str(error.value)
    assert error.value.__cause__ is None


def test_interval_as_plain_data() -> None:
    assert Interval(0.1, 0.2, 0.9).ends == (0.1, 0.2)
