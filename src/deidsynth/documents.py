"""Documents with labeled spans. All types are frozen and validated at construction.

Offsets are half-open and count Unicode code points of the exact text of the document, which is never normalized.
No type in this module shows text in its ``repr``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, Self, overload

from deidsynth.errors import DocumentError, InvalidEntityError, OverlappingEntitiesError

Origin = Literal["real", "invented", "synthetic"]
Annotation = Literal["gold", "silver"]


@dataclass(frozen=True, slots=True, order=True)
class Entity:
    """A labeled span ``text[start:end]``.

    Args:
        start: first code point, zero-based.
        end: one past the last code point.
        label: such as ``LAST_NAME``; not empty, without white space.
        score: confidence in [0, 1] if a model found the entity, else None.
    """

    start: int
    end: int
    label: str
    score: float | None = None

    def __post_init__(self) -> None:
        if self.start < 0 or self.end <= self.start:
            raise InvalidEntityError(f"entity offsets must satisfy 0 <= start < end, got {self.start}:{self.end}")
        if not self.label or any(character.isspace() for character in self.label):
            raise InvalidEntityError(f"entity {self.start}:{self.end} needs a label without white space")
        if self.score is not None and not 0.0 <= self.score <= 1.0:
            raise InvalidEntityError(f"entity {self.start}:{self.end} has a score outside [0, 1]: {self.score}")

    @property
    def key(self) -> tuple[int, int, str]:
        """Start, end and label, as compared by strict scoring."""
        return self.start, self.end, self.label


@dataclass(frozen=True, slots=True, repr=False)
class Document:
    """A text with entities that are sorted, in bounds, and do not overlap.

    Args:
        doc_id: unique within a corpus.
        text: the exact text.
        entities: in any order; kept sorted by start.
        group: documents of one group (one patient, one article) always stay in the same split.

    Raises:
        DocumentError: empty id.
        InvalidEntityError: an entity ends after the text.
        OverlappingEntitiesError: two entities share characters.
    """

    doc_id: str
    text: str
    entities: tuple[Entity, ...] = ()
    group: str | None = None

    def __post_init__(self) -> None:
        if not self.doc_id:
            raise DocumentError("a document needs a non-empty id")
        entities = tuple(sorted(self.entities, key=lambda entity: entity.key))
        object.__setattr__(self, "entities", entities)
        if entities and max(entity.end for entity in entities) > len(self.text):
            late = next(entity for entity in entities if entity.end > len(self.text))
            raise InvalidEntityError(
                f"document {self.doc_id!r}: entity {late.start}:{late.end} ends after the text "
                f"({len(self.text)} characters); offsets count Unicode code points, not bytes"
            )
        for left, right in pairwise(entities):
            if right.start < left.end:
                raise OverlappingEntitiesError(
                    f"document {self.doc_id!r}: entities {left.start}:{left.end} ({left.label}) and "
                    f"{right.start}:{right.end} ({right.label}) overlap; keep one of them"
                )

    def __repr__(self) -> str:
        return f"Document(doc_id={self.doc_id!r}, n_chars={len(self.text)}, n_entities={len(self.entities)})"

    def surface(self, entity: Entity) -> str:
        """The text of an entity."""
        return self.text[entity.start : entity.end]

    def with_entities(self, entities: Iterable[Entity]) -> Document:
        """The same text with other entities."""
        return replace(self, entities=tuple(entities))

    @property
    def unit(self) -> str:
        """The group, or the document's own id if it has none."""
        return self.group if self.group is not None else self.doc_id


@dataclass(frozen=True, slots=True)
class LabelScheme:
    """The labels of a task: unique, sorted.

    Raises:
        DocumentError: a label occurs twice or is invalid.
    """

    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(set(self.labels)) != len(self.labels):
            raise DocumentError("a label scheme contains a label twice")
        for label in self.labels:
            Entity(0, 1, label)
        object.__setattr__(self, "labels", tuple(sorted(self.labels)))

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[str]:
        return iter(self.labels)

    def __contains__(self, label: object) -> bool:
        return label in self.labels


@dataclass(frozen=True, slots=True, repr=False)
class Corpus(Sequence[Document]):
    """Documents with unique ids, and where text and entities come from.

    Args:
        documents: in a stable order.
        origin: where the *text* comes from; ``real`` if unknown.
        annotation: ``gold`` (by people, or exact by construction) or ``silver`` (by a model).
        language: ISO 639-1 code, if known.

    Raises:
        DocumentError: an id occurs twice.
    """

    documents: tuple[Document, ...]
    origin: Origin = "real"
    annotation: Annotation = "gold"
    language: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "documents", tuple(self.documents))
        counts = Counter(document.doc_id for document in self.documents)
        duplicates = [doc_id for doc_id, count in counts.items() if count > 1]
        if duplicates:
            raise DocumentError(f"{len(duplicates)} document ids occur more than once; make them unique")

    @overload
    def __getitem__(self, index: int) -> Document: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> Document | Self:
        if isinstance(index, slice):
            return replace(self, documents=self.documents[index])
        return self.documents[index]

    def __len__(self) -> int:
        return len(self.documents)

    def __iter__(self) -> Iterator[Document]:
        return iter(self.documents)

    def __repr__(self) -> str:
        return (
            f"Corpus(n_documents={len(self)}, n_entities={self.n_entities}, "
            f"origin={self.origin!r}, annotation={self.annotation!r})"
        )

    def with_documents(self, documents: Iterable[Document]) -> Self:
        """A corpus of other documents, with the same origin, annotation and language."""
        return replace(self, documents=tuple(documents))

    @property
    def n_entities(self) -> int:
        """Number of entities in all documents."""
        return sum(len(document.entities) for document in self.documents)

    def label_scheme(self) -> LabelScheme:
        """The labels that occur."""
        return LabelScheme(tuple({entity.label for document in self.documents for entity in document.entities}))

    def label_counts(self) -> dict[str, int]:
        """Entities per label, most frequent first."""
        counts = Counter(entity.label for document in self.documents for entity in document.entities)
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
