"""Division of a stage's work into parts."""

from __future__ import annotations


def pieces_of(part: int, n_parts: int, n_pieces: int) -> range:
    """The pieces of one part: consecutive, and their number differs by at most one between parts.

    >>> [list(pieces_of(part, 3, 4)) for part in range(3)]
    [[0], [1], [2, 3]]
    """
    return range(part * n_pieces // n_parts, (part + 1) * n_pieces // n_parts)
