"""Offsets that count the line ends of a text as they were before its file was converted, as Git does on Windows."""

from __future__ import annotations

from itertools import accumulate
from typing import NamedTuple

_CRLF, _LF = "\r\n", "\n"


class OtherLineEnds(NamedTuple):
    """A text with other line ends than it has.

    Args:
        text: with line feeds in place of CRLF, or the reverse.
        places: where each offset in it is in the text as it is; both sides of a CRLF's middle are at its line feed.
    """

    text: str
    places: tuple[int, ...]


def with_other_line_ends(text: str) -> OtherLineEnds | None:
    r"""The text with line feeds for CRLF, or else with CRLF for line feeds; None if it has neither, or both.

    >>> with_other_line_ends("a\r\nb")
    OtherLineEnds(text='a\nb', places=(0, 1, 3, 4))
    >>> with_other_line_ends("a\nb")
    OtherLineEnds(text='a\r\nb', places=(0, 1, 1, 2, 3))
    """
    n_both = text.count(_CRLF)
    if not text.count(_LF) or n_both not in (0, text.count(_LF)):
        return None
    if n_both:
        pieces = text.replace(_CRLF, _LF)
        return OtherLineEnds(pieces, (0, *accumulate(1 + (each == _LF) for each in pieces)))
    other = text.replace(_LF, _CRLF)
    # Between the halves of a CRLF, the text as it is has no place of its own.
    steps = (int(each != "\r" or after != _LF) for each, after in zip(other, other[1:] + " ", strict=True))
    return OtherLineEnds(other, (0, *accumulate(steps)))
