"""Which groups of documents are held out: whole ones, by share and seed.

Chance comes from hashes of seed, purpose and group, so a choice depends neither on the order of the documents nor on
the version of a random generator.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable

from deidsynth.errors import CorpusError


def shuffled(groups: Collection[str], seed: int, purpose: str) -> list[str]:
    """The groups in an order of chance, another one for each seed and purpose."""

    def rank(group: str) -> bytes:
        return hashlib.sha256(f"{purpose}\0{seed}\0{group}".encode("utf-8", "surrogatepass")).digest()

    return sorted(groups, key=rank)


def held_out(units: Iterable[str], share: float, seed: int, purpose: str, n_remaining: int = 1) -> set[str]:
    """The groups to hold out, at least one.

    Args:
        units: the group of each document.
        share: of the documents, in (0, 1). Groups are taken whole, so that as many documents are held out as the share
            says, rounded, or fewer where groups do not add up to it; more only where the smallest group has more.
        seed: another seed holds out other groups.
        purpose: what they are held out for, such as ``test``; another purpose holds out other groups.
        n_remaining: how many groups are left at least.

    Raises:
        CorpusError: too few groups.
    """
    sizes = Counter(units)
    if len(sizes) <= n_remaining:
        raise CorpusError(
            f"{len(sizes)} group{'' if len(sizes) == 1 else 's'} of documents cannot be split into train and "
            f"{purpose if n_remaining == 1 else 'validation and test'}: each needs at least one group. "
            "Give more documents, or a --group-by that makes smaller groups; if one file holds several documents, say "
            "how they are parted, as with --layout inline.documents=paragraphs or columns.documents=sentences"
        )
    order = shuffled(sizes, seed, purpose)
    target = share * sizes.total()
    taken: set[str] = set()
    n_taken = 0
    for group in order:
        if len(sizes) - len(taken) > n_remaining and n_taken + sizes[group] <= target + 0.5:
            taken.add(group)
            n_taken += sizes[group]
    return taken or {min(order, key=lambda group: sizes[group])}
