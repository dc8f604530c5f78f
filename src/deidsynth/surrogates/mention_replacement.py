"""Mention replacement: documents with surrogates in place of their entities, as additional training data."""

from __future__ import annotations

from random import Random

from deidsynth.documents import Document, Entity
from deidsynth.surrogates.labels import kind_of
from deidsynth.surrogates.values import Surrogates


def replace_mentions(document: Document, surrogates: Surrogates, chance: Random, share: float) -> Document:
    """The document with a share of its distinct mentions replaced; equal mentions get equal surrogates.

    Mentions whose label has no known kind of surrogate are kept.

    Args:
        document: with entities.
        surrogates: source of the new values.
        chance: source of randomness that decides which are replaced.
        share: of the distinct mentions, in [0, 1].
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
