"""What remains readable: by character, by document, and by the person or thing that is mentioned.

Here an entity is *found* if each of its characters that is not white space is in some predicted entity, regardless of
label: what counts is whether it would have been hidden.

=======================  ==================================================================================
characters_found         share of the characters inside gold entities that are in predicted ones
characters_overredacted  share of the characters outside gold entities that are in predicted ones
documents_without_miss   share of the documents with gold entities in which all of them were found
entities_without_miss    mentions (gold entities) in one unit (patient, article; else document) with the same label
                         and words are one entity; the share of entities of which all mentions were found
=======================  ==================================================================================

White space does not count as characters. Source of the last figure: Pilan et al. 2022 (TAB), section 5.2, entity-level
recall, with mentions grouped by their words instead of manually.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from deidsynth.documents import Document, Entity
from deidsynth.metrics.counts import ratio
from deidsynth.metrics.measures import covered
from deidsynth.metrics.tokens import words

SHARES = ("characters_found", "characters_overredacted", "documents_without_miss", "entities_without_miss")
Rows = Mapping[str, NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Exposure:
    """What would be hidden, and what would remain readable.

    Args:
        n_private: characters inside gold entities.
        n_private_found: of these, inside predicted ones.
        n_other: characters outside gold entities.
        n_other_redacted: of these, inside predicted ones.
        n_documents: with gold entities.
        n_documents_without_miss: those in which all entities were found.
        n_entities: distinct entities.
        n_entities_without_miss: those of which all mentions were found.
    """

    n_private: int
    n_private_found: int
    n_other: int
    n_other_redacted: int
    n_documents: int
    n_documents_without_miss: int
    n_entities: int
    n_entities_without_miss: int

    @property
    def characters_found(self) -> float | None:
        """Share of the characters inside gold entities; None where there are none, as below."""
        return ratio(self.n_private_found, self.n_private)

    @property
    def characters_overredacted(self) -> float | None:
        """Share of the characters outside of gold entities."""
        return ratio(self.n_other_redacted, self.n_other)

    @property
    def documents_without_miss(self) -> float | None:
        """Share of the documents with gold entities."""
        return ratio(self.n_documents_without_miss, self.n_documents)

    @property
    def entities_without_miss(self) -> float | None:
        """Share of the distinct entities."""
        return ratio(self.n_entities_without_miss, self.n_entities)

    def to_dict(self) -> dict[str, float | int | None]:
        """Shares, each with its denominator."""
        return {
            "characters_found": self.characters_found,
            "n_private_characters": self.n_private,
            "characters_overredacted": self.characters_overredacted,
            "n_other_characters": self.n_other,
            "documents_without_miss": self.documents_without_miss,
            "n_documents_with_entities": self.n_documents,
            "entities_without_miss": self.entities_without_miss,
            "n_distinct_entities": self.n_entities,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The counts of what `to_dict` gave: each part is its share of the whole."""

        def part(share: str, whole: str) -> int:
            return round(float(data[share] or 0.0) * int(data[whole]))

        return cls(
            n_private=data["n_private_characters"],
            n_private_found=part("characters_found", "n_private_characters"),
            n_other=data["n_other_characters"],
            n_other_redacted=part("characters_overredacted", "n_other_characters"),
            n_documents=data["n_documents_with_entities"],
            n_documents_without_miss=part("documents_without_miss", "n_documents_with_entities"),
            n_entities=data["n_distinct_entities"],
            n_entities_without_miss=part("entities_without_miss", "n_distinct_entities"),
        )


def exposure(rows: Rows) -> Exposure:
    """What predicted entities would hide of gold ones, summed over documents.

    Args:
        rows: as returned by `exposure_by_document`.
    """
    characters, others, documents, entities = (rows[name].sum(axis=0).tolist() for name in SHARES)
    return Exposure(
        n_private=characters[1],
        n_private_found=characters[0],
        n_other=others[1],
        n_other_redacted=others[0],
        n_documents=documents[1],
        n_documents_without_miss=documents[0],
        n_entities=entities[1],
        n_entities_without_miss=entities[0],
    )


def exposure_by_document(pairs: Sequence[tuple[Document, Document]]) -> Rows:
    """Numerator and denominator of every share, by name; shape (n_documents, 2).

    An entity mentioned in several documents of a unit counts for the first of them, so units can be resampled, but not
    single documents of a unit.

    Args:
        pairs: gold and predicted entities of the same texts.
    """
    rows = {name: np.zeros((len(pairs), 2), dtype=np.int64) for name in SHARES}
    mentions: dict[tuple[str, str, tuple[str, ...]], tuple[int, bool]] = {}
    for place, (gold, predicted) in enumerate(pairs):
        hidden = covered(predicted)
        visible = {at for at, character in enumerate(gold.text) if not character.isspace()}
        inside = covered(gold) & visible
        outside = visible - inside
        found = {entity: _is_hidden(gold, entity, hidden) for entity in gold.entities}
        rows["characters_found"][place] = len(inside & hidden), len(inside)
        rows["characters_overredacted"][place] = len(outside & hidden), len(outside)
        rows["documents_without_miss"][place] = bool(found) and all(found.values()), bool(found)
        for entity, is_found in found.items():
            name = (gold.unit, entity.label, _name(gold.surface(entity)))
            first, before = mentions.get(name, (place, True))
            mentions[name] = first, before and is_found
    for first, is_found in mentions.values():
        rows["entities_without_miss"][first] += is_found, 1
    return rows


def _is_hidden(document: Document, entity: Entity, hidden: set[int]) -> bool:
    text = document.text
    return all(place in hidden for place in range(entity.start, entity.end) if not text[place].isspace())


def _name(surface: str) -> tuple[str, ...]:
    return tuple(words(surface)) or (surface,)
