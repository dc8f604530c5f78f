"""Rendering a text with its entities tagged or masked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from deidsynth.documents import Document, Entity

Mode = Literal["tag", "mask"]
MODES: tuple[Mode, ...] = ("tag", "mask")


def tagged(document: Document) -> Document:
    """The document with inline entity tags, ``<LAST_NAME>Berg</LAST_NAME>``; entities span tags and value.

    Nothing is escaped: tags that are already in the text remain unchanged.
    """
    return _with_values(document, lambda entity: f"<{entity.label}>{document.surface(entity)}</{entity.label}>")


def masked(document: Document) -> Document:
    """The document with every entity replaced by its label in brackets, ``[LAST_NAME]``, which the entities span."""
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
