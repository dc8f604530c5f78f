"""Notes with highlighted entities: every entity shows its label, so that color is not essential."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from deidsynth.documents import Document
from deidsynth.metrics.tokens import words
from deidsynth.showing import looks, visible


def styles(notes: Sequence[Document]) -> dict[str, str]:
    """CSS classes of all labels, most frequent first; hue and underline are distinct for up to 24 labels."""
    counts = Counter(entity.label for note in notes for entity in note.entities)
    return {label: f"hue{look.hue} line{look.line}" for label, look in looks(counts).items()}


def legend(notes: Sequence[Document]) -> list[dict[str, Any]]:
    """All labels in the notes with style and frequency."""
    counts = Counter(entity.label for note in notes for entity in note.entities)
    return [{"label": label, "style": style, "count": counts[label]} for label, style in styles(notes).items()]


def highlight(note: Document, styling: Mapping[str, str]) -> Markup:
    """The text of a note, each entity in a ``mark`` that ends with its label."""
    parts = []
    for piece, entity in note.pieces():
        shown = Markup("{}").format(visible(piece))
        if entity is not None:
            shown = Markup('<mark class="{}">{}<span class="label"> {}</span></mark>').format(
                styling.get(entity.label, "hue0 line0"), shown, entity.label
            )
        parts.append(shown)
    return Markup("").join(parts)


def cards(notes: Sequence[Document]) -> list[dict[str, Any]]:
    """The content of the page for each note."""
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
