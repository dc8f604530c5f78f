"""Names of the figures of an evaluation in tables."""

from __future__ import annotations

SHARES = {
    "characters_found": ("private characters found", "n_private_characters"),
    "characters_overredacted": ("other characters redacted", "n_other_characters"),
    "documents_without_miss": ("documents without a miss", "n_documents_with_entities"),
    "entities_without_miss": ("entities with all mentions found", "n_distinct_entities"),
}
"""For each exposure share its name, and the key of its denominator."""

LEAK = "leak: missed entities per sentence"
