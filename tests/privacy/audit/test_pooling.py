"""Two audits with roles swapped as one, by hand and by property."""

from __future__ import annotations

import doctest
import json
from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, strategies as st

from audits import judged
from deidsynth.privacy.audit import pooling
from deidsynth.privacy.audit.auditing import judged_audit
from deidsynth.privacy.audit.figures import Measured, MeasureName
from deidsynth.privacy.audit.pooling import pooled
from deidsynth.privacy.audit.statistics import auc_difference, share_difference


def shares(train: tuple[int, int], held_out: tuple[int, int]) -> Measured:
    sides = [[number < found for number in range(n)] for found, n in (train, held_out)]
    return share_difference(*sides).measured("rare_values", "share", details={"identifiers": "direct"})


def auc(difference: float, low: float, high: float, name: MeasureName = "text_membership") -> Measured:
    return Measured(name, "auc", 0.5 + difference, 0.5, difference, (low, high), (30, 20), 0.12)


def test_found_groups_are_added() -> None:
    both = pooled(shares((9, 30), (2, 20)), shares((6, 20), (3, 30)))
    assert (both.train, both.held_out, both.n) == (15 / 50, 5 / 50, (50, 50))
    alone = shares((15, 50), (5, 50))
    assert (both.difference, both.interval, both.detectable) == (alone.difference, alone.interval, alone.detectable)


def test_the_margins_of_two_aucs_are_halved_sums_of_squares() -> None:
    both = pooled(auc(0.05, 0.02, 0.09), auc(0.01, -0.03, 0.04))
    assert (both.train, both.held_out, both.n) == (pytest.approx(0.53), 0.5, (60, 40))
    # Margins below: .03 and .04, above: .04 and .03; the root of their sums of squares is .05.
    assert both.interval == (pytest.approx(0.03 - 0.025), pytest.approx(0.03 + 0.025))
    assert both.detectable == pytest.approx(sqrt(2) * 0.12 / 2)


def test_validity_is_the_same_comparison_twice_and_no_surer_than_once() -> None:
    once = auc(0.03, -0.01, 0.08, "validity")
    both = pooled(once, once)
    assert both.interval == pytest.approx(once.interval)
    assert (both.difference, both.detectable) == (pytest.approx(0.03), pytest.approx(0.12))


def test_an_interval_of_an_auc_ends_at_half() -> None:
    both = pooled(auc(0.49, 0.2, 0.5), auc(0.49, 0.2, 0.5))
    assert both.interval is not None and both.interval[1] <= 0.5


@pytest.mark.parametrize("lacking", [0, 1])
def test_what_one_half_lacks_both_lack_and_the_reason_says_which(lacking: int) -> None:
    two = [shares((9, 30), (2, 20)), shares((6, 20), (3, 30))]
    two[lacking] = Measured.missing("rare_values", "share", "no value is of one group only", n=two[lacking].n)
    both = pooled(*two)
    assert (both.train, both.difference, both.interval, both.detectable) == (None, None, None, None)
    assert both.reason == f"half {lacking + 1}: no value is of one group only"
    assert both.n == (50, 50)


def test_bounds_of_epsilon_and_different_measures_are_not_pooled() -> None:
    bound = Measured("canaries", "epsilon", 1.0, 8.0, -7.0, (-8.0, 0.0), (10, 10), 1.0)
    assert pooled(bound, bound).difference is None
    with pytest.raises(ValueError, match="different measures"):
        pooled(shares((1, 2), (1, 2)), auc(0.0, -0.1, 0.1))


def test_details_of_both_stand_beside_each_other() -> None:
    first, second = (replace(shares((9, 30), (2, 20)), details={"n_words": 8, "labels": {"NAME": n}}) for n in (1, 2))
    found = pooled(first, second).details
    assert (found["n_words"], found["labels"]) == (8, {"half_1": {"NAME": 1}, "half_2": {"NAME": 2}})
    assert found["halves"]["half_1"]["train"] == 0.3
    assert json.loads(json.dumps(found)) == found


COUNT = st.integers(1, 40).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
SCORES = st.lists(st.floats(-3, 3), min_size=2, max_size=15)


@given(st.lists(COUNT, min_size=4, max_size=4))
def test_the_order_of_the_halves_changes_no_share(counts: list[tuple[int, int]]) -> None:
    first, second = shares(counts[0], counts[1]), shares(counts[2], counts[3])
    there, back = pooled(first, second), pooled(second, first)
    assert replace(there, details={}) == replace(back, details={})
    assert there.train == (counts[0][0] + counts[2][0]) / (counts[0][1] + counts[2][1])


@given(st.lists(SCORES, min_size=4, max_size=4))
def test_the_order_of_the_halves_changes_no_auc(scores: list[list[float]]) -> None:
    first, second = (auc_difference(*two).measured("text_membership", "auc") for two in (scores[:2], scores[2:]))
    there, back = pooled(first, second), pooled(second, first)
    assert replace(there, details={}) == replace(back, details={})
    assert there.interval is not None and there.difference is not None
    assert -0.5 <= there.interval[0] <= there.difference <= there.interval[1] <= 0.5


def test_a_score_that_only_says_what_a_document_is_like_leaves_no_difference() -> None:
    random = np.random.default_rng(3)
    one, other = random.normal(1, 1, 60), random.normal(0, 1, 50)  # the halves differ
    first, second = (auc_difference(*two).measured("text_membership", "auc") for two in ((one, other), (other, one)))
    both = pooled(first, second)
    assert first.interval is not None and first.interval[0] > 0.1
    assert both.difference == pytest.approx(0.0)


def test_honest_halves_of_findable_groups_seldom_leave_the_interval() -> None:
    random, missed = np.random.default_rng(5), 0
    for _ in range(400):
        findable = random.beta(0.5, 0.5, 80)  # what a group is like decides, whichever side it is on
        found = [random.random(80) < findable for _ in range(2)]
        runs = (
            share_difference(list(found[0][:40]), list(found[0][40:])),
            share_difference(list(found[1][40:]), list(found[1][:40])),
        )
        both = pooled(*(each.measured("linkage", "share") for each in runs))
        assert both.interval is not None
        missed += not both.interval[0] <= 0 <= both.interval[1]
    assert missed <= 0.05 * 400


def test_an_audit_is_read_back_as_it_was_measured() -> None:
    measures = [judged("rare_values", details={"labels": {"NAME": 1}}).measured, auc(0.05, 0.02, 0.09, "validity")]
    measures.append(Measured.missing("linkage", "share", "no group has two", n=(3, 4)))
    plain = judged_audit(measures, n=(3, 4), removed={}, described={}).to_dict()
    again = {each["name"]: Measured.from_dict(each) for each in json.loads(json.dumps(plain))["measures"]}
    assert again == {each.name: each for each in measures}


def test_examples() -> None:
    assert doctest.testmod(pooling).failed == 0
