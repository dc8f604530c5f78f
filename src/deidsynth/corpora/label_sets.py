"""Whether a set of labels is plausible: if columns are mixed up, tokens (possibly names) are read as labels."""

from __future__ import annotations

from collections.abc import Mapping

MOST = 100
FEW = 10
"""In a small corpus, up to this many labels may each occur once or twice."""


def are_plausible(counts: Mapping[str, int]) -> bool:
    """Whether labels are few enough to be shown: at most ten, or at most 100 and half as many as entities.

    Args:
        counts: number of entities by label.

    >>> are_plausible({"NAME": 1, "AGE": 1})
    True
    >>> are_plausible({f"ord{n}": 1 for n in range(11)})
    False
    """
    return len(counts) <= FEW or len(counts) <= min(MOST, sum(counts.values()) / 2)


def what_is_wrong(counts: Mapping[str, int]) -> str:
    """The message about too many labels; it names none of them."""
    return (
        f"{len(counts)} distinct labels for {sum(counts.values())} entities are too many, so none is shown; is "
        "something else read as labels? Name the columns with --layout, or the format with --from"
    )
