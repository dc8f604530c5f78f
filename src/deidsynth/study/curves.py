"""Learning curves as SVG and PNG: F1 over one axis, with bands."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deidsynth.study.comparison import MODELS, Arm, Comparison, Spread
from deidsynth.study.reported import reported_measure
from deidsynth.study.tables import AXIS_NAMES

NUMERIC = ("adaptation_fraction", "annotator_fraction", "synthetic_volume")
TOGETHER = ("adaptation_fraction", "annotator_fraction")
_COLORS = {"gold": "#a35c00", "synthetic": "#0a5fae"}
_MARKERS = {"gold": "o", "synthetic": "s"}
_DASHES = ("-", "--", ":", "-.")


@dataclass(frozen=True, slots=True)
class Curve:
    """One figure.

    Args:
        name: for its files.
        svg: an ``svg`` element without external references.
        png: the figure as PNG.
        caption: content of the figure, and meaning of the bands.
    """

    name: str
    svg: str
    png: bytes
    caption: str


def draw_curves(comparison: Comparison, measures: Sequence[str] = ("token", "strict")) -> list[Curve]:
    """One figure per measure; none for a study with a single arm."""
    axis = x_axis(comparison)
    if axis is None:
        return []
    # matplotlib takes a second to load, which studies without curves save.
    import matplotlib
    from matplotlib.figure import Figure

    curves = []
    for measure in measures:
        with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": f"{comparison.study}-{measure}"}):
            figure = Figure(figsize=(5.6, 3.6), layout="constrained")
            _draw(figure.add_subplot(), comparison, measure, axis)
            svg, png = io.StringIO(), io.BytesIO()
            figure.savefig(svg, format="svg", metadata={"Date": None})
            figure.savefig(png, format="png", dpi=150, metadata={"Software": None})
        name = re.sub(r"[^\w.-]+", "-", f"{comparison.study}-{measure}")
        curves.append(Curve(name, _bare(svg.getvalue()), png.getvalue(), _caption(comparison, measure, axis)))
    return curves


def x_axis(comparison: Comparison) -> str | None:
    """The x axis of the curves: the first varied axis, numeric axes first."""
    return next((axis for axis in (*NUMERIC, *comparison.varied) if axis in comparison.varied), None)


def _series(comparison: Comparison, axis: str) -> dict[tuple[str, ...], list[Arm]]:
    """The arms of each line, by the other varied axes; axes coupled to the x axis do not make separate lines."""
    others = [
        name
        for name in comparison.varied
        if name != axis and any(arm.axes[name] != arm.axes[axis] for arm in comparison.arms)
    ]
    found: dict[tuple[str, ...], list[Arm]] = {}
    for arm in comparison.arms:
        found.setdefault(tuple(f"{AXIS_NAMES[name]} {arm.axes[name]}" for name in others), []).append(arm)
    return found


def _lines(comparison: Comparison, measure: str, model: str, axis: str) -> dict[tuple[str, ...], list[Arm]]:
    """The arms of each line of a model; identical lines, such as those of the gold model, are merged."""
    series = _series(comparison, axis)
    points = [tuple((arm.axes[axis], arm.scores[measure][model]) for arm in arms) for arms in series.values()]
    return {(): next(iter(series.values()))} if len(points) > 1 and len(set(points)) == 1 else series


def _draw(plot: Any, comparison: Comparison, measure: str, axis: str) -> None:
    places = _places([arm.axes[axis] for arm in comparison.arms])
    for model in MODELS:
        for number, (what, arms) in enumerate(_lines(comparison, measure, model, axis).items()):
            xs = [places[arm.axes[axis]] for arm in arms]
            spreads = [arm.scores[measure][model] for arm in arms]
            look = {"color": _COLORS[model], "marker": _MARKERS[model], "dash": _DASHES[number % len(_DASHES)]}
            draw = _line if axis in NUMERIC else _points
            draw(plot, xs, spreads, label=", ".join([model, *what]), **look)
    if measure == reported_measure() and comparison.reported_label is not None:
        for model in MODELS:
            known = [arm for arm in comparison.arms if arm.reported and model in arm.reported]
            if known:
                values = [(arm.reported or {})[model] for arm in known]
                plot.plot(
                    [places[arm.axes[axis]] for arm in known], values, linestyle=(0, (1, 2)), linewidth=1.2,
                    color=_COLORS[model], marker="x", alpha=0.7, label=f"{model}, reported, other models",
                )  # fmt: skip
    _scale(plot, places, axis)
    if axis in TOGETHER and all(len({arm.axes[name] for name in TOGETHER}) == 1 for arm in comparison.arms):
        plot.set_xlabel("share of the training documents for adaptation and annotator, %")
    plot.set_ylabel(f"{measure} F1")
    plot.grid(axis="y", color="#dfdcd4", linewidth=0.8)
    for side in ("top", "right"):
        plot.spines[side].set_visible(False)
    plot.legend(fontsize=8, frameon=False)


def _line(
    plot: Any, xs: Sequence[float], spreads: Sequence[Spread], *, label: str, color: str, marker: str, dash: str
) -> None:
    known = [(x, spread) for x, spread in zip(xs, spreads, strict=True) if spread.mean is not None]
    means = [spread.mean for _, spread in known]
    plot.plot([x for x, _ in known], means, color=color, marker=marker, linestyle=dash, markersize=5, label=label)
    bands = [(x, band) for x, spread in known if (band := band_of(spread)) is not None]
    if len(bands) > 1:
        plot.fill_between(
            [x for x, _ in bands], [low for _, (low, _) in bands], [high for _, (_, high) in bands],
            color=color, alpha=0.14, linewidth=0,
        )  # fmt: skip


def _points(
    plot: Any, xs: Sequence[float], spreads: Sequence[Spread], *, label: str, color: str, marker: str, dash: str
) -> None:
    """Points with error bars without connecting lines, as names have no order."""
    for x, spread in zip(xs, spreads, strict=True):
        if spread.mean is None:
            continue
        low, high = band_of(spread) or (spread.mean, spread.mean)
        plot.vlines(x, low, high, color=color, linestyle=dash, alpha=0.5)
        plot.plot([x], [spread.mean], color=color, marker=marker, linestyle="none", markersize=5, label=label)
        label = "_"


def band_of(spread: Spread) -> tuple[float, float] | None:
    """Mean minus and plus one standard deviation; for a single cell, the interval over test documents."""
    if spread.mean is not None and spread.sd is not None:
        return max(0.0, spread.mean - spread.sd), min(1.0, spread.mean + spread.sd)
    return spread.interval


def _places(values: Sequence[Any]) -> dict[Any, float]:
    """The x position of each value: numbers by value (0 below the smallest other one), names by index."""
    distinct = list(dict.fromkeys(values))
    if not all(isinstance(value, int | float) for value in distinct):
        return {value: float(place) for place, value in enumerate(distinct)}
    least = min((value for value in distinct if value > 0), default=1.0)
    return {value: float(value) if value > 0 else least / 3 for value in distinct}


def _scale(plot: Any, places: dict[Any, float], axis: str) -> None:
    labels = list(places)
    if axis.endswith("_fraction"):
        labels = [f"{value * 100:g}" for value in places]
    positive = [place for value, place in places.items() if isinstance(value, int | float)]
    if len(positive) == len(places) and max(positive) / min(positive) >= 8:
        plot.set_xscale("log")
    plot.set_xticks(list(places.values()), [f"{label:g}" if isinstance(label, float) else label for label in labels])
    plot.minorticks_off()
    units = {"adaptation_fraction": "share of the training documents for adaptation, %",
             "annotator_fraction": "share of the training documents for the annotator, %",
             "synthetic_volume": "synthetic documents, multiples of the training documents"}  # fmt: skip
    plot.set_xlabel(units.get(axis, AXIS_NAMES[axis]))


def _caption(comparison: Comparison, measure: str, axis: str) -> str:
    band = "95 % intervals over groups of test documents"
    if any(len(arm.cells) > 1 for arm in comparison.arms):
        band = f"a standard deviation over folds and seeds; for a single cell, {band}"
    shape = "Bands" if axis in NUMERIC else "Bars"
    return f"{comparison.study}: {measure} F1 over {AXIS_NAMES[axis]}. {shape}: {band}."


def _bare(svg: str) -> str:
    """The bare element, without declaration, document type and metadata."""
    svg = svg[svg.index("<svg") :]
    return re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
