"""Annotation noise on hand-worked values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from deidsynth.study.noise import estimate_noise, fit_line, jackknife, leave_one_out
from deidsynth.study.noise_tables import line_sentence, noise_tables, refusal


def cell(gold: float, synthetic: float, *, name: str | None = None, documents: int = 10, **axes: Any) -> dict[str, Any]:
    known = {
        "adaptation_fraction": 1.0, "annotator_fraction": 0.5, "synthetic_volume": 1.0,
        "base_model": "m", "encoder": "e", "arm": "machine", "fold": None, "seed": 1,
    }  # fmt: skip
    per_label = {"NAME": {"tp": 6, "fp": 2, "fn": 4}, "DATE": {"tp": 0, "fp": 0, "fn": 5}}
    return {
        "axes": {**known, **axes},
        "language": "es",
        "budget": "epochs",
        "documents": {"annotator": documents},
        "keys": {"gold": name or f"{gold}"},
        "models": {
            "gold": {"token": {"f1": gold}, "token_per_label": per_label},
            "synthetic": {"token": {"f1": synthetic}},
        },
    }


def test_a_line_through_points_on_it_is_found() -> None:
    cells = [cell(gold, 0.5 * gold + 0.3) for gold in (0.6, 0.7, 0.8, 0.9)]
    (found,) = estimate_noise(cells)
    assert (found.slope, found.intercept) == (pytest.approx(0.5), pytest.approx(0.3))
    assert found.half_width == pytest.approx(0.0, abs=1e-12)
    assert found.level == 0.8, "four annotators cover no more"
    assert [point.predicted for point in found.points] == pytest.approx([0.6, 0.65, 0.7, 0.75])


def test_leaving_out_by_hand() -> None:
    x, y = np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.0, 0.0, 0.0, 4.0])
    assert fit_line(x, y) == pytest.approx((6 / 5, -4 / 5))
    # Slopes without each point in turn: 2, 8/7, 10/7 and 0.
    predicted = leave_one_out(x, y)
    assert predicted is not None
    assert predicted == pytest.approx([-8 / 3, 4 / 7, 16 / 7, 0.0])
    half_width, level = jackknife(np.abs(y - predicted))
    assert (half_width, level) == (pytest.approx(4.0), 0.8)


def test_with_many_annotators_the_largest_error_may_lie_outside() -> None:
    errors = np.arange(1.0, 41.0)
    assert jackknife(errors) == (39.0, 0.95)


@pytest.mark.parametrize("count", [1, 3])
def test_fewer_than_four_annotators_are_refused(count) -> None:
    (found,) = estimate_noise([cell(0.6 + 0.1 * number, 0.5) for number in range(count)])
    assert found.refused == f"{count} annotator{'' if count == 1 else 's'}; a line needs at least 4"
    assert found.slope is None
    assert noise_tables([found]) == []
    assert "not predicted" in (refusal([found]) or "")


def test_one_annotator_in_many_cells_counts_once() -> None:
    cells = [cell(0.8, 0.5 + 0.1 * number, name="same") for number in range(5)]
    (found,) = estimate_noise(cells)
    assert [(point.gold_f1, point.measured) for point in found.points] == [(0.8, pytest.approx(0.7))]
    assert found.refused == "1 annotator; a line needs at least 4"


def test_annotators_of_one_score_are_refused() -> None:
    (found,) = estimate_noise([cell(0.8, 0.5, name=f"{number}") for number in range(5)])
    assert found.refused == "the annotators are too similar for a line"


def test_a_line_that_tells_less_than_the_mean_is_refused() -> None:
    points = [(0.884, 0.604), (0.888, 0.573), (0.891, 0.557), (0.979, 0.569)]
    (found,) = estimate_noise([cell(gold, synthetic) for gold, synthetic in points])
    assert found.refused == "a line through the annotators predicts worse than their mean"
    assert (found.slope, noise_tables([found])) == (None, [])


def test_cells_that_differ_in_more_than_the_annotator_are_kept_apart() -> None:
    cells = [cell(0.5 + 0.1 * number, 0.5, adaptation_fraction=share) for number in range(4) for share in (0.5, 1.0)]
    found = estimate_noise(cells)
    assert [(each.adaptation_fraction, each.refused) for each in found] == [(1.0, None), (0.5, None)]


def test_noise_by_label_sums_annotators_of_one_size() -> None:
    (found,) = estimate_noise([cell(0.6, 0.5), cell(0.7, 0.5), cell(0.9, 0.5, documents=20)])
    noise = {(each.label, each.documents): each for each in found.labels}
    name, date = noise["NAME", 10], noise["DATE", 20]
    assert (name.missed, name.false, name.n_gold) == (0.4, 0.25, 20)
    assert (date.missed, date.false, date.n_gold) == (1.0, None, 5)


def test_tables_show_prediction_beside_measurement() -> None:
    cells = [cell(gold, 0.5 * gold + 0.3, documents=int(100 * gold)) for gold in (0.6, 0.7, 0.8, 0.9)]
    (found,) = estimate_noise(cells)
    predictions, labels = noise_tables([found])
    assert predictions.rows[0] == (
        "60 documents", "–", "1", "0.600", "0.600", "[0.600, 0.600]", "0.600", "0.000",
    )  # fmt: skip
    assert "80 % interval" in predictions.headers
    assert labels.rows[1][0] == "NAME"
    assert line_sentence(found).startswith("Synthetic F1 is about 0.50 times the annotator's gold F1, +0.300")
    assert refusal([found]) is None
