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
