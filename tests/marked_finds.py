"""Finds in texts that are written with their labels, and what became of them."""

from __future__ import annotations

import re

from deidsynth.deidentification.deidentified import Deidentified
from deidsynth.deidentification.found import Found
from deidsynth.documents import Document, Entity

KEY = bytes(range(32))
INLINE = re.compile(r"\{(\w+):([^}]*)\}")


def found(marked: str, patient: str | None = None) -> Found:
    """What was found in a text of a patient that is written as ``Dr {NAME:Anna Berg} kom``."""
    text, entities, last = "", list[Entity](), 0
    for match in INLINE.finditer(marked):
        text += marked[last : match.start()] + match[2]
        entities.append(Entity(len(text) - len(match[2]), len(text), match[1]))
        last = match.end()
    text += marked[last:]
    return Found(Document("1", text, tuple(entities), patient), ("model",) * len(entities))


def new_surfaces(made: Deidentified) -> list[str]:
    """What stands in place of each entity."""
    return [made.text[each.new_start : each.new_end] for each in made.replacements]
