"""A corpus as one HTML page: notes with their entities in color; no script, no request."""

from __future__ import annotations

from collections.abc import Sequence

from deidsynth.documents import Document
from deidsynth.report import notes as note_cards
from deidsynth.report.document import render
from deidsynth.showing import visible


def notes_page(notes: Sequence[Document], *, n_more: int = 0, name: str, language: str | None) -> str:
    """The page, complete and without external references; it shows the texts in full.

    Args:
        notes: what to show.
        n_more: how many there are besides, which is told.
        name: of the corpus, as it is shown.
        language: of the texts, if known.
    """
    styling = note_cards.styles(notes)
    shown = [
        {**card, "name": visible(note.doc_id), "group": note.group and visible(note.group)}
        for card, note in zip(note_cards.cards(notes, styling), notes, strict=True)
    ]
    return render(
        "notes.html",
        name=visible(name),
        language=language,
        notes=shown,
        n_more=n_more,
        n_entities=sum(len(note.entities) for note in notes),
        legend=note_cards.legend(notes, styling),
        filter_rules=note_cards.filter_rules(styling),
    )
