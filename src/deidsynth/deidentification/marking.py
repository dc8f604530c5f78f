"""What becomes of the entities of a text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from deidsynth.documents import Document, Entity

Mode = Literal["tag", "mask"]


def tagged(document: Document) -> Document:
    """The document with inline tags, ``<LAST_NAME>Berg</LAST_NAME>``; its entities span tags and value.

    Nothing is escaped: a text that holds such tags of its own gives them back as they are.
    """
    return _with_values(document, lambda entity: f"<{entity.label}>{document.surface(entity)}</{entity.label}>")


def masked(document: Document) -> Document:
    """The document with every entity replaced by its label in brackets, ``[LAST_NAME]``; its entities span these."""
    return _with_values(document, lambda entity: f"[{entity.label}]")


def _with_values(document: Document, value: Callable[[Entity], str]) -> Document:
    pieces: list[str] = []
    entities: list[Entity] = []
    last = length = 0
    for entity in document.entities:
        before, new = document.text[last : entity.start], value(entity)
        start = length + len(before)
        entities.append(replace(entity, start=start, end=start + len(new)))
        pieces += [before, new]
        length, last = start + len(new), entity.end
    pieces.append(document.text[last:])
    return replace(document, text="".join(pieces), entities=tuple(entities))
