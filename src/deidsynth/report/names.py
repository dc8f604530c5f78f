"""How the figures of an evaluation are called in tables."""

from __future__ import annotations

SHARES = {
    "characters_found": ("private characters found", "n_private_characters"),
    "characters_overredacted": ("other characters redacted", "n_other_characters"),
    "documents_without_miss": ("documents without a miss", "n_documents_with_entities"),
    "entities_without_miss": ("entities of which every mention was found", "n_distinct_entities"),
}
"""For each share of the exposure its words, and the key of what it is a share of."""

LEAK = "leak: missed entities a sentence"
