"""Intervals and comparisons of whole evaluations."""

from __future__ import annotations

import pytest

from deidsynth.documents import Document, Entity
from deidsynth.errors import InputError
from deidsynth.metrics import Resampling, compare, evaluate, score

TEXT = "Ana kom och Bo gick"
ANA, BO = Entity(0, 3, "NAME"), Entity(12, 14, "NAME")
FEW = Resampling(n_resamples=500)


def corpus(*rows: tuple[Entity, ...]) -> list[Document]:
    return [Document(f"d{number}", TEXT, row, group=f"g{number // 2}") for number, row in enumerate(rows)]


GOLD = corpus(*[(ANA, BO)] * 20)
GOOD = corpus(*[(ANA, BO)] * 18, (ANA,), (ANA,))
POOR = corpus(*[(ANA,)] * 18, *[(ANA, BO)] * 2)


def test_intervals_stand_around_every_figure() -> None:
    found, scores = evaluate(GOLD, POOR, resampling=FEW)
    low, high = found["intervals"]["strict"]["recall"]
    assert low < scores.strict.recall < high
    assert found["intervals"]["strict"]["precision"] == [1.0, 1.0]
    assert found["resampling"] == {"n_resamples": 500, "level": 0.95, "seed": 1, "n_groups": 10}
    assert evaluate(GOLD, POOR, resampling=FEW)[0] == found
    assert "intervals" not in evaluate(GOLD, POOR)[0]


def test_a_clear_difference_is_told_from_a_small_one() -> None:
    good, poor, gold = score(GOLD, GOOD), score(GOLD, POOR), score(GOLD, GOLD)
    clear = compare(poor, good, resampling=FEW)["strict"]
    assert clear["difference"]["f1"]["point"] == pytest.approx(good.strict.f1 - poor.strict.f1)
    assert clear["difference"]["f1"]["interval"][0] > 0
    assert clear["randomization_p"] < 0.05
    assert "non_inferiority" not in clear
    near = compare(gold, good, margin=0.2, resampling=FEW)["strict"]
    assert near["non_inferiority"]["non_inferior"]
    assert not compare(gold, poor, margin=0.2, resampling=FEW)["strict"]["non_inferiority"]["non_inferior"]


def test_errors_and_calibration_on_request() -> None:
    scored = [each.with_entities([Entity(e.start, e.end, e.label, 0.9) for e in each.entities]) for each in GOOD]
    found, _ = evaluate(GOLD, scored, errors=True)
    assert found["errors"]["gold"]["counts"]["missed"] == 2
    assert found["calibration"]["n_scored"] == 38


def test_a_margin_that_is_none_is_refused() -> None:
    scores = score(GOLD, GOLD)
    with pytest.raises(InputError, match="margin"):
        compare(scores, scores, margin=0.0)
