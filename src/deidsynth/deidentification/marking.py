"""What becomes of the entities of a text."""

from __future__ import annotations

from typing import Literal

from deidsynth.documents import Document

Mode = Literal["tag", "mask"]


def tagged(document: Document) -> Document:
    """The document with inline tags, ``<LAST_NAME>Berg</LAST_NAME>``; its entities span tags and value.

    Nothing is escaped: a text that holds such tags of its own gives them back as they are.
    """
    return document.replace_entities(lambda entity: f"<{entity.label}>{document.surface(entity)}</{entity.label}>")


def masked(document: Document) -> Document:
    """The document with every entity replaced by its label in brackets, ``[LAST_NAME]``; its entities span these."""
    return document.replace_entities(lambda entity: f"[{entity.label}]")
