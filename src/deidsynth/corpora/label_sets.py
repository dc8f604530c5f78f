"""Whether what stands for labels can be labels. Where columns are confused, tokens do, and tokens may be names."""

from __future__ import annotations

from collections.abc import Mapping

MOST = 100
FEW = 10
"""So few may each stand once or twice in a small corpus."""


def are_plausible(counts: Mapping[str, int]) -> bool:
    """Whether labels are few enough to be shown: at most 100, and at most half as many as entities, or ten at most.

    Args:
        counts: entities of each label.

    >>> are_plausible({"NAME": 1, "AGE": 1})
    True
    >>> are_plausible({f"ord{n}": 1 for n in range(11)})
    False
    """
    return len(counts) <= FEW or len(counts) <= min(MOST, sum(counts.values()) / 2)


def what_is_wrong(counts: Mapping[str, int]) -> str:
    """The message about labels that are too many; it names none."""
    return (
        f"{len(counts)} different labels for {sum(counts.values())} entities are too many to be labels, so none is "
        "shown; are other words taken for labels? Name the columns with --layout, or the format with --from"
    )
