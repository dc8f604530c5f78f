"""Poisson sampling of groups: the chance of each does not depend on how many there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

import torch

from deidsynth.documents import Document

Item = TypeVar("Item")


def by_group(documents: Sequence[Document], items: Sequence[Item]) -> list[list[Item]]:
    """What belongs to the documents of each group, such as their token ids.

    Args:
        documents: of any number of groups.
        items: one for each document.
    """
    groups: dict[str, list[Item]] = {}
    for document, item in zip(documents, items, strict=True):
        groups.setdefault(document.unit, []).append(item)
    return list(groups.values())


def poisson_batches(
    groups: Sequence[Sequence[Item]], rate: float, n_steps: int, generator: torch.Generator
) -> Iterator[list[Item]]:
    """The batch of each step: every group is in it with the same probability, with one of its documents.

    No batch is shuffled out of a fixed order, and none has a fixed size; it may be empty.

    Args:
        groups: documents of each group.
        rate: probability of a group.
        n_steps: number of batches.
        generator: on the CPU; the batches are secret, and so is its seed.
    """
    for _ in range(n_steps):
        drawn = torch.rand(len(groups), dtype=torch.float64, generator=generator) < rate
        yield [_one_of(groups[number], generator) for number in drawn.nonzero().flatten().tolist()]


def _one_of(documents: Sequence[Item], generator: torch.Generator) -> Item:
    return documents[int(torch.randint(len(documents), (1,), generator=generator))]
