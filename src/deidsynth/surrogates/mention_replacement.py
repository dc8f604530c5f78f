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
    pieces, entities, last, length = list[str](), list[Entity](), 0, 0
    for entity in document.entities:
        old = document.surface(entity)
        key = entity.label, old
        if key not in values:
            known = kind_of(entity.label) != "shape"
            values[key] = surrogates.value(entity.label, like=old) if known and chance.random() < share else old
        pieces += [document.text[last : entity.start], values[key]]
        start = length + entity.start - last
        length = start + len(values[key])
        entities.append(Entity(start, length, entity.label))
        last = entity.end
    text = "".join([*pieces, document.text[last:]])
    return Document(document.doc_id, text, tuple(entities), document.group)
