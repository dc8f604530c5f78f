"""Two audits with roles swapped as one: every group is a training group in one and a held-out group in the other.

What a group is like by itself is then on both sides alike: of a value that is easily found, or a text that is easily
scored, nothing is left in the difference. Intervals are made as if the two audits knew nothing of each other. Since a
group that is found by chance as a training group is found as a held-out group too, they are if anything too wide.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import hypot
from typing import Any

from deidsynth.privacy.audit.figures import VALIDITY, Measured
from deidsynth.privacy.audit.statistics import CHANCE, share_difference

HALVES = ("half_1", "half_2")
"""Names of the two audits in details."""


def pooled(first: Measured, second: Measured) -> Measured:
    """One measure of two audits whose sides changed roles.

    A share: groups that were found and groups that were looked for are added, and compared as usual. An AUC: the mean
    of both differences; a margin is half the square root of the sum of squares of the two. Validity is the same
    comparison twice, so that the mean of both tells no more than one: its margins are the means. A claimed epsilon
    cannot be pooled. Details hold the figures of both audits, and their details beside each other.

    Args:
        first: of one audit.
        second: the same measure of the other.

    Raises:
        ValueError: they are not the same measure.
    """
    if (first.name, first.kind, first.of) != (second.name, second.kind, second.of):
        raise ValueError(f"{first.name} and {second.name} are different measures and cannot be pooled")
    n = first.n[0] + second.n[0], first.n[1] + second.n[1]
    for name, each in zip(HALVES, (first, second), strict=True):
        if each.difference is None:
            reason = f"{name.replace('_', ' ')}: {each.reason}"
            return Measured.missing(first.name, first.kind, reason, n=n, of=first.of)
    if first.kind == "epsilon":
        reason = "a bound of epsilon is of one training, and two of them are not pooled"
        return Measured.missing(first.name, first.kind, reason, n=n, of=first.of)
    return _pooled_shares(first, second) if first.kind == "share" else _pooled_aucs(first, second, n)


def _pooled_shares(first: Measured, second: Measured) -> Measured:
    train = [*_outcomes(first.train, first.n[0]), *_outcomes(second.train, second.n[0])]
    held_out = [*_outcomes(first.held_out, first.n[1]), *_outcomes(second.held_out, second.n[1])]
    found = share_difference(train, held_out)
    return found.measured(first.name, "share", of=first.of, details=_details(first, second))


def _outcomes(share: float | None, n: int) -> list[bool]:
    """As many truth values as there are groups, of which the share is true."""
    n_found = round((share or 0.0) * n)
    return [True] * n_found + [False] * (n - n_found)


def _pooled_aucs(first: Measured, second: Measured, n: tuple[int, int]) -> Measured:
    differences = [each.difference or 0.0 for each in (first, second)]
    intervals = [each.interval or (-CHANCE, CHANCE) for each in (first, second)]
    margin = _mean if first.name == VALIDITY else _half_of_root
    below, above = (
        margin(*(abs(ends[side] - difference) for difference, ends in zip(differences, intervals, strict=True)))
        for side in (0, 1)
    )
    difference = _mean(*differences)
    return Measured(
        first.name,
        "auc",
        CHANCE + difference,
        CHANCE,
        difference,
        (max(-CHANCE, difference - below), min(CHANCE, difference + above)),
        n,
        None if first.detectable is None or second.detectable is None else margin(first.detectable, second.detectable),
        first.of,
        details=_details(first, second),
        level=first.level,
    )


def _mean(first: float, second: float) -> float:
    return (first + second) / 2


def _half_of_root(first: float, second: float) -> float:
    """The margin of the mean of two figures that do not depend on each other.

    >>> _half_of_root(0.03, 0.04)
    0.025
    """
    return hypot(first, second) / 2


def _details(first: Measured, second: Measured) -> dict[str, Any]:
    """The figures of both audits, and each of their details: once if it is the same in both, else of both."""
    found: dict[str, Any] = {
        "halves": {name: each.figures() for name, each in zip(HALVES, (first, second), strict=True)}
    }
    for key in {**first.details, **second.details}:
        values = [each.details.get(key) for each in (first, second)]
        is_plain = not isinstance(values[0], Mapping)
        found[key] = values[0] if is_plain and values[0] == values[1] else dict(zip(HALVES, values, strict=True))
    return found
