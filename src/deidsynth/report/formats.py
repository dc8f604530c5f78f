"""Formats of numbers. None and numbers that are not finite become a dash."""

from __future__ import annotations

import math
from typing import Any

DASH = "–"
MINUS = "\N{MINUS SIGN}"
THIN = "\N{NARROW NO-BREAK SPACE}"
RATIO_WORDS = {"f1", "precision", "recall", "score"}


def number(value: Any) -> float | None:
    """The value if it is a finite number, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def score(value: Any) -> str:
    """A score in [0, 1] with three decimals.

    >>> score(0.95449)
    '0.954'
    """
    known = number(value)
    return DASH if known is None else f"{known:.3f}"


def difference(value: Any, n_decimals: int = 3) -> str:
    """A difference of scores, signed, with three decimals or as many as are asked for.

    >>> difference(-0.0191), difference(0.0001)
    ('−0.019', '0.000')
    """
    known = number(value)
    if known is None:
        return DASH
    shown = f"{abs(known):.{n_decimals}f}"
    if float(shown) == 0:
        return shown
    return ("+" if known > 0 else MINUS) + shown


def interval(ends: tuple[float, float] | None) -> str:
    """The ends of an interval of a score; a dash if there is none.

    >>> interval((0.91234, 0.98)), interval(None)
    ('0.912 to 0.980', '–')
    """
    return DASH if ends is None else f"{score(ends[0])} to {score(ends[1])}"


def difference_interval(ends: tuple[float, float] | None, limits: tuple[float, float] | None = None) -> str:
    """The ends of an interval of a difference, signed; a dash if there is none.

    Args:
        ends: of the interval.
        limits: of another interval: ends have enough decimals, up to six, not to look like a limit that they are not.

    >>> difference_interval((-0.05, 0.012)), difference_interval((-0.05, 0.1203), (-0.12, 0.12))
    ('−0.050 to +0.012', '−0.0500 to +0.1203')
    """
    if ends is None:
        return DASH
    n_decimals = 3
    while n_decimals < 6 and any(
        end != limit and round(end, n_decimals) == round(limit, n_decimals)
        for end, limit in zip(ends, limits or (), strict=False)
    ):
        n_decimals += 1
    return f"{difference(ends[0], n_decimals)} to {difference(ends[1], n_decimals)}"


def percent(value: Any) -> str:
    """A share as a percentage with one decimal.

    >>> percent(0.0257)
    '2.6\u202f%'
    """
    known = number(value)
    return DASH if known is None else f"{known * 100:.1f}{THIN}%"


def count(value: Any) -> str:
    """A count with thousands separators; a mean or median with one decimal unless it is whole.

    >>> count(11333), count(12.5)
    ('11\u202f333', '12.5')
    """
    known = number(value)
    if known is None:
        return DASH
    return (f"{known:,.0f}" if known.is_integer() else f"{known:,.1f}").replace(",", THIN)


def duration(value: Any) -> str:
    """Seconds as a readable duration.

    >>> duration(0.42), duration(200), duration(7265)
    ('0.4 s', '3 min 20 s', '2 h 1 min')
    """
    seconds = number(value)
    if seconds is None:
        return DASH
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 else "")
    minutes = round(seconds / 60)
    return f"{minutes // 60} h" + (f" {minutes % 60} min" if minutes % 60 else "")


def significant(value: float) -> str:
    """A number with three significant digits and thousands separators.

    >>> significant(0.00031), significant(12345.6), significant(1.5)
    ('0.00031', '12\u202f346', '1.5')
    """
    if abs(value) >= 1000:
        return f"{value:,.0f}".replace(",", THIN).replace("-", MINUS)
    return f"{value:.3g}".replace("-", MINUS)


def fact(key: str, value: Any) -> str | None:
    """A fact of a stage as text; None unless it is a short plain value."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    known = number(value)
    if known is not None:
        if key.endswith("_seconds"):
            return duration(known)
        if key.endswith(("_share", "_rate")) and 0 <= known <= 1:
            return percent(known)
        if RATIO_WORDS & set(key.split("_")):
            return score(known)
        return count(known) if known.is_integer() else significant(known)
    if isinstance(value, str) and 0 < len(value) <= 80:
        return value
    return None


def title(key: str) -> str:
    """A key as words.

    >>> title("n_documents"), title("duration_seconds")
    ('documents', 'duration')
    """
    return key.removeprefix("n_").removesuffix("_seconds").replace("_", " ")
