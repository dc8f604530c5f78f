"""What all attacks on membership share: scores by group, and one figure for several attacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from math import isnan
from random import Random
from statistics import NormalDist, fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deidsynth.documents import Document
from deidsynth.privacy.audit.figures import LEVEL, Measured, MeasureName
from deidsynth.privacy.audit.sides import Groups, Sides
from deidsynth.privacy.audit.statistics import POWER, Difference, auc_difference

LIMIT = 0.5
"""Largest difference of an AUC from .5."""


def documents_of(sides: Sides) -> list[Document]:
    """The documents of both sides, those of training groups first."""
    return list(chain.from_iterable((*sides.train, *sides.held_out)))


def group_numbers(sides: Sides) -> NDArray[np.int64]:
    """The number of the group of each of ``documents_of``."""
    sizes = [len(group) for group in (*sides.train, *sides.held_out)]
    return np.repeat(np.arange(len(sizes)), sizes)


def sampled(sides: Sides, most_groups: int, seed: int) -> Sides:
    """At most so many groups of each side, drawn by chance: models take time for each document."""
    chance = Random(f"membership-{seed}")
    return replace(
        sides, train=_drawn(sides.train, most_groups, chance), held_out=_drawn(sides.held_out, most_groups, chance)
    )


def _drawn(groups: Groups, most: int, chance: Random) -> Groups:
    return groups if len(groups) <= most else tuple(chance.sample(groups, most))


def membership(sides: Sides, scores: Sequence[float]) -> Difference | None:
    """The AUC of telling training groups from held-out groups by their mean scores; None if a side has no score.

    Args:
        sides: the groups.
        scores: one for each of ``documents_of``, higher for what looks like training text; not-a-number for a document
            that cannot be scored. A group without any score does not count.
    """
    rest = iter(scores)
    train, held_out = _means(sides.train, rest), _means(sides.held_out, rest)
    return auc_difference(train, held_out) if train and held_out else None


def _means(groups: Groups, scores: Any) -> list[float]:
    by_group = [[score for _, score in zip(group, scores, strict=False) if not isnan(score)] for group in groups]
    return [fmean(each) for each in by_group if each]


def combined(
    name: MeasureName,
    attacks: Mapping[str, Difference | None],
    *,
    missing: str,
    of: str = "",
    details: Mapping[str, Any] | None = None,
) -> Measured:
    """The measure of several attacks: the figure of the strongest, with all of them in the details.

    Args:
        name: of the measure.
        attacks: figures by name; None for an attack that could not be made.
        missing: why there is no figure if none could.
        of: what was attacked.
        details: further counts and figures.
    """
    found = {attack: each for attack, each in attacks.items() if each is not None}
    if not found:
        return Measured.missing(name, "auc", missing, of=of)
    attack, figure = strongest(found)
    told = {"attack": attack, "attacks": {each: plain(difference) for each, difference in found.items()}}
    return figure.measured(name, "auc", of=of, details={**told, **(details or {})})


def strongest(attacks: Mapping[str, Difference]) -> tuple[str, Difference]:
    """The name and figure of the attack that tells most, with an interval that holds for all of them at once.

    It is the one whose difference is most certain, if any is told from 0, and otherwise the one whose interval reaches
    farthest. The interval of each is widened as for as many comparisons as there are attacks (Bonferroni), so that
    looking at several does not find what a single one would not.

    Args:
        attacks: figures of one or more attacks by name.
    """
    quantiles = NormalDist()
    single, joint = (quantiles.inv_cdf(1 - (1 - LEVEL) / 2 / count) for count in (1, len(attacks)))
    power = quantiles.inv_cdf(POWER)
    wider = {name: _widened(each, joint / single, (joint + power) / (single + power)) for name, each in attacks.items()}

    def rank(name: str) -> tuple[float, float]:
        low, high = wider[name].interval
        difference = abs(wider[name].difference)
        least = max(low, -high)
        return (difference / (difference - least) if least > 0 else 0.0), max(-low, high)

    name = max(wider, key=rank)
    return name, wider[name]


def _widened(found: Difference, factor: float, detectable_factor: float) -> Difference:
    low, high = (found.difference + factor * (end - found.difference) for end in found.interval)
    detectable = None if found.detectable is None else found.detectable * detectable_factor
    return replace(
        found,
        interval=(max(low, -LIMIT), min(high, LIMIT)),
        detectable=None if detectable is None or detectable > LIMIT else detectable,
    )


def plain(found: Difference) -> dict[str, Any]:
    """The figure of an attack for the details of a measure."""
    return {"auc": found.train, "difference": found.difference, "interval": list(found.interval), "n": list(found.n)}
