"""What reading counts: content that was left out, and content that was taken in another form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

CONVERTED = frozenset({"documents_with_utf16_offsets", "documents_with_offsets_for_other_line_ends"})
"""What counts as converted: nothing of it is missing."""


def left_out(counts: Mapping[str, int]) -> Counter[str]:
    """The counts of what was left out."""
    return Counter({what: count for what, count in counts.items() if what not in CONVERTED})


def converted(counts: Mapping[str, int]) -> Counter[str]:
    """The counts of what was converted, of which nothing is missing."""
    return Counter({what: count for what, count in counts.items() if what in CONVERTED})


def told(counts: Mapping[str, int]) -> list[str]:
    """The counts in words, what was left out before what was converted.

    >>> told({"notes": 3, "documents_with_utf16_offsets": 1})
    ['skipped 3 notes', 'converted 1 documents with utf16 offsets']
    """
    parts = {"skipped": left_out(counts), "converted": converted(counts)}
    return [
        f"{verb} " + ", ".join(f"{count} {what.replace('_', ' ')}" for what, count in sorted(found.items()))
        for verb, found in parts.items()
        if found
    ]
