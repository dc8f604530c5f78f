"""Hits of several detectors made into entities that do not overlap.

Hits that share a character become one entity, which covers all of them; hits that only touch stay apart, and no
character outside of a hit ever belongs to an entity. The label is that of the widest hit, which has seen most of the
value: of an email address by pattern, not of the name that a model saw in it. Among equally wide ones it is that of the
most trusted: a known value whose label was stated, then model, pattern, known value with a label of our choice, second
pass. The source is the first that would have found something there: model, known value, pattern, second pass; so the
counts by source say what each adds to those before. The score is the highest that a model gave.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import get_args

from deidsynth.deidentification.found import Found, Source
from deidsynth.documents import Document, Entity

SOURCES: tuple[Source, ...] = get_args(Source)
"""In the order in which a merged entity is ascribed to them."""
_TRUST: tuple[Source, ...] = ("model", "pattern", "known value", "second pass")
_STATED = -1


@dataclass(frozen=True, slots=True)
class Hit:
    """What one detector found.

    Args:
        entity: at its offsets in the text of the document.
        source: who found it.
        is_stated: whether the user said that this very value has this label.
    """

    entity: Entity
    source: Source
    is_stated: bool = False

    @property
    def n_characters(self) -> int:
        """Its length."""
        return self.entity.end - self.entity.start


def merged(document: Document, hits: Iterable[Hit]) -> Found:
    """The document with the entities that hits of several detectors make, whatever entities it had.

    Args:
        document: that was searched.
        hits: in any order.
    """
    found = [_merged(together) for together in _overlapping(hits)]
    entities = tuple(entity for entity, _ in found)
    return Found(document.with_entities(entities), tuple(source for _, source in found))


def _overlapping(hits: Iterable[Hit]) -> Iterator[list[Hit]]:
    """The hits in groups that share characters, in the order of the text."""
    together: list[Hit] = []
    end = 0
    for hit in sorted(hits, key=lambda hit: (hit.entity.start, hit.entity.end)):
        if together and hit.entity.start >= end:
            yield together
            together = []
        together.append(hit)
        end = max(end, hit.entity.end)
    if together:
        yield together


def _merged(hits: list[Hit]) -> tuple[Entity, Source]:
    """The entity that overlapping hits make, and who found it."""
    start, end = min(hit.entity.start for hit in hits), max(hit.entity.end for hit in hits)
    label = min(hits, key=_by_label).entity.label
    scores = [hit.entity.score for hit in hits if hit.entity.score is not None]
    source = min((hit.source for hit in hits), key=SOURCES.index)
    return Entity(start, end, label, max(scores, default=None)), source


def _by_label(hit: Hit) -> tuple[int, int, int, str]:
    """Orders hits by how good their label is for all of them, the best first."""
    trust = _STATED if hit.is_stated else _TRUST.index(hit.source)
    return -hit.n_characters, trust, hit.entity.start, hit.entity.label
