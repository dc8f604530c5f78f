"""The diagram of the pipeline, in one layout for wide screens and one for phones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from deidsynth.report import formats
from deidsynth.report.content import Box, StageEntry


class Place(NamedTuple):
    """One box of the diagram: its position in both layouts, and its text."""

    box: Box
    title: str
    subtitle: str
    kind: str
    wide: tuple[int, int, int]
    tall: tuple[int, int, int]


HEIGHT = 66
WIDE_SIZE, TALL_SIZE = (1000, 226), (350, 556)
PLACES = (
    Place("corpus", "Gold corpus", "annotated notes", "plain", (4, 8, 142), (4, 4, 342)),
    Place("adapt", "Adapt", "language model", "plain", (174, 8, 142), (4, 102, 160)),
    Place("synthesize", "Synthesize", "sampled notes", "synthetic", (344, 8, 142), (4, 200, 160)),
    Place("annotate", "Annotate", "machine annotation", "synthetic", (514, 8, 142), (4, 298, 160)),
    Place("train_synthetic", "Train", "on synthetic notes", "synthetic", (684, 8, 142), (4, 396, 160)),
    Place("train_gold", "Train", "on gold notes", "gold", (344, 148, 142), (186, 200, 160)),
    Place("evaluate", "Evaluate", "on held-out notes", "plain", (854, 8, 142), (4, 486, 342)),
)
WIDE_ARROWS = (
    "M146 41H170", "M316 41H340", "M486 41H510", "M656 41H680", "M826 41H850",
    "M75 74V181H340", "M486 181H585V78", "M585 181H925V78",
)  # fmt: skip
TALL_ARROWS = (
    "M84 70V98", "M84 168V196", "M84 266V294", "M84 364V392", "M84 462V482",
    "M266 70V196", "M226 266V331H168", "M306 266V482",
)  # fmt: skip


def flow(stages: Sequence[StageEntry], layout: str) -> Markup:
    """The diagram in the layout ``wide`` or ``tall``, with the durations of the stages.

    Args:
        stages: the stages of ``report.json``; a box without a stage shows no duration.
        layout: ``wide`` for a screen, ``tall`` for a phone.
    """
    size, arrows = (WIDE_SIZE, WIDE_ARROWS) if layout == "wide" else (TALL_SIZE, TALL_ARROWS)
    times = _times(stages)
    body = Markup("")
    for path in arrows:
        body += Markup('<path class="arrow" d="{}" marker-end="url(#tip-{})"/>').format(path, layout)
    reads_surrogates = any(stage.stage == "pseudonymize" for stage in stages)
    for place in PLACES:
        if place.box == "adapt" and reads_surrogates:
            place = place._replace(subtitle="on pseudonyms")
        x, y, width = place.wide if layout == "wide" else place.tall
        body += _draw(place, x, y, width, times.get(place.box))
    tip = Markup(
        '<defs><marker id="tip-{}" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>'
    ).format(layout)
    text = "pseudonymized and used" if reads_surrogates else "used"
    label = (
        f"The gold corpus is {text} to adapt a language model and to train the gold model. The language model samples "
        "synthetic notes, the gold model annotates them, the synthetic model is trained on them alone, and both "
        "models are evaluated."
    )
    return Markup('<svg class="flow {}" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}</svg>').format(
        layout, *size, label, tip, body
    )


def _draw(place: Place, x: int, y: int, width: int, time: str | None) -> Markup:
    middle = x + width / 2
    lines = [("name", place.title), ("what", place.subtitle), *([("time", time)] if time else [])]
    first = y + HEIGHT / 2 + 5 - 9 * (len(lines) - 1)
    drawn = Markup('<rect class="node {}" x="{}" y="{}" width="{}" height="{}" rx="10"/>').format(
        place.kind, x, y, width, HEIGHT
    )
    for number, (style, line) in enumerate(lines):
        drawn += Markup('<text class="{}" x="{:.0f}" y="{:.0f}">{}</text>').format(
            style, middle, first + 18 * number, line
        )
    return drawn


def _times(stages: Sequence[StageEntry]) -> dict[str, str]:
    totals: dict[str, float] = {}
    for stage in stages:
        if stage.box is not None:
            totals[stage.box] = totals.get(stage.box, 0.0) + stage.duration_seconds
    return {box: formats.duration(total) for box, total in totals.items()}
