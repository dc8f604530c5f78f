"""Notes with their entities highlighted: the label stands beside every entity, so that color is never needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from deidsynth.documents import Document
from deidsynth.metrics.tokens import words

N_HUES, N_LINES = 8, 3
_CONTROL = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127), "\N{REPLACEMENT CHARACTER}")


def styles(notes: Sequence[Document]) -> dict[str, str]:
    """CSS classes of every label, most frequent first; hue and underline together are unlike for 24 labels."""
    counts = Counter(entity.label for note in notes for entity in note.entities)
    ordered = sorted(counts, key=lambda label: (-counts[label], label))
    return {label: f"hue{number % N_HUES} line{number // N_HUES % N_LINES}" for number, label in enumerate(ordered)}


def legend(notes: Sequence[Document]) -> list[dict[str, Any]]:
    """Every label in the notes with its style and how often it occurs."""
    counts = Counter(entity.label for note in notes for entity in note.entities)
    return [{"label": label, "style": style, "count": counts[label]} for label, style in styles(notes).items()]


def highlight(note: Document, styling: Mapping[str, str]) -> Markup:
    """The text of a note, each entity in a ``mark`` that ends with its label."""
    parts, place = [], 0
    for entity in note.entities:
        parts.append(_shown(note.text[place : entity.start]))
        parts.append(
            Markup('<mark class="{}">{}<span class="label"> {}</span></mark>').format(
                styling.get(entity.label, "hue0 line0"), _shown(note.surface(entity)), entity.label
            )
        )
        place = entity.end
    parts.append(_shown(note.text[place:]))
    return Markup("").join(parts)


def cards(notes: Sequence[Document]) -> list[dict[str, Any]]:
    """What the page shows of each note."""
    styling = styles(notes)
    return [
        {
            "number": number,
            "n_words": len(words(note.text)),
            "n_entities": len(note.entities),
            "body": highlight(note, styling),
        }
        for number, note in enumerate(notes, start=1)
    ]


def _shown(text: str) -> Markup:
    return Markup("{}").format(text.translate(_CONTROL))
