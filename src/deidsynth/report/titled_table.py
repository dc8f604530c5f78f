"""A table with its title, and how the figures of an evaluation are called in one."""

from __future__ import annotations

from typing import NamedTuple

MEASURES = ("strict", "span", "merged", "overlap", "partial", "token", "character")
SHARES = {
    "characters_found": ("private characters found", "n_private_characters"),
    "characters_overredacted": ("other characters redacted", "n_other_characters"),
    "documents_without_miss": ("documents without a miss", "n_documents_with_entities"),
    "entities_without_miss": ("entities of which every mention was found", "n_distinct_entities"),
}
LEAK = "leak: missed entities a sentence"


class TitledTable(NamedTuple):
    """A table of finished text."""

    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
