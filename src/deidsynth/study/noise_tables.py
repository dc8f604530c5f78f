"""Tables of annotation noise: annotator errors by label, and predicted compared with measured F1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from deidsynth.report import formats
from deidsynth.report.tables import Table
from deidsynth.study.noise import NoiseEstimate

NOISE_READING = (
    "An annotator is assumed to have the same error rates on synthetic text as on held-out gold documents. Each "
    "prediction comes from a line through the other annotators, with the F1 of the synthetic model as a multiple of "
    "the annotator's F1 plus a constant. The line holds for these cells, not for other models, volumes or corpora, "
    "and hardly beyond its range."
)


def noise_tables(estimates: Sequence[NoiseEstimate]) -> list[Table]:
    """Predicted and measured F1, and the noise by label, for every setting with enough annotators."""
    known = [each for each in estimates if each.refused is None]
    return [table for each in known for table in (_predictions(each), _labels(each))]


def refusal(estimates: Sequence[NoiseEstimate]) -> str | None:
    """Why there is no prediction at all, for the setting with the most annotators; None if there is one."""
    if not estimates or any(each.refused is None for each in estimates):
        return None
    best = max(estimates, key=lambda each: len(each.points))
    return f"Synthetic F1 is not predicted from annotation noise: {best.refused}."


def noise_sections(estimates: Sequence[NoiseEstimate]) -> list[dict[str, Any]]:
    """The content of the page for every setting with enough annotators."""
    return [
        {"line": line_sentence(each), "predictions": _predictions(each)._asdict(), "labels": _labels(each)._asdict()}
        for each in estimates
        if each.refused is None
    ]


def line_sentence(estimate: NoiseEstimate) -> str:
    """A sentence on the line and its error."""
    slope, intercept = estimate.slope or 0.0, formats.difference(estimate.intercept)
    return (
        f"Synthetic F1 is about {slope:.2f} times the annotator's gold F1, {intercept}; in leave-one-out prediction, "
        f"the mean error is {formats.score(estimate.mean_error)}."
    )


def _where(estimate: NoiseEstimate) -> str:
    volume = "" if estimate.synthetic_volume is None else f", volume {estimate.synthetic_volume:g}x"
    return f"{estimate.setting}, adaptation {estimate.adaptation_fraction * 100:g} %{volume}"


def _predictions(estimate: NoiseEstimate) -> Table:
    level = f"{(estimate.level or 0.0) * 100:.0f} % interval"
    headers = (
        "annotator trained on",
        "fold",
        "seed",
        "gold F1",
        "synthetic F1, predicted",
        level,
        "measured",
        "error",
    )
    rows = []
    for point in estimate.points:
        predicted, width = point.predicted or 0.0, estimate.half_width or 0.0
        rows.append(
            (
                f"{formats.count(point.documents)} documents",
                formats.DASH if point.fold is None else str(point.fold),
                str(point.seed),
                formats.score(point.gold_f1),
                formats.score(predicted),
                f"[{formats.score(max(0.0, predicted - width))}, {formats.score(min(1.0, predicted + width))}]",
                formats.score(point.measured),
                formats.difference(point.measured - predicted),
            )
        )
    return Table(f"Synthetic token F1 from annotation noise; {_where(estimate)}", headers, tuple(rows))


def _labels(estimate: NoiseEstimate) -> Table:
    sizes = sorted({each.documents for each in estimate.labels})
    found = {(each.label, each.documents): each for each in estimate.labels}
    rows = []
    for label in dict.fromkeys(each.label for each in estimate.labels):
        cells = [found.get((label, size)) for size in sizes]
        shown = [
            formats.DASH if each is None else f"{formats.percent(each.missed)} / {formats.percent(each.false)}"
            for each in cells
        ]
        rows.append((label, *shown))
    title = f"Label noise: missed tokens / false tokens, by training documents of the annotator; {_where(estimate)}"
    return Table(title, ("label", *(f"{formats.count(size)} documents" for size in sizes)), tuple(rows))
