"""Small figures as inline SVG. Colors come from the page's style sheet and follow its theme.

Shapes carry the same information as colors: gold is a ring, synthetic a square; training is solid, validation dashed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from markupsafe import Markup

from deidsynth.report import formats

Point = tuple[float, float]
MOST_POINTS = 240


def dumbbell(
    gold: float | None,
    synthetic: float | None,
    *,
    width: int = 150,
    low: float = 0.0,
    high: float = 1.0,
    intervals: Mapping[str, tuple[float, float] | None] | None = None,
) -> Markup:
    """Two values from ``low`` to ``high`` on one track: a ring for gold and a square for synthetic.

    Args:
        gold: None for no ring.
        synthetic: None for no square.
        width: of the figure.
        low: start of the scale.
        high: end of the scale.
        intervals: of ``gold`` and ``synthetic``, drawn as whiskers above and below the track.
    """
    pad, span = 7, (high - low) or 1.0
    height = 26 if intervals else 16
    middle = height // 2

    def across(value: float) -> float:
        return pad + min(max((value - low) / span, 0.0), 1.0) * (width - 2 * pad)

    places = {name: across(value) for name, value in (("gold", gold), ("synthetic", synthetic)) if value is not None}
    body = Markup('<line class="track" x1="{0}" x2="{1}" y1="{2}" y2="{2}"/>').format(pad, width - pad, middle)
    if len(places) == 2:
        body += Markup('<line class="bar" x1="{0:.1f}" x2="{1:.1f}" y1="{2}" y2="{2}"/>').format(
            *sorted(places.values()), middle
        )
    for name, y in (("gold", 3), ("synthetic", height - 3)):
        ends = (intervals or {}).get(name)
        if ends is not None:
            body += Markup('<path class="reach {}" d="M{:.1f} {}v5M{:.1f} {}h{:.1f}M{:.1f} {}v5"/>').format(
                name, across(ends[0]), y - 2.5, across(ends[0]), y, across(ends[1]) - across(ends[0]),
                across(ends[1]), y - 2.5,
            )  # fmt: skip
    if "gold" in places:
        body += Markup('<circle class="gold-ring" cx="{:.1f}" cy="{}" r="5.4"/>').format(places["gold"], middle)
    if "synthetic" in places:
        body += Markup('<rect class="synthetic-fill" x="{:.1f}" y="{:.1f}" width="6.4" height="6.4" rx="0.8"/>').format(
            places["synthetic"] - 3.2, middle - 3.2
        )
    return Markup(
        '<svg class="dumbbell" viewBox="0 0 {0} {1}" width="{0}" height="{1}" aria-hidden="true">{2}</svg>'
    ).format(width, height, body)


def line_chart(series: Mapping[str, Sequence[Point]], label: str) -> Markup:
    """Training curves over steps.

    Args:
        series: points in order of x, by the CSS class of the curve; empty ones are left out.
        label: description for screen readers.
    """
    width, height, left, right, top, bottom = 360, 220, 42, 12, 12, 34
    shown = {name: thin(points) for name, points in series.items() if points}
    xs = [x for points in shown.values() for x, _ in points]
    ys = [y for points in shown.values() for _, y in points]
    x_ticks, y_ticks = ticks(min(0.0, *xs), max(xs), 5), ticks(min(ys), max(ys), 5)
    x_low, x_high = min(0.0, *xs), max(*xs, x_ticks[-1] if len(xs) == 1 else max(xs))
    y_low, y_high = min(min(ys), y_ticks[0]), max(max(ys), y_ticks[-1])

    def across(x: float) -> float:
        return left + (x - x_low) / ((x_high - x_low) or 1.0) * (width - left - right)

    def down(y: float) -> float:
        return top + (y_high - y) / ((y_high - y_low) or 1.0) * (height - top - bottom)

    body = Markup("")
    for tick in y_ticks:
        body += Markup('<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(
            left, width - right, down(tick), down(tick)
        )
        body += Markup('<text class="tick end" x="{}" y="{:.1f}">{}</text>').format(
            left - 6, down(tick) + 4, formats.significant(tick)
        )
    for tick in x_ticks:
        if tick <= x_high:
            body += Markup('<text class="tick middle" x="{:.1f}" y="{}">{}</text>').format(
                across(tick), height - bottom + 16, formats.significant(tick)
            )
    center = (left + width - right) / 2
    body += Markup('<text class="tick middle" x="{}" y="{}">steps</text>').format(center, height - 3)
    for name, points in shown.items():
        path = " ".join(f"{across(x):.1f},{down(y):.1f}" for x, y in points)
        body += Markup('<polyline class="curve {}" points="{}"/>').format(name, path)
        if len(points) <= 40:
            for x, y in points:
                body += Markup('<circle class="dot {}" cx="{:.1f}" cy="{:.1f}" r="2.6"/>').format(
                    name, across(x), down(y)
                )
    return Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        width, height, label, body
    )


def quantile_strip(quantiles: Sequence[float | None], high: float) -> Markup:
    """A box from the lower to the upper quartile with the median in it, and whiskers to the extremes.

    Args:
        quantiles: minimum, quartiles and maximum; nothing is drawn if one is None.
        high: maximum of the scale.
    """
    width, height = 320, 22
    known = [value for value in quantiles if value is not None]
    if len(known) < len(quantiles) or high <= 0:
        return Markup("")
    least, lower, middle, upper, most = (2 + value / high * (width - 4) for value in known)
    body = Markup('<line class="whisker" x1="{:.1f}" x2="{:.1f}" y1="11" y2="11"/>').format(least, most)
    for end in (least, most):
        body += Markup('<line class="whisker" x1="{0:.1f}" x2="{0:.1f}" y1="7" y2="15"/>').format(end)
    body += Markup('<rect class="box" x="{:.1f}" y="4" width="{:.1f}" height="14" rx="2"/>').format(
        lower, max(upper - lower, 1.5)
    )
    body += Markup('<line class="median" x1="{0:.1f}" x2="{0:.1f}" y1="3" y2="19"/>').format(middle)
    return Markup(
        '<svg class="strip" viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true">{}</svg>'
    ).format(width, height, body)


def thin(points: Sequence[Point], most: int = MOST_POINTS) -> list[Point]:
    """The points, or the means of equal intervals if there are more than ``most``."""
    if len(points) <= most:
        return list(points)
    size = math.ceil(len(points) / most)
    stretches = [points[start : start + size] for start in range(0, len(points), size)]
    return [(_mean(x for x, _ in stretch), _mean(y for _, y in stretch)) for stretch in stretches]


def ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers in even steps, from at or below ``low`` to ``high``; at most ``most`` + 1.

    >>> ticks(0.0, 870.0, 5)
    [0.0, 200.0, 400.0, 600.0, 800.0]
    """
    span = (high - low) or abs(high) or 1.0
    raw = span / most
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next(magnitude * factor for factor in (1, 2, 2.5, 5, 10) if magnitude * factor >= raw * (1 - 1e-9))
    first = math.floor(low / step + 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(number * step, 12) for number in range(first, max(last, first) + 1)]


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)
