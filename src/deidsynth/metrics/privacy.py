"""What is left to read: by character, by document, and by the person or thing that is mentioned.

Here an entity is *found* when every one of its characters that is no white space lies in some predicted entity,
whatever the label: what counts is whether it would have been hidden.

=======================  ==================================================================================
characters_found         share of the characters inside gold entities that lie in predicted ones
characters_overredacted  share of the characters outside of gold entities that lie in predicted ones
documents_without_miss   share of the documents with gold entities of which every one was found
entities_without_miss    mentions (gold entities) of one unit (patient, article; else document) with one label and
                         the same words are one entity; the share of entities of which every mention was found
=======================  ==================================================================================

Characters are those that are no white space. Source for the last: Pilan et al. 2022 (TAB), section 5.2, entity-level
recall, with mentions grouped by their words instead of by hand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from deidsynth.documents import Document, Entity
from deidsynth.metrics.counts import ratio
from deidsynth.metrics.measures import covered
from deidsynth.metrics.tokens import words


@dataclass(frozen=True, slots=True)
class Exposure:
    """What would be hidden, and what would be left to read.

    Args:
        n_private: characters inside gold entities.
        n_private_found: of these, inside predicted ones.
        n_other: characters outside of gold entities.
        n_other_redacted: of these, inside predicted ones.
        n_documents: with gold entities.
        n_documents_without_miss: of which every entity was found.
        n_entities: distinct entities.
        n_entities_without_miss: of which every mention was found.
    """

    n_private: int
    n_private_found: int
    n_other: int
    n_other_redacted: int
    n_documents: int
    n_documents_without_miss: int
    n_entities: int
    n_entities_without_miss: int

    def to_dict(self) -> dict[str, float | int | None]:
        """Shares, each with the number that it is a share of."""
        return {
            "characters_found": ratio(self.n_private_found, self.n_private),
            "n_private_characters": self.n_private,
            "characters_overredacted": ratio(self.n_other_redacted, self.n_other),
            "n_other_characters": self.n_other,
            "documents_without_miss": ratio(self.n_documents_without_miss, self.n_documents),
            "n_documents_with_entities": self.n_documents,
            "entities_without_miss": ratio(self.n_entities_without_miss, self.n_entities),
            "n_distinct_entities": self.n_entities,
        }


def exposure(pairs: Sequence[tuple[Document, Document]]) -> Exposure:
    """What predicted entities would hide of gold ones.

    Args:
        pairs: gold and predicted entities of the same texts.
    """
    private = found_private = other = redacted = n_documents = without_miss = 0
    mentions: dict[tuple[str, str, tuple[str, ...]], bool] = defaultdict(lambda: True)
    for gold, predicted in pairs:
        hidden = covered(predicted)
        visible = {place for place, character in enumerate(gold.text) if not character.isspace()}
        inside = covered(gold) & visible
        private, found_private = private + len(inside), found_private + len(inside & hidden)
        outside = visible - inside
        other, redacted = other + len(outside), redacted + len(outside & hidden)
        found = {entity: _is_hidden(gold, entity, hidden) for entity in gold.entities}
        n_documents += bool(found)
        without_miss += bool(found) and all(found.values())
        for entity, is_found in found.items():
            mentions[gold.unit, entity.label, _name(gold.surface(entity))] &= is_found
    return Exposure(
        private, found_private, other, redacted, n_documents, without_miss, len(mentions), sum(mentions.values())
    )


def _is_hidden(document: Document, entity: Entity, hidden: set[int]) -> bool:
    text = document.text
    return all(place in hidden for place in range(entity.start, entity.end) if not text[place].isspace())


def _name(surface: str) -> tuple[str, ...]:
    return tuple(words(surface)) or (surface,)
