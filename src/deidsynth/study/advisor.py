"""Power-law learning curves through finished cells, and their predictions for more data.

The error 1 - F1 of the synthetic model is fitted as scale * size ** -exponent, a straight line in log space, over cells
that differ in one resource only. Points are weighted by the square of their size: the question is how the curve
continues from its largest sizes, and smaller ones may be on the other side of a cliff. The intervals resample groups of
test documents, equally for all sizes of a curve; the weights of the points, as the fit may depend on a single one; and
the variance of training, which cells of one seed do not show. A curve with fewer than four sizes is rejected.

Source: Hestness et al. 2017, "Deep Learning Scaling is Predictable, Empirically", for the form; Newton & Raftery 1994,
"Approximate Bayesian inference with the weighted likelihood bootstrap", for the random weights. docs/log.md has the
measurement that weights by the square of the size predict the next point better than equal ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from deidsynth.metrics.resampling import Floats, generator, ratios, resample
from deidsynth.study.comparison import Record, pooled

LEAST_SIZES = 4
DRAWS = 2_000
LEVEL = 0.95
TRAINING_NOISE = 0.05
"""Standard deviation of log error over seeds: .02 to .06 in the cells of docs/results/small-es that have three."""
_SETTING = ("language", "budget", "folds")


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource that could be increased.

    Args:
        name: for display.
        more: number of additional documents to predict for.
        size: gives the number of documents of an arm.
        fixed: gives what must be equal for cells of one curve; None for cells on no curve of this resource.
    """

    name: str
    more: int
    size: Callable[[Mapping[str, Any]], float]
    fixed: Callable[[Mapping[str, Any]], tuple[Any, ...] | None]


def _labeled(axes: Mapping[str, Any]) -> tuple[Any, ...] | None:
    together = axes["adaptation_fraction"] == axes["annotator_fraction"]
    return (axes["synthetic_volume"] or 0.0,) if together else None


def _annotator(axes: Mapping[str, Any]) -> tuple[Any, ...] | None:
    annotates = axes["arm"] != "inline"
    return (axes["adaptation_fraction"], axes["synthetic_volume"] or 0.0) if annotates else None


def _adaptation(axes: Mapping[str, Any]) -> tuple[Any, ...] | None:
    adapted = axes["adaptation_fraction"] > 0.0
    return (axes["annotator_fraction"], axes["synthetic_volume"] or 0.0) if adapted else None


def _volume(axes: Mapping[str, Any]) -> tuple[Any, ...] | None:
    return (axes["adaptation_fraction"], axes["annotator_fraction"])


RESOURCES = (
    Resource("labeled documents, for adaptation and annotator", 100, lambda each: each["annotator"], _labeled),
    Resource("labeled documents, for the annotator alone", 100, lambda each: each["annotator"], _annotator),
    Resource("documents for adaptation alone", 100, lambda each: each["adaptation"], _adaptation),
    Resource("synthetic documents", 1_000, lambda each: each["synthetic"] or 0, _volume),
)


@dataclass(frozen=True, slots=True)
class Advice:
    """The predicted effect of more of one resource.

    Args:
        resource: its name.
        setting: what all cells of the curve share, such as the models.
        more: number of additional documents.
        sizes: documents of each point of the curve.
        f1: synthetic F1 of each point.
        exponent: of the power law; None if rejected.
        now: F1 of the curve at the largest size.
        gain: predicted change of F1 with ``more`` beyond the largest size.
        interval: 95 % of the gain.
        refused: why there is no prediction; None if there is one.
    """

    resource: str
    setting: str
    more: int
    sizes: tuple[int, ...]
    f1: tuple[float, ...]
    exponent: float | None = None
    now: float | None = None
    gain: float | None = None
    interval: tuple[float, float] | None = None
    refused: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def advise(records: Sequence[Record], measure: str = "token") -> list[Advice]:
    """A prediction, or a rejection, for every resource in every setting, from the cells of all studies."""
    settings: dict[str, list[Record]] = {}
    for record in records:
        settings.setdefault(setting_of(record), []).append(record)
    return [
        _advise(resource, setting, settings[setting], measure) for setting in sorted(settings) for resource in RESOURCES
    ]


def setting_of(record: Record) -> str:
    """The setting that compared cells share, as text: models, arm, language, budget and folds."""
    axes = record["axes"]
    parts = [f"language model {axes['base_model']}", f"encoder {axes['encoder']}", f"arm {axes['arm']}"]
    parts += [f"{name} {record[name]}" for name in _SETTING if record.get(name) is not None]
    return ", ".join(parts)


def _advise(resource: Resource, setting: str, records: Sequence[Record], measure: str) -> Advice:
    points = _longest_curve(resource, records)
    sizes = tuple(sorted(points))
    bare = Advice(resource.name, setting, resource.more, sizes, ())
    if len(sizes) < LEAST_SIZES:
        refused = f"{len(sizes)} size{'' if len(sizes) == 1 else 's'}; a curve needs at least {LEAST_SIZES}"
        return Advice(resource.name, setting, resource.more, sizes, (), refused=refused)
    rows = _common_rows([points[size] for size in sizes], measure)
    if rows is None:
        return Advice(resource.name, setting, resource.more, sizes, (), refused="no test documents in common")
    shape = (-1, len(sizes), 3)
    point = ratios(rows.sum(axis=0).reshape(shape))["f1"][0]
    drawn = ratios(resample(rows, DRAWS, generator(1)).reshape(shape))["f1"]
    floor = 0.5 / max(1.0, float(rows.reshape(shape)[:, 0, [0, 2]].sum()))
    return _predict(bare, resource, np.nan_to_num(point), np.nan_to_num(drawn), floor)


def _longest_curve(resource: Resource, records: Sequence[Record]) -> dict[int, list[Record]]:
    """The cells of the curve with the most sizes, by size; in case of a tie, the one with the larger fixed value."""
    curves: dict[tuple[Any, ...], dict[int, dict[tuple[Any, Any], Record]]] = {}
    by_share: dict[tuple[Any, ...], dict[Any, list[Record]]] = {}
    for record in records:
        fixed = resource.fixed(record["axes"])
        if fixed is not None:
            shares = tuple(
                record["axes"][name] for name in ("adaptation_fraction", "annotator_fraction", "synthetic_volume")
            )
            by_share.setdefault(fixed, {}).setdefault(shares, []).append(record)
    for fixed, arms in by_share.items():
        for found in arms.values():
            # The folds of one share differ by a document or two and count as one size.
            size = round(float(np.mean([resource.size(record["documents"]) for record in found])))
            cells = curves.setdefault(fixed, {}).setdefault(size, {})
            cells.update({(record["test"], record["axes"]["seed"]): record for record in found})
    if not curves:
        return {}
    best = max(curves, key=lambda fixed: (len(curves[fixed]), fixed))
    return {size: list(cells.values()) for size, cells in curves[best].items() if size > 0}


def _common_rows(points: Sequence[Sequence[Record]], measure: str) -> Floats | None:
    """Counts of the synthetic model on the test sets that all sizes share; shape (n_groups, 3 * n_sizes)."""
    tables = [pooled(records, measure, "synthetic") for records in points]
    common = [test for test in tables[0] if all(test in table for table in tables)]
    if not common:
        return None
    return np.hstack([np.vstack([table[test] for test in common]) for table in tables])


def _predict(bare: Advice, resource: Resource, point: Floats, drawn: Floats, floor: float) -> Advice:
    sizes = np.asarray(bare.sizes, dtype=np.float64)
    slope, intercept = fit_power_law(sizes, np.maximum(1.0 - point, floor), sizes**2)
    chance = generator(2)
    noise = np.exp(chance.normal(0.0, TRAINING_NOISE, size=drawn.shape))
    weights = sizes**2 * chance.exponential(size=drawn.shape)
    slopes, intercepts = fit_power_law(sizes, np.maximum(1.0 - drawn, floor) * noise, weights)
    now, later = sizes[-1], sizes[-1] + resource.more
    gains = _f1(slopes, intercepts, later) - _f1(slopes, intercepts, now)
    low, high = np.quantile(gains, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Advice(
        bare.resource,
        bare.setting,
        bare.more,
        bare.sizes,
        tuple(float(f1) for f1 in point),
        exponent=float(-slope),
        now=float(_f1(slope, intercept, now)),
        gain=float(_f1(slope, intercept, later) - _f1(slope, intercept, now)),
        interval=(float(low), float(high)),
    )


def fit_power_law(sizes: Floats, errors: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Slope and intercept of log error over log size by weighted least squares, each of shape (...).

    Args:
        sizes: shape (n,), positive, at least two distinct.
        errors: shape (..., n), positive.
        weights: of the points, positive; shape (..., n) or (n,).

    >>> slope, intercept = fit_power_law(np.array([1.0, 10.0, 100.0]), np.array([0.5, 0.05, 0.005]), np.ones(3))
    >>> round(float(slope), 9), round(float(np.exp(intercept)), 9)
    (-1.0, 0.5)
    """
    shares = weights / weights.sum(axis=-1, keepdims=True)
    x, y = np.log(sizes), np.log(errors)
    middle = (shares * x).sum(axis=-1)
    centered = x - middle[..., None]
    slope = (shares * y * centered).sum(axis=-1) / (shares * centered**2).sum(axis=-1)
    return slope, (shares * y).sum(axis=-1) - slope * middle


def _f1(slope: Floats, intercept: Floats, size: float) -> Floats:
    f1: Floats = 1.0 - np.minimum(1.0, np.exp(intercept + slope * np.log(size)))
    return f1


def verdict(advice: Sequence[Advice]) -> str:
    """A sentence on what limits the result, from the predictions of one setting, or that this is unknown."""
    known = [each for each in advice if each.gain is not None and each.interval is not None]
    if len(known) < 2:
        return "Too few curves to determine what limits the result: two resources with four sizes each are needed."
    best = max(known, key=lambda each: each.gain or 0.0)
    assert best.interval is not None
    rivals = [each for each in known if each is not best and each.interval is not None]
    clear = all(best.interval[0] > (each.interval or (0.0, 0.0))[1] for each in rivals)
    certainty = "the intervals do not overlap" if clear else "but the intervals overlap"
    return f"According to these curves, {best.more:,} more {best.resource} would help most; {certainty}."
