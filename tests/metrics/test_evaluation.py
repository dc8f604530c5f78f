"""Intervals and comparisons of whole evaluations."""

from __future__ import annotations

import json

import pytest

from deidsynth.documents import Corpus, Document, Entity
from deidsynth.errors import InputError
from deidsynth.metrics import Resampling, Scores, compare, evaluate, score

TEXT = "Ana kom och Bo gick"
ANA, BO = Entity(0, 3, "NAME"), Entity(12, 14, "NAME")
FEW = Resampling(n_resamples=500)


def corpus(*rows: tuple[Entity, ...]) -> list[Document]:
    return [Document(f"d{number}", TEXT, row, group=f"g{number // 2}") for number, row in enumerate(rows)]


GOLD = corpus(*[(ANA, BO)] * 20)
GOOD = corpus(*[(ANA, BO)] * 18, (ANA,), (ANA,))
POOR = corpus(*[(ANA,)] * 18, *[(ANA, BO)] * 2)


def test_intervals_stand_around_every_figure() -> None:
    result = evaluate(POOR, GOLD, resamples=500)
    low, high = result.strict.intervals["recall"]
    assert low < result.strict.recall < high
    assert result.strict.intervals["precision"] == (1.0, 1.0)
    assert result.to_dict()["resampling"] == {"n_resamples": 500, "level": 0.95, "seed": 1, "n_groups": 10}
    assert evaluate(POOR, GOLD, resamples=500) == result
    assert "intervals" not in evaluate(POOR, GOLD, resamples=0).to_dict()


def test_a_result_reads_like_a_sentence() -> None:
    result = evaluate(Corpus(tuple(POOR), annotation="silver"), Corpus(tuple(GOLD)), resamples=500, seed=2)
    low, high = result.strict.interval
    # 22 of 40 entities, and nothing wrong.
    assert (result.strict.tp, result.strict.fp, result.strict.fn) == (22, 0, 18)
    assert low < result.strict.f1 == 44 / 62 < high
    assert result.per_label["NAME"].f1 == result.strict.f1
    assert result.per_label["NAME"].interval == result.interval("per_label", "NAME", "f1")
    assert result.exposure.documents_without_miss == 0.1
    assert (result.leak, result.n_documents) == (None, 20)
    assert repr(result).startswith(f"EvaluationResult(n_documents=20, strict F1 0.710 [{low:.3f}, {high:.3f}], token")
    assert str(evaluate(GOLD, GOLD, resamples=0).token) == "1.000"


def test_documents_that_do_not_match_are_refused() -> None:
    with pytest.raises(InputError, match="predicted lacks 1 of 20 gold documents"):
        evaluate(POOR[1:], GOLD)
    with pytest.raises(InputError, match="predicted has 1 documents that gold lacks"):
        evaluate(POOR, GOLD[1:])


def test_scores_are_read_back_as_they_were_written() -> None:
    scores = score(GOLD, POOR, sentence_count=7)
    plain = json.loads(json.dumps(scores.to_dict()))
    assert Scores.from_dict(plain) == scores
    for damage in ({"strict": plain["strict"] | {"tp": 23}}, {"leak": "x"}, {"exposure": {}}, {"other": 1}):
        with pytest.raises(ValueError, match="not the scores of an evaluation"):
            Scores.from_dict(plain | damage)


def test_a_clear_difference_is_told_from_a_small_one() -> None:
    good, poor, gold = score(GOLD, GOOD), score(GOLD, POOR), score(GOLD, GOLD)
    clear = compare(poor, good, resampling=FEW).measures["strict"]
    assert clear.difference["f1"].point == pytest.approx(good.strict.f1 - poor.strict.f1)
    assert clear.difference["f1"].interval.low > 0
    assert clear.randomization_p < 0.05
    assert clear.non_inferiority is None and "non_inferiority" not in clear.to_dict()
    near = compare(gold, good, margin=0.2, resampling=FEW).measures["strict"]
    assert near.non_inferiority.non_inferior
    assert not compare(gold, poor, margin=0.2, resampling=FEW).measures["strict"].non_inferiority.non_inferior


def test_errors_and_calibration_on_request() -> None:
    scored = [each.with_entities([Entity(e.start, e.end, e.label, 0.9) for e in each.entities]) for each in GOOD]
    result = evaluate(scored, GOLD, resamples=0, errors=True)
    assert result.to_dict()["errors"]["gold"]["counts"]["missed"] == result.errors.gold_counts["missed"] == 2
    assert result.to_dict()["calibration"]["n_scored"] == result.calibration.n_scored == 38


def test_a_margin_that_is_none_is_refused() -> None:
    scores = score(GOLD, GOLD)
    with pytest.raises(InputError, match="margin"):
        compare(scores, scores, margin=0.0)
