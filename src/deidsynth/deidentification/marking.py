"""Rendering a text with its entities tagged or masked."""

from __future__ import annotations

from typing import Literal

from deidsynth.documents import Document

Mode = Literal["tag", "mask"]


def tagged(document: Document) -> Document:
    """The document with inline entity tags, ``<LAST_NAME>Berg</LAST_NAME>``; entities span tags and value.

    Nothing is escaped: tags that are already in the text remain unchanged.
    """
    return document.replace_entities(lambda entity: f"<{entity.label}>{document.surface(entity)}</{entity.label}>")


def masked(document: Document) -> Document:
    """The document with every entity replaced by its label in brackets, ``[LAST_NAME]``, which the entities span."""
    return document.replace_entities(lambda entity: f"[{entity.label}]")
