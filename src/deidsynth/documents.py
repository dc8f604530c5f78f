"""Documents with labeled spans. All types are frozen and validated at construction.

Offsets are half-open and count Unicode code points of the exact text of the document, which is never normalized.
No type in this module shows text in its ``repr``.
"""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from random import Random
from typing import Any, Literal, Self, get_args, overload

from deidsynth.errors import (
    DocumentError,
    InputError,
    InvalidEntityError,
    MissingExtraError,
    OverlappingEntitiesError,
)
from deidsynth.groups import held_out
from deidsynth.languages import language_code
from deidsynth.showing import Note, show

Origin = Literal["real", "invented", "synthetic"]
Annotation = Literal["gold", "silver"]
Split = Literal["train", "validation", "test"]

SPLITS: tuple[Split, ...] = get_args(Split)


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
        split: ``train``, ``validation`` or ``test``, if its source states one.

    Raises:
        DocumentError: empty id, or an invalid split.
        InvalidEntityError: an entity ends after the text.
        OverlappingEntitiesError: two entities share characters.
    """

    doc_id: str
    text: str
    entities: tuple[Entity, ...] = ()
    group: str | None = None
    split: Split | None = None

    def __post_init__(self) -> None:
        if not self.doc_id:
            raise DocumentError("a document needs a non-empty id")
        if self.split is not None and self.split not in SPLITS:
            raise DocumentError(f"document {self.doc_id!r}: the split must be one of {', '.join(SPLITS)}, or None")
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

    def without_scores(self) -> Document:
        """The same entities without scores, as gold has them."""
        return self.with_entities(replace(entity, score=None) for entity in self.entities)

    def pieces(self) -> Iterator[tuple[str, Entity | None]]:
        """The text cut at its entities: non-empty pieces, each with its entity, or None between entities.

        >>> [piece for piece, _ in Document("1", "Dr Ek kom", (Entity(3, 5, "NAME"),)).pieces()]
        ['Dr ', 'Ek', ' kom']
        """
        last = 0
        for entity in self.entities:
            if entity.start > last:
                yield self.text[last : entity.start], None
            yield self.surface(entity), entity
            last = entity.end
        if last < len(self.text):
            yield self.text[last:], None

    def replace_entities(self, function: Callable[[Entity], str | None]) -> Document:
        """The document with new texts for its entities, which keep their labels and scores at new offsets.

        >>> document = Document("1", "Dr Ek kom", (Entity(3, 5, "NAME"),))
        >>> document.replace_entities(lambda entity: f"[{entity.label}]").text
        'Dr [NAME] kom'

        Args:
            function: returns the new text of an entity, called in text order; None keeps the old text, and an empty
                text removes the entity.
        """
        texts, entities, length = list[str](), list[Entity](), 0
        for piece, entity in self.pieces():
            new = function(entity) if entity is not None else None
            text = piece if new is None else new
            if entity is not None and text:
                entities.append(replace(entity, start=length, end=length + len(text)))
            texts.append(text)
            length += len(text)
        return replace(self, text="".join(texts), entities=tuple(entities))

    def show(self) -> None:
        """Display the text with its entities, in a notebook or on the terminal; notebooks store their output."""
        show([self._note()])

    def _note(self) -> Note:
        return Note(self.doc_id, [(piece, entity.label if entity else None) for piece, entity in self.pieces()])

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
        language: code of two or three letters (ISO 639), if known; kept in lower case.
        lineage: the data that it goes back to, if a manifest says so; equal corpora may differ in it.

    Raises:
        DocumentError: an id is not unique, or the language code is invalid.
    """

    documents: tuple[Document, ...]
    origin: Origin = "real"
    annotation: Annotation = "gold"
    language: str | None = None
    lineage: Mapping[str, Any] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "documents", tuple(self.documents))
        try:
            object.__setattr__(self, "language", language_code(self.language))
        except ValueError as error:
            raise DocumentError(f"language: {error}, got {self.language!r}") from None
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
        language = "" if self.language is None else f", language={self.language!r}"
        splits = "".join(f", {split}={count}" for split, count in self.split_counts().items())
        return (
            f"Corpus(n_documents={len(self)}, n_entities={self.n_entities}, "
            f"origin={self.origin!r}, annotation={self.annotation!r}{language}{splits})"
        )

    @property
    def doc_ids(self) -> tuple[str, ...]:
        """The ids of the documents, in order."""
        return tuple(document.doc_id for document in self.documents)

    def with_documents(self, documents: Iterable[Document]) -> Self:
        """A corpus of other documents, with the same origin, annotation and language."""
        return replace(self, documents=tuple(documents))

    @overload
    def split(self, name: str, /) -> Self: ...
    @overload
    def split(self, /, *, test: float, seed: int = 1) -> tuple[Self, Self]: ...
    def split(
        self, name: str | None = None, /, *, test: float | None = None, seed: int = 1
    ) -> Self | tuple[Self, Self]:
        """The documents of a split named by the source, or new train and test splits, drawn by group.

        Args:
            name: ``train``, ``validation`` or ``test``; if the source has only train and validation documents, the
                latter are the test set, as in a run.
            test: share of the documents for the test set, in (0, 1): whole groups, never more than the share unless
                the smallest group is larger.
            seed: determines the test set; document order does not matter.

        Raises:
            InputError: no document is in that split, or the share is out of range.
            CorpusError: there is only one group.
        """
        if (name is None) == (test is None):
            raise InputError('split: give a name, such as split("train"), or a share, such as split(test=.2)')
        if test is None:
            counts = self.split_counts()
            wanted = "validation" if name == "test" and "test" not in counts else name
            found = [document for document in self if document.split == wanted]
            if not found:
                raise InputError(self._no_split(name))
            return self.with_documents(found)
        if not 0.0 < test < 1.0:
            raise InputError(f"split: expected a share in (0, 1) for test, got {test}")
        chosen = held_out((document.unit for document in self), test, seed, "test")
        kept = (replace(document, split="train") for document in self if document.unit not in chosen)
        held = (replace(document, split="test") for document in self if document.unit in chosen)
        return self.with_documents(kept), self.with_documents(held)

    def _no_split(self, name: str | None) -> str:
        found = " and ".join(f"{count} {split}" for split, count in self.split_counts().items())
        reason = f"the corpus has {found} documents" if found else "the documents of the corpus have no splits"
        return f"split: no document is in the split {name!r}: {reason}; draw a new split with split(test=.2)"

    def split_counts(self) -> dict[Split, int]:
        """Number of documents in each split that occurs."""
        counts = Counter(document.split for document in self)
        return {split: counts[split] for split in SPLITS if counts[split]}

    def filter(self, function: Callable[[Document], object]) -> Self:
        """The documents for which the function is true."""
        return self.with_documents(document for document in self if function(document))

    def map(self, function: Callable[[Document], Document]) -> Self:
        """The corpus of the documents that the function returns for each document.

        Raises:
            DocumentError: it returns something other than a document, or an id twice.
        """
        made = [function(document) for document in self]
        for each in made:
            if not isinstance(each, Document):
                raise DocumentError(f"map: the function must return a Document, got {type(each).__name__}")
        return self.with_documents(made)

    def sample(self, n: int, *, seed: int = 1) -> Self:
        """A random sample of the documents, regardless of groups, in their original order.

        Raises:
            InputError: ``n`` is negative or larger than the corpus.
        """
        if not 0 <= n <= len(self):
            raise InputError(f"sample: expected 0 to {len(self)} documents, got {n}")
        return self.with_documents(self[index] for index in sorted(Random(seed).sample(range(len(self)), n)))

    def to_pandas(self, *, entities: bool = False) -> Any:
        """A ``pandas.DataFrame`` with a row for each document.

        Its columns are ``doc_id``, ``text``, ``group``, ``split`` and ``n_entities``.

        Args:
            entities: return a row for each entity instead, with ``doc_id``, ``group``, ``split``, ``start``, ``end``,
                ``label``, ``text`` and ``score``.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        try:
            pandas: Any = importlib.import_module("pandas")
        except ImportError:
            raise MissingExtraError("to_pandas", "pandas") from None
        rows: list[dict[str, object]] = []
        for document in self:
            place = {"doc_id": document.doc_id, "group": document.group, "split": document.split}
            if not entities:
                rows.append({**place, "text": document.text, "n_entities": len(document.entities)})
            for each in document.entities if entities else ():
                span = {"start": each.start, "end": each.end, "label": each.label, "score": each.score}
                rows.append({**place, **span, "text": document.surface(each)})
        of_entities = ("doc_id", "group", "split", "start", "end", "label", "text", "score")
        of_documents = ("doc_id", "text", "group", "split", "n_entities")
        return pandas.DataFrame(rows, columns=list(of_entities if entities else of_documents))

    def show(self, n: int = 3) -> None:
        """Display the first documents with their entities, in a notebook or on the terminal.

        Notebooks store their output: clear it before sharing a notebook outside the place of the corpus.
        """
        show([document._note() for document in self.documents[:n]], max(0, len(self) - n))

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
