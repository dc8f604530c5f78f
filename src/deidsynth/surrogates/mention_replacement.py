"""Documents with invented values in the place of their own: more to learn from, and nothing of anybody in it."""

from __future__ import annotations

from random import Random

from deidsynth.documents import Document, Entity
from deidsynth.surrogates.labels import kind_of
from deidsynth.surrogates.values import Surrogates


def swapped(document: Document, surrogates: Surrogates, chance: Random, share: float) -> Document:
    """The document with a share of its values replaced; what is the same value twice is so afterwards.

    Values of labels that name no known kind stay as they are.

    Args:
        document: with entities.
        surrogates: makes the values.
        chance: decides which are replaced.
        share: of the different values, in [0, 1].
    """
    values: dict[tuple[str, str], str] = {}

    def value(entity: Entity) -> str:
        old = document.surface(entity)
        key = entity.label, old
        if key not in values:
            known = kind_of(entity.label) != "shape"
            values[key] = surrogates.value(entity.label, like=old) if known and chance.random() < share else old
        return values[key]

    return document.replace_entities(value)
