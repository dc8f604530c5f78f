"""A document without what identified in it, and what became of each entity."""

from __future__ import annotations

from dataclasses import dataclass

from deidsynth.config.policy import Action
from deidsynth.deidentification.found import Source
from deidsynth.documents import Entity


@dataclass(frozen=True, slots=True)
class Replacement:
    """What became of an entity.

    Args:
        start: of the entity in the original text.
        end: one past its end there.
        new_start: of what stands in its place in the new text.
        new_end: one past its end there; equal to ``new_start`` if it was removed.
        label: of the entity.
        action: what was done, which is ``mask`` where a surrogate was asked for and none could be made.
        source: who found it.
    """

    start: int
    end: int
    new_start: int
    new_end: int
    label: str
    action: Action
    source: Source


@dataclass(frozen=True, slots=True, repr=False)
class Deidentified:
    """A text after de-identification.

    Args:
        text: the new text; between replacements it is the original, character by character.
        entities: what was found, at its offsets in the original text.
        replacements: what became of each of them, in their order.
    """

    text: str
    entities: tuple[Entity, ...]
    replacements: tuple[Replacement, ...]

    def __repr__(self) -> str:
        return f"Deidentified(n_chars={len(self.text)}, n_entities={len(self.entities)})"
