"""What identifies in a document, and who found it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from deidsynth.documents import Document

Source = Literal["model", "known value", "pattern", "second pass"]
"""Who found an entity."""


@dataclass(frozen=True, slots=True)
class Found:
    """A document with the entities that identify.

    Args:
        document: the text with its entities, which do not overlap.
        sources: who found each of them, in their order.
    """

    document: Document
    sources: tuple[Source, ...]
