"""Mention replacement: documents with surrogates in place of their entities, as additional training data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from random import Random

from deidsynth.documents import Document, Entity
from deidsynth.surrogates.shapes import like_case
from deidsynth.surrogates.values import Surrogates

Mentions = Mapping[str, Sequence[str]]
"""The distinct mentions of each label, sorted."""


def mentions_of(documents: Iterable[Document]) -> Mentions:
    """The distinct mentions of each label in some documents, without those that span lines."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for document in documents:
        for entity in document.entities:
            mention = document.surface(entity)
            if mention == " ".join(mention.split()):
                found[entity.label].add(mention)
    return {label: sorted(mentions) for label, mentions in found.items()}


def replace_mentions(
    document: Document, surrogates: Surrogates, chance: Random, share: float, others: Mentions | None = None
) -> Document:
    """The document with a share of its distinct mentions replaced; equal mentions get equal surrogates.

    A mention for whose label nothing can be invented is replaced by another mention of that label, and kept where
    there is none.

    Args:
        document: with entities.
        surrogates: source of the new values.
        chance: source of randomness that decides which are replaced.
        share: of the distinct mentions, in [0, 1].
        others: mentions of synthetic text, from ``mentions_of``; never of real text, whose values must not spread.
    """
    values: dict[tuple[str, str], str] = {}

    def another(label: str, old: str) -> str:
        choices = [each for each in (others or {}).get(label, ()) if each.casefold() != old.casefold()]
        return like_case(chance.choice(choices), old) if choices and chance.random() < share else old

    def value(entity: Entity) -> str:
        old = document.surface(entity)
        key = entity.label, old
        if key not in values:
            if surrogates.knows(entity.label):
                values[key] = surrogates.value(entity.label, like=old) if chance.random() < share else old
            else:
                values[key] = another(entity.label, old)
        return values[key]

    return document.replace_entities(value)
