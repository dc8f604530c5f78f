"""Differences with their intervals and tolerances on one scale, one row of inline SVG for each measure.

Places are percentages of the width, so that a row fits any page without being distorted. Shapes say what colors say:
a disk passes, a cross fails, a ring has no verdict; what is tolerated is a box with an outline.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from deidsynth.privacy.audit.figures import Verdict
from deidsynth.report.audit_words import points
from deidsynth.report.content import AuditMeasure

HEIGHT = 30
LEAST_REACH = 0.1
MOST_REACH = 0.5
PAD = 4.0
"""Percent of the width at both ends, for arrows and the text of the scale."""

_MARKERS: dict[Verdict, Markup] = {
    "pass": Markup('<circle class="point" r="5"/>'),
    "fail": Markup('<path class="point" d="M-5-5L5 5M5-5L-5 5"/>'),
    "no-verdict": Markup('<circle class="point" r="4.5"/>'),
}


def reach(measures: Sequence[AuditMeasure]) -> float:
    """The end of a scale that is symmetric about 0 and holds all differences, intervals and tolerances, within limits.

    What is beyond it is drawn as an arrow.
    """
    ends = [
        abs(end)
        for each in measures
        if drawn(each)
        for end in (each.difference or 0.0, *(each.interval or ()), *(each.tolerance or ())[1:])
    ]
    widest: float = min(max([LEAST_REACH, *ends]), MOST_REACH)
    return math.ceil(widest * 10 - 1e-9) / 10


def drawn(measure: AuditMeasure) -> bool:
    """Whether a measure has a difference of shares or AUCs, which is what the scale is for."""
    return measure.kind != "epsilon" and measure.difference is not None


def row(measure: AuditMeasure, limit: float) -> Markup:
    """One row: zero, what is tolerated, the interval, and the difference.

    Args:
        measure: with a difference.
        limit: end of the scale, from `reach`.
    """
    middle = HEIGHT / 2
    body = Markup("")
    if measure.tolerance is not None:
        low, high = (_across(end, limit) for end in measure.tolerance)
        body += Markup('<rect class="tolerated" x="{:.2f}%" width="{:.2f}%" y="3" height="{}" rx="3"/>').format(
            low, high - low, HEIGHT - 6
        )
    body += Markup('<line class="zero" x1="50%" x2="50%" y1="0" y2="{}"/>').format(HEIGHT)
    if measure.interval is not None:
        body += Markup('<line class="interval" x1="{:.2f}%" x2="{:.2f}%" y1="{}" y2="{}"/>').format(
            *(_across(end, limit) for end in measure.interval), middle, middle
        )
        for end, outward in zip(measure.interval, (-1, 1), strict=True):
            body += _end(end, limit, outward, middle)
    if measure.difference is not None:
        body += _at(_across(measure.difference, limit), middle, _MARKERS[measure.verdict])
    return Markup('<svg class="difference {}" width="100%" height="{}" aria-hidden="true">{}</svg>').format(
        measure.verdict, HEIGHT, body
    )


def _end(end: float, limit: float, outward: int, middle: float) -> Markup:
    """The end of an interval: a bar, or an arrow where the interval goes on beyond the scale."""
    beyond = abs(end) > limit
    shape = f"M{-6 * outward}-5L0 0L{-6 * outward} 5" if beyond else "M0-5V5"
    return _at(_across(end, limit), middle, Markup('<path class="interval" d="{}"/>').format(shape))


def _at(percent: float, y: float, shape: Markup) -> Markup:
    return Markup('<svg x="{:.2f}%" y="{}" class="at">{}</svg>').format(percent, y, shape)


def scale(limit: float) -> Markup:
    """The scale of the rows, in points of 100."""
    body = Markup("")
    for tick in (-limit, -limit / 2, 0.0, limit / 2, limit):
        body += Markup('<text class="tick middle" x="{:.2f}%" y="12">{}</text>').format(
            _across(tick, limit), points(tick).removesuffix(".0")
        )
    return Markup('<svg class="difference" width="100%" height="16" aria-hidden="true">{}</svg>').format(body)


def _across(value: float, limit: float) -> float:
    """The place of a value in percent of the width; at the end of the scale if it is beyond."""
    held = min(max(value, -limit), limit)
    return 50 + held / limit * (50 - PAD)
