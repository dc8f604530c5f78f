from __future__ import annotations

from math import nan
from random import Random

import pytest

from deidsynth.documents import Document
from deidsynth.privacy.audit.membership import documents_of, membership, sampled, strongest
from deidsynth.privacy.audit.sides import Sides
from deidsynth.privacy.audit.statistics import Difference, auc_difference


def sides(train: list[int], held_out: list[int]) -> Sides:
    """Groups with so many documents."""
    counts = [(side, number, size) for side, sizes in ((0, train), (1, held_out)) for number, size in enumerate(sizes)]
    groups = [
        tuple(Document(f"{side}-{number}-{at}", "Text.", group=f"{side}-{number}") for at in range(size))
        for side, number, size in counts
    ]
    return Sides(tuple(groups[: len(train)]), tuple(groups[len(train) :]), {})


def test_the_unit_is_the_group() -> None:
    both = sides([2, 1, 1], [3, 1])
    assert [each.doc_id for each in documents_of(both)] == "0-0-0 0-0-1 0-1-0 0-2-0 1-0-0 1-0-1 1-0-2 1-1-0".split()
    found = membership(both, [0.0, 4.0, 3.0, nan, 9.0, 0.0, 0.0, 1.0])
    assert found == auc_difference([2.0, 3.0], [3.0, 1.0])
    assert membership(both, [1.0] * 4 + [nan] * 4) is None


def difference(value: float, half: float, detectable: float | None = 0.1) -> Difference:
    return Difference(0.5 + value, 0.5, value, (value - half, value + half), (50, 50), detectable)


def test_the_strongest_attack_has_an_interval_for_all() -> None:
    name, found = strongest({"a": difference(0.1, 0.1), "b": difference(0.2, 0.1)})
    assert (name, found.difference) == ("b", 0.2)
    assert found.interval == pytest.approx((0.2 - 0.11436, 0.2 + 0.11436), abs=1e-4)
    assert found.detectable == pytest.approx(0.11004, abs=1e-4)
    assert strongest({"a": difference(0.1, 0.1)})[1] == difference(0.1, 0.1)
    _, wide = strongest({"a": difference(0.3, 0.4, 0.48), "b": difference(0.0, 0.1)})
    assert wide.interval == pytest.approx((0.3 - 0.45745, 0.5), abs=1e-4)  # an AUC ends at 1
    assert wide.detectable is None  # beyond an AUC of 1


def test_an_attack_without_power_is_not_hidden_by_one_that_found_nothing() -> None:
    assert strongest({"sharp": difference(0.02, 0.04), "blunt": difference(0.0, 0.3)})[0] == "blunt"
    assert strongest({"sharp": difference(-0.2, 0.04), "blunt": difference(0.0, 0.3)})[0] == "sharp"


def test_several_attacks_do_not_find_what_is_not_there() -> None:
    chance = Random(1)
    n_found = 0
    for _ in range(400):
        draws = [[chance.gauss(0, 1) for _ in range(40)] for _ in range(4)]
        _, found = strongest({"a": auc_difference(*draws[:2]), "b": auc_difference(*draws[2:])})
        n_found += not found.interval[0] <= 0 <= found.interval[1]
    assert n_found <= 30  # 20 expected at most; more than 30 in 1 of 100 such tests


def test_a_sample_has_so_many_groups_of_each_side() -> None:
    both = sides([1] * 5, [2] * 3)
    some = sampled(both, 4, seed=1)
    assert (len(some.train), some.held_out) == (4, both.held_out)
    assert some == sampled(both, 4, seed=1)
    assert {*some.train} < {*both.train}
