"""Small training and held-out groups for the tests of the audit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from deidsynth.documents import Document, Entity
from deidsynth.privacy.audit.sides import Groups, Sides

Labeled = tuple[str, str]
"""A value and its label."""


def note(doc_id: str, *pieces: str | Labeled) -> Document:
    """A document of text and of values with a label."""
    text, entities = "", list[Entity]()
    for piece in pieces:
        value = piece if isinstance(piece, str) else piece[0]
        if not isinstance(piece, str):
            entities.append(Entity(len(text), len(text) + len(value), piece[1]))
        text += value
    return Document(doc_id, text, tuple(entities))


def groups(prefix: str, values: Iterable[Sequence[str | Labeled]]) -> Groups:
    """Groups of one document each."""
    return tuple((note(f"{prefix}{number}", *pieces),) for number, pieces in enumerate(values))


def sides(train: Iterable[Sequence[str | Labeled]], held_out: Iterable[Sequence[str | Labeled]]) -> Sides:
    """Two sides of groups of one document each."""
    return Sides(groups("t", train), groups("h", held_out), {})


def swapped(of: Sides) -> Sides:
    """The same groups with their roles exchanged."""
    return Sides(of.held_out, of.train, of.removed)


def texts(*written: str) -> list[Document]:
    """Documents without entities."""
    return [Document(f"s{number}", text) for number, text in enumerate(written)]
