"""The two sides that are compared: groups of training documents, and groups that nothing was made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from deidsynth.documents import Document

Groups = tuple[tuple[Document, ...], ...]
"""Documents by group: those of one patient are one unit."""


@dataclass(frozen=True, slots=True)
class Sides:
    """Training groups and held-out groups that share nothing.

    Args:
        train: groups that a model may have seen.
        held_out: groups that gave neither training text nor prompts nor thresholds.
        removed: what was taken out before, by reason: counts.
    """

    train: Groups
    held_out: Groups
    removed: Mapping[str, int]

    def __repr__(self) -> str:
        return f"Sides(n_train={len(self.train)}, n_held_out={len(self.held_out)})"
