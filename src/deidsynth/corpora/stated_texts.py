"""Entities whose text is stated beside their offsets: it proves the offsets, and the unit in which they count."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from deidsynth.corpora.records import RawSpan

_LAST_OF_BMP = "\uffff"


class Stated(NamedTuple):
    """A span with the text that the source states for it; None if it states none."""

    span: RawSpan
    text: str | None = None


class Placed(NamedTuple):
    """Spans in code points.

    Args:
        spans: in the order of the source, without those that are wrong.
        from_utf16: whether the source counts UTF-16 units.
        fit: whether all stated texts are at the offsets.
        wrong: those whose stated text is not, within the bounds of the text.
        proven: whether there are stated texts, which prove the unit.
    """

    spans: tuple[RawSpan, ...]
    from_utf16: bool = False
    fit: bool = True
    wrong: tuple[RawSpan, ...] = ()
    proven: bool = False


def in_code_points(text: str, stated: Sequence[Stated]) -> Placed:
    """The spans of a text in code points, converted from UTF-16 units if only these make every stated text fit.

    >>> in_code_points("\U0001f600 Ana", [Stated(RawSpan(3, 6, "NAME"), "Ana")]).spans[0][:3]
    (2, 5, 'NAME')
    """
    spans = tuple(each.span for each in stated)
    proven = any(each.text is not None for each in stated)
    misfits = [each.span for each in stated if not fits(text, each)]
    if not misfits:
        return Placed(spans, proven=proven)
    place = utf16_places(text)
    converted = tuple(span._replace(start=place.get(span.start, -1), end=place.get(span.end, -1)) for span in spans)
    if all(fits(text, each._replace(span=span)) for span, each in zip(converted, stated, strict=True)):
        return Placed(converted, from_utf16=True, proven=proven)
    wrong = tuple(span for span in misfits if 0 <= span.start < span.end <= len(text))
    return Placed(tuple(span for span in spans if span not in wrong), fit=False, wrong=wrong, proven=proven)


def utf16_places(text: str) -> Mapping[int, int]:
    """The code point at each offset in UTF-16 units; offsets inside a character are missing."""
    units = [0, *accumulate(1 + (character > _LAST_OF_BMP) for character in text)]
    return {unit: position for position, unit in enumerate(units)}


def fits(text: str, stated: Stated) -> bool:
    """Whether the stated text of an entity, if any, is the text at its offsets, apart from white space."""
    span, shown = stated
    if shown is None:
        return span.start >= 0 and span.end >= 0
    found = text[span.start : span.end] if 0 <= span.start < span.end else ""
    return shown == found or _folded(shown) == _folded(found)


def mismatch(key: str, span: RawSpan) -> str:
    """The message about an entity whose stated text is not at its offsets.

    Args:
        key: under which the text is stated.
        span: as stated.
    """
    return (
        f"{key} of entity {span.start}:{span.end} differs from the text at its offsets; was the text changed after "
        "annotation? Offsets count Unicode code points, including line breaks"
    )


def _folded(text: str) -> str:
    # Label Studio writes a line break as a backslash and an n, and several spaces as one.
    return re.sub(r"\s+", " ", text.replace("\\n", "\n"))
