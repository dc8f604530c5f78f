"""Annotation noise, and its predicted effect on models that are trained on machine annotation.

The annotator of a cell is its gold model, whose errors on held-out gold documents are in the cell file. It is assumed
to make the same errors on synthetic text. Over cells of the arm ``machine`` that only differ in the annotator, the F1
of the synthetic model is fitted as slope * gold F1 + intercept by least squares. Each prediction that is compared with
a measured F1 comes from a line through the other annotators. The interval is the jackknife's: as wide as the errors of
those predictions. With n annotators, its coverage is at most n / (n + 1). A line that predicts worse than the mean of
the other annotators is rejected, for example if all but one have nearly the same score.

Source: Barber et al. 2021, "Predictive inference with the jackknife+", equation 1.4, for the interval.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from deidsynth.metrics.resampling import Floats
from deidsynth.study.advisor import setting_of
from deidsynth.study.comparison import Record

LEAST_ANNOTATORS = 4
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class LabelNoise:
    """Token errors of annotators of one size on one label, on held-out gold documents.

    Args:
        label: its name.
        documents: number of training documents of each annotator.
        missed: share of the gold tokens without the label, 1 - recall; None without gold tokens.
        false: share of the tokens predicted with the label that are not gold, 1 - precision; None without predictions.
        n_gold: gold tokens, summed over annotators.
    """

    label: str
    documents: int
    missed: float | None
    false: float | None
    n_gold: int


@dataclass(frozen=True, slots=True)
class AnnotatorPoint:
    """One annotator, and the models trained on its annotations.

    Args:
        documents: number of its training documents.
        fold: of its cell.
        seed: of its cell.
        gold_f1: of the annotator on held-out gold documents.
        measured: mean F1 of the synthetic models.
        predicted: from the line through all other annotators; None without a line.
    """

    documents: int
    fold: int | None
    seed: int
    gold_f1: float
    measured: float
    predicted: float | None = None


@dataclass(frozen=True, slots=True)
class NoiseEstimate:
    """Annotators of one setting.

    Args:
        setting: what all cells share, such as the models.
        adaptation_fraction: of all cells.
        synthetic_volume: of all cells.
        labels: noise by label and size of the annotator.
        points: one per annotator, by gold F1.
        slope: of the line; None if rejected.
        intercept: of the line.
        half_width: of the interval of a prediction.
        level: coverage of that interval, at most 0.95 and at most n / (n + 1).
        mean_error: mean absolute error of the predictions.
        refused: why there is no line; None if there is one.
    """

    setting: str
    adaptation_fraction: float
    synthetic_volume: float | None
    labels: tuple[LabelNoise, ...]
    points: tuple[AnnotatorPoint, ...]
    slope: float | None = None
    intercept: float | None = None
    half_width: float | None = None
    level: float | None = None
    mean_error: float | None = None
    refused: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def estimate_noise(records: Sequence[Record], measure: str = "token") -> list[NoiseEstimate]:
    """An estimate, or a rejection, for every setting and other varied axes, with the most annotators first.

    Args:
        records: cell files of all studies. Cells of arms without machine annotation are
            ignored.
        measure: of the predicted F1.
    """
    groups: dict[tuple[str, float, float | None], list[Record]] = {}
    for record in records:
        axes = record["axes"]
        if axes["arm"] != "machine":
            continue
        key = (setting_of(record), axes["adaptation_fraction"], axes["synthetic_volume"])
        groups.setdefault(key, []).append(record)
    found = [_estimate(*key, groups[key], measure) for key in groups]
    return sorted(found, key=lambda each: (each.setting, -len(each.points), -each.adaptation_fraction))


def _estimate(
    setting: str, adaptation: float, volume: float | None, records: Sequence[Record], measure: str
) -> NoiseEstimate:
    points = _points(records, measure)
    bare = (setting, adaptation, volume, _label_noise(records))
    if len(points) < LEAST_ANNOTATORS:
        count = f"{len(points)} annotator{'' if len(points) == 1 else 's'}"
        return NoiseEstimate(*bare, points, refused=f"{count}; a line needs at least {LEAST_ANNOTATORS}")
    gold = np.array([point.gold_f1 for point in points])
    measured = np.array([point.measured for point in points])
    line, predicted = fit_line(gold, measured), leave_one_out(gold, measured)
    if line is None or predicted is None:
        return NoiseEstimate(*bare, points, refused="the annotators are too similar for a line")
    errors = np.abs(measured - predicted)
    if errors.mean() > np.abs(measured - means_of_others(measured)).mean() + 1e-12:
        return NoiseEstimate(*bare, points, refused="a line through the annotators predicts worse than their mean")
    half_width, level = jackknife(errors)
    told = tuple(
        AnnotatorPoint(each.documents, each.fold, each.seed, each.gold_f1, each.measured, float(value))
        for each, value in zip(points, predicted, strict=True)
    )
    return NoiseEstimate(*bare, told, line[0], line[1], half_width, level, float(errors.mean()))


def _annotators(records: Sequence[Record]) -> dict[str, list[Record]]:
    """The cells of every distinct annotator, by its key."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record["keys"]["gold"], []).append(record)
    return found


def _points(records: Sequence[Record], measure: str) -> tuple[AnnotatorPoint, ...]:
    points = []
    for cells in _annotators(records).values():
        first = cells[0]
        gold = first["models"]["gold"][measure]["f1"]
        learned = [f1 for each in cells if (f1 := each["models"]["synthetic"][measure]["f1"]) is not None]
        if gold is not None and learned:
            axes, documents = first["axes"], int(first["documents"]["annotator"])
            measured = float(np.mean(learned))
            points.append(AnnotatorPoint(documents, axes["fold"], axes["seed"], float(gold), measured))
    return tuple(sorted(points, key=lambda each: (each.gold_f1, each.measured)))


def _label_noise(records: Sequence[Record]) -> tuple[LabelNoise, ...]:
    """By label and size, counts summed over the annotators of that size."""
    sums: dict[tuple[str, int], list[int]] = {}
    for cells in _annotators(records).values():
        counts: Mapping[str, Mapping[str, int]] = cells[0]["models"]["gold"].get("token_per_label", {})
        for label, each in counts.items():
            total = sums.setdefault((label, int(cells[0]["documents"]["annotator"])), [0, 0, 0])
            for place, name in enumerate(("tp", "fp", "fn")):
                total[place] += each[name]
    return tuple(
        LabelNoise(label, documents, _ratio(fn, tp + fn), _ratio(fp, tp + fp), tp + fn)
        for (label, documents), (tp, fp, fn) in sorted(sums.items())
    )


def fit_line(x: Floats, y: Floats) -> tuple[float, float] | None:
    """Slope and intercept of y over x by least squares; None if all x are equal.

    Args:
        x: shape (n,).
        y: shape (n,).

    >>> fit_line(np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 5.0]))
    (2.0, 1.0)
    """
    centered = x - x.mean()
    spread = float((centered**2).sum())
    if spread <= np.finfo(np.float64).eps * len(x):
        return None
    slope = float((centered * y).sum() / spread)
    return slope, float(y.mean() - slope * x.mean())


def leave_one_out(x: Floats, y: Floats) -> Floats | None:
    """The prediction for each point from the line through all others, shape (n,); None if such a line does not exist.

    >>> leave_one_out(np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 4.0])).tolist()
    [-2.0, 2.0, 2.0]
    """
    found = []
    for left_out in range(len(x)):
        line = fit_line(np.delete(x, left_out), np.delete(y, left_out))
        if line is None:
            return None
        found.append(line[0] * x[left_out] + line[1])
    return np.array(found)


def means_of_others(values: Floats) -> Floats:
    """The mean of all other values at each, shape (n,) like ``values``, n at least 2.

    >>> means_of_others(np.array([0.0, 1.0, 5.0])).tolist()
    [3.0, 2.5, 0.5]
    """
    found: Floats = (values.sum() - values) / (len(values) - 1)
    return found


def jackknife(errors: Floats, level: float = LEVEL) -> tuple[float, float]:
    """Half width and coverage of an interval, from absolute errors of left-out points.

    Args:
        errors: shape (n,), at least 0.
        level: requested coverage; with n points at most n / (n + 1).

    >>> jackknife(np.array([0.1, 0.4, 0.2, 0.3]))
    (0.4, 0.8)
    """
    n = len(errors)
    rank = min(n, math.ceil(level * (n + 1)))
    return float(np.sort(errors)[rank - 1]), min(level, n / (n + 1))


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
