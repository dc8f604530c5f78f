from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from deidsynth.errors import InputError
from deidsynth.metrics.proportions import wilson_interval


@pytest.mark.parametrize(
    ("found", "n", "low", "high"),
    # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_published_intervals(found, n, low, high) -> None:
    assert wilson_interval(found / n, n).ends == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_it_contains_the_share_and_is_never_a_point(drawn) -> None:
    found, n = drawn
    low, high = wilson_interval(found / n, n).ends
    assert 0 <= low <= found / n <= high <= 1
    assert low < high


@pytest.mark.parametrize("given", [(1.1, 3, 0.95), (0.5, 0, 0.95), (0.5, 3, 1.0)])
def test_what_is_out_of_bounds_is_refused(given) -> None:
    share, n, level = given
    with pytest.raises(InputError):
        wilson_interval(share, n, level=level)
