"""The spread over folds and seeds, by hand and beside a published example."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from deidsynth.errors import InputError
from deidsynth.metrics.variance import VarianceSplit, variance_split


def by_fold(*folds: list[float]) -> dict[tuple[int, int], float]:
    return {(fold, seed): score for fold, scores in enumerate(folds) for seed, score in enumerate(scores)}


def test_split_by_hand() -> None:
    # Means 2 and 6 about 4: MSB = 2 (4 + 4) / 1 = 16, MSW = (2 + 2) / 2 = 2, folds (16 - 2) / 2 = 7.
    split = variance_split(by_fold([1, 3], [5, 7]))
    assert split == VarianceSplit(4, pytest.approx((20 / 3) ** 0.5), 7, 2, 2, 4)
    assert split.to_dict()["between_folds"] == 7


def test_unequal_folds_by_hand() -> None:
    # Means 2 and 8 about 4: SSB = 4 * 4 + 2 * 16 = 48, SSW = 4 + 2 = 6, MSW = 6 / 4.
    # n0 = (6 - (16 + 4) / 6) / 1 = 8/3.
    split = variance_split(by_fold([1, 3, 1, 3], [7, 9]))
    assert (split.mean, split.between_seeds) == (4, 1.5)
    assert split.between_folds == pytest.approx((48 - 1.5) / (8 / 3))


def test_calcium_in_turnip_leaves() -> None:
    # Snedecor & Cochran, "Statistical Methods", random-effects example: four leaves, four determinations of percent
    # calcium each; mean squares 0.2961 and 0.0066, component of the leaves 0.0724.
    leaves = ([3.28, 3.09, 3.03, 3.03], [3.52, 3.48, 3.38, 3.38], [2.88, 2.80, 2.81, 2.76], [3.34, 3.38, 3.23, 3.26])
    split = variance_split(by_fold(*leaves))
    assert split.between_seeds == pytest.approx(0.0066, abs=5e-5)
    assert split.between_folds == pytest.approx(0.0724, abs=5e-5)


def test_folds_that_agree_have_no_variance_and_never_a_negative_one() -> None:
    split = variance_split(by_fold([1, 3], [3, 1]))
    assert (split.between_folds, split.between_seeds) == (0, 2)


@pytest.mark.parametrize(
    ("folds", "expected"),
    [
        ([], VarianceSplit(None, None, None, None, 0, 0)),
        ([[3]], VarianceSplit(3, None, None, None, 1, 1)),
        ([[1], [3]], VarianceSplit(2, 2**0.5, None, None, 2, 2)),
        ([[1, 3]], VarianceSplit(2, 2**0.5, None, 2, 1, 2)),
    ],
)
def test_what_cannot_be_split_is_none(folds: list[list[float]], expected: VarianceSplit) -> None:
    assert variance_split(by_fold(*folds)) == expected


def test_a_score_that_is_not_finite_is_refused() -> None:
    with pytest.raises(InputError, match="not finite; leave out"):
        variance_split({("a", 1): float("nan")})


@given(st.integers(2, 5), st.integers(2, 4), st.data())
def test_of_equal_folds_the_sums_of_squares_add_up(n_folds: int, n_seeds: int, data: st.DataObject) -> None:
    scores = st.lists(st.integers(0, 100).map(lambda n: n / 100), min_size=n_seeds, max_size=n_seeds)
    split = variance_split(by_fold(*[data.draw(scores) for _ in range(n_folds)]))
    assert split.sd is not None
    assert split.between_folds is not None
    assert split.between_seeds is not None
    n = n_folds * n_seeds
    total = (n_folds - 1) * (n_seeds * split.between_folds + split.between_seeds) + (n - n_folds) * split.between_seeds
    # Cut to zero, the folds take no less than their part.
    assert total >= split.sd**2 * (n - 1) - 1e-9
    if split.between_folds > 0:
        assert total == pytest.approx(split.sd**2 * (n - 1))
