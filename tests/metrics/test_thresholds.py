import numpy as np
import pytest
from hypothesis import given, strategies as st

from deidsynth.errors import InputError
from deidsynth.metrics.thresholds import Threshold, outside_threshold

OUTSIDE = np.array([0.9, 0.1, 0.3, 0.3, 0.05, 0.6, 0.8, 0.95])
PRIVATE = np.array([False, True, True, False, True, False, True, False])


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (0.01, Threshold(0.05, 1 / 4, 1.0)),
        (0.25, Threshold(0.05, 1 / 4, 1.0)),
        (0.26, Threshold(0.1, 2 / 4, 1.0)),
        (0.5, Threshold(0.1, 2 / 4, 1.0)),
        # .3 is the probability of a private token and of one that is not.
        (0.75, Threshold(0.3, 3 / 4, 3 / 4)),
        # All private ones: .05, .1, .3, .8, and .3 and .6 that are not.
        (1.0, Threshold(0.8, 1.0, 4 / 6)),
    ],
)
def test_thresholds_by_hand(target, expected):
    assert outside_threshold(OUTSIDE, PRIVATE, target) == expected


def test_tied_private_tokens_come_together():
    outside, private = np.array([0.2, 0.2, 0.2, 0.7]), np.array([True, True, False, True])
    assert outside_threshold(outside, private, 0.1) == Threshold(0.2, 2 / 3, 2 / 3)


def test_a_target_that_is_a_share_of_tokens_is_met_exactly():
    # 19 of 20 is 0.95: one more than that would be flagged if the share was rounded up.
    outside = np.arange(20) / 20
    assert outside_threshold(outside, np.ones(20, dtype=bool), 0.95).threshold == 18 / 20
    for n_private in range(1, 200):
        outside, private = np.arange(n_private) / n_private, np.ones(n_private, dtype=bool)
        for n_found in (1, n_private // 3 + 1, n_private):
            assert outside_threshold(outside, private, n_found / n_private).recall == n_found / n_private


def test_single_precision_gives_a_threshold_that_flags_the_same_tokens():
    outside = np.array([0.1, 0.7, 0.3], dtype=np.float32)
    result = outside_threshold(outside, np.array([True, True, False]), 0.5)
    assert (outside <= result.threshold).tolist() == [True, False, False]


@pytest.mark.parametrize("target", [0, -0.1, 1.01, float("nan")])
def test_a_target_outside_of_its_range_is_refused(target):
    with pytest.raises(InputError, match="target recall must be above 0 and at most 1"):
        outside_threshold(OUTSIDE, PRIVATE, target)


@pytest.mark.parametrize(
    ("outside", "private", "message"),
    [
        (OUTSIDE, np.zeros(8, dtype=bool), "no token is private"),
        (np.array([]), np.array([], dtype=bool), "no token is private"),
        (OUTSIDE, PRIVATE[:3], "one private flag for each of 8 outside probabilities"),
        (OUTSIDE, PRIVATE.astype(np.int64), "private flags must be booleans, got int64"),
        (OUTSIDE.reshape(2, 4), PRIVATE.reshape(2, 4), "must have one dimension, got 2"),
        (OUTSIDE + 0.1, PRIVATE, r"outside probabilities must be in \[0, 1\]; 1 of 8 are not"),
        (np.full(8, np.nan), PRIVATE, r"in \[0, 1\]; 8 of 8 are not"),
    ],
)
def test_arrays_that_are_not_as_described_are_refused(outside, private, message):
    with pytest.raises(InputError, match=message):
        outside_threshold(outside, private, 0.5)


# Few distinct values, so that there are ties.
tokens = st.lists(
    st.tuples(st.one_of(st.sampled_from([0.0, 0.1, 0.5, 1.0]), st.floats(0, 1)), st.booleans()), min_size=1, max_size=30
).filter(lambda rows: any(private for _, private in rows))


@given(tokens, st.floats(0, 1, exclude_min=True))
def test_the_target_is_met_and_no_lower_threshold_meets_it(rows, target):
    outside, private = np.array([p for p, _ in rows]), np.array([flag for _, flag in rows])
    result = outside_threshold(outside, private, target)
    flagged = outside <= result.threshold
    assert result.recall == np.count_nonzero(flagged & private) / np.count_nonzero(private) >= target
    assert result.precision == np.count_nonzero(flagged & private) / np.count_nonzero(flagged)
    assert np.count_nonzero((outside < result.threshold) & private) / np.count_nonzero(private) < target
