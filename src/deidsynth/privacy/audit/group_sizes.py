"""Sides made alike in the sizes of their groups, so that larger groups do not look like a leak.

A group with more documents has more values and more runs, of which one is found by coincidence more often. So of each
group only as many are looked at as the group of the same rank on the other side has, drawn by chance: then both sides
have the same distribution of sizes. Where the sides are alike to begin with, hardly anything is left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from deidsynth.privacy.audit.sides import Groups


@dataclass(frozen=True, slots=True)
class Tally:
    """What was looked for of one group.

    Args:
        key: says which chance the group has; equal for equal groups, whatever their side.
        n: how many values or runs it has.
        n_found: how many of them were found.
    """

    key: str
    n: int
    n_found: int


def keys_of(groups: Groups) -> list[str]:
    """The chance of each group."""
    return ["\0".join(document.doc_id for document in documents) for documents in groups]


def found_at_equal_sizes(train: Sequence[Tally], held_out: Sequence[Tally]) -> tuple[list[bool], list[bool]]:
    """Whether something of each group was found, when the groups of both sides are equally large.

    >>> large, small = [Tally(f"l{i}", 40, 1) for i in range(1000)], [Tally(f"s{i}", 10, 1) for i in range(1000)]
    >>> found, control = found_at_equal_sizes(large, small)
    >>> .2 < sum(found) / 1000 < .3, all(control)
    (True, True)
    """
    return _found(train, held_out), _found(held_out, train)


def _found(own: Sequence[Tally], other: Sequence[Tally]) -> list[bool]:
    sizes = sorted(tally.n for tally in other)
    order = sorted(range(len(own)), key=lambda place: (own[place].n, own[place].key))
    found = [False] * len(own)
    for rank, place in enumerate(order):
        tally = own[place]
        taken = min(tally.n, sizes[(2 * rank + 1) * len(sizes) // (2 * len(own))]) if sizes else 0
        found[place] = _is_drawn(tally, taken)
    return found


def _is_drawn(tally: Tally, taken: int) -> bool:
    """Whether one that was found is among so many that are drawn by chance."""
    if not tally.n_found or not taken:
        return False
    if tally.n_found + taken > tally.n:
        return True
    seed = hashlib.sha256(tally.key.encode("utf-8", "surrogatepass")).digest()
    chance = np.random.default_rng(int.from_bytes(seed[:8], "big"))
    return int(chance.hypergeometric(tally.n_found, tally.n - tally.n_found, taken)) > 0
