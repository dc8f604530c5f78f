import json

import pytest
from hypothesis import given, strategies as st

from deidsynth.documents import Document, Entity
from deidsynth.errors import InputError
from deidsynth.metrics.reliability import calibration

TEXT = "x" * 40


def documents(scored):
    """Gold and predicted documents in which entity i has the i-th score and is right or not."""
    found = [Entity(2 * i, 2 * i + 1, "A", value) for i, (value, _) in enumerate(scored)]
    gold = [Entity(2 * i, 2 * i + 1, "A" if right else "B") for i, (_, right) in enumerate(scored)]
    return [Document("a", TEXT, tuple(gold))], [Document("a", TEXT, tuple(found))]


def test_by_hand():
    # (0, .5]: scores .2 and .4, one right: |.5 - .3|; (.5, 1]: .8, .9 and 1, two right: |2/3 - .9|.
    scored = [(0.2, False), (0.4, True), (0.8, True), (0.9, False), (1.0, True)]
    result = calibration(*documents(scored), n_bins=2)
    low, high = result.bins
    assert (low.lower, low.upper, low.count, low.share_right) == (0.0, 0.5, 2, 0.5)
    assert low.mean_score == pytest.approx(0.3)
    assert (high.lower, high.upper, high.count, high.share_right) == (0.5, 1.0, 3, 2 / 3)
    assert high.mean_score == pytest.approx(0.9)
    assert result.expected_calibration_error == pytest.approx(2 / 5 * 0.2 + 3 / 5 * (0.9 - 2 / 3))
    assert result.brier == pytest.approx((0.2**2 + 0.6**2 + 0.2**2 + 0.9**2 + 0) / 5)
    assert (result.n_scored, result.n_without_score) == (5, 0)


def test_an_edge_belongs_to_the_bin_below_and_zero_to_the_first():
    edges = [number / 10 for number in range(11)]
    result = calibration(*documents([(edge, True) for edge in edges]))
    assert [one.count for one in result.bins] == [2] + [1] * 9
    assert [one.upper for one in result.bins] == edges[1:]


def test_sure_and_always_right_is_perfect_sure_and_always_wrong_the_worst():
    best, worst = calibration(*documents([(1.0, True)] * 3)), calibration(*documents([(1.0, False)] * 3))
    assert (best.expected_calibration_error, best.brier) == (0, 0)
    assert (worst.expected_calibration_error, worst.brier) == (1, 1)


def test_entities_without_score_and_missed_ones_do_not_count():
    gold = Document("a", TEXT, (Entity(0, 1, "A"), Entity(10, 11, "A")))
    found = Document("a", TEXT, (Entity(0, 1, "A", 0.5), Entity(4, 5, "A")))
    result = calibration([gold], [found])
    assert (result.n_scored, result.n_without_score) == (1, 1)
    assert (result.expected_calibration_error, result.brier) == (0.5, 0.25)


def test_documents_add_up():
    # Same offsets in two documents: right in one, wrong in the other.
    gold = [Document("a", TEXT, (Entity(0, 1, "A"),)), Document("b", TEXT)]
    found = [Document(name, TEXT, (Entity(0, 1, "A", 0.5),)) for name in "ba"]
    result = calibration(gold, found, n_bins=1)
    assert (result.expected_calibration_error, result.brier) == (0, 0.25)


@pytest.mark.parametrize("scored", [[], [(None, True)]])
def test_without_scores_it_is_undefined(scored):
    result = calibration(*documents(scored), n_bins=1)
    assert result.to_dict() == {
        "bins": [{"lower": 0.0, "upper": 1.0, "count": 0, "mean_score": None, "share_right": None}],
        "expected_calibration_error": None,
        "brier": None,
        "n_scored": 0,
        "n_without_score": len(scored),
    }


def test_what_cannot_be_judged_is_refused():
    with pytest.raises(InputError, match="n_bins must be at least 1, got 0"):
        calibration([], [], n_bins=0)
    with pytest.raises(InputError, match="predicted lacks 1 of 1"):
        calibration([Document("a", TEXT)], [])


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=20), st.integers(1, 12))
def test_equation_3_as_it_is_written(scored, n_bins):
    result = calibration(*documents(scored), n_bins=n_bins)
    error = 0.0
    for number, one in enumerate(result.bins):
        # ((m - 1) / M, m / M], and 0 in the first
        inside = [
            (value, right)
            for value, right in scored
            if number / n_bins < value <= (number + 1) / n_bins or (value == 0 and number == 0)
        ]
        assert one.count == len(inside)
        if inside:
            confidence, accuracy = (sum(column) / len(inside) for column in zip(*inside, strict=True))
            error += len(inside) / len(scored) * abs(accuracy - confidence)
    assert result.expected_calibration_error == pytest.approx(error, abs=1e-12)
    assert 0 <= result.brier <= 1
    json.dumps(result.to_dict(), allow_nan=False)
