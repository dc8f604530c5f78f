"""Notes with highlighted entities: every entity shows its label, so that color is not essential.

A page filters them by label without a script: style rules follow which label is chosen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from deidsynth.documents import Document, Entity
from deidsynth.metrics.tokens import words
from deidsynth.showing import looks, visible

N_LOWEST = 20
"""Entities in the list of those with the lowest scores."""

_CONTEXT = 24  # characters before and after such an entity


def styles(notes: Sequence[Document]) -> dict[str, str]:
    """CSS classes of all labels, most frequent first: hue and underline, distinct for up to 24 labels, and a number."""
    counts = Counter(entity.label for note in notes for entity in note.entities)
    return {
        label: f"hue{look.hue} line{look.line} of{number}" for number, (label, look) in enumerate(looks(counts).items())
    }


def legend(notes: Sequence[Document], styling: Mapping[str, str]) -> list[dict[str, Any]]:
    """All labels in the notes with style, frequency and number; their styles are those of `styles`, as below."""
    counts = Counter(entity.label for note in notes for entity in note.entities)
    return [
        {"label": label, "style": style, "count": counts[label], "number": number}
        for number, (label, style) in enumerate(styling.items())
    ]


def filter_rules(styling: Mapping[str, str]) -> Markup:
    """The style rules that hide the notes without the label that is chosen, and the marks of others."""
    rules = list[str]()
    for number in range(len(styling)):
        chosen = f"#notes:has(#label{number}:checked)"
        other = f"{chosen} .text mark:not(.of{number})"
        rules += [
            f"{chosen} article:not(:has(.of{number})) {{ display: none; }}",
            f"{chosen} .lowest tbody tr:not(.of{number}) {{ display: none; }}",
            f"{other} {{ padding: 0; border-color: transparent; background: none; }}",
            f"{other} .label {{ display: none; }}",
            f"{other}::after {{ content: none; }}",
        ]
    return Markup("\n").join(map(Markup, rules))


def highlight(note: Document, styling: Mapping[str, str], ids: Mapping[Entity, str]) -> Markup:
    """The text of a note, each entity in a ``mark`` that ends with its label; one with an id shows its score too."""
    parts = []
    for piece, entity in note.pieces():
        shown = Markup("{}").format(visible(piece))
        if entity is not None:
            place = ids.get(entity)
            extra = "" if place is None else Markup(' id="{}" data-score="{:.2f}"').format(place, entity.score)
            shown = Markup('<mark{} class="{}">{}<span class="label"> {}</span></mark>').format(
                extra, styling[entity.label], shown, entity.label
            )
        parts.append(shown)
    return Markup("").join(parts)


def cards(notes: Sequence[Document], styling: Mapping[str, str], lowest: Sequence[Lowest] = ()) -> list[dict[str, Any]]:
    """The content of the page for each note; the entities with the lowest scores can be linked to."""
    ids: dict[int, dict[Entity, str]] = {}
    for each in lowest:
        ids.setdefault(each.number, {})[each.entity] = each.id
    return [
        {
            "number": number,
            "n_words": len(words(note.text)),
            "n_entities": len(note.entities),
            "body": highlight(note, styling, ids.get(number, {})),
        }
        for number, note in enumerate(notes, start=1)
    ]


@dataclass(frozen=True, slots=True)
class Lowest:
    """One of the entities with the lowest scores.

    Args:
        score: of it.
        number: of its note on the page, from 1.
        entity: in the note.
    """

    score: float
    number: int
    entity: Entity

    @property
    def id(self) -> str:
        """Of its mark on the page."""
        return f"note{self.number}-{self.entity.start}"


def lowest_scored(notes: Sequence[Document]) -> list[Lowest]:
    """The entities with the lowest scores, lowest first."""
    scored = [
        Lowest(entity.score, number, entity)
        for number, note in enumerate(notes, start=1)
        for entity in note.entities
        if entity.score is not None
    ]
    return sorted(scored, key=lambda each: (each.score, each.number, each.entity))[:N_LOWEST]


def lowest_rows(
    notes: Sequence[Document], styling: Mapping[str, str], lowest: Sequence[Lowest]
) -> list[dict[str, Any]]:
    """A row for each of them: label, score, surroundings, and where it is on the page."""
    rows = []
    for each in lowest:
        note, entity = notes[each.number - 1], each.entity
        rows.append(
            {
                "id": each.id,
                "number": each.number,
                "label": entity.label,
                "kind": styling[entity.label].split()[-1],
                "score": f"{each.score:.2f}",
                "before": visible(note.text[max(0, entity.start - _CONTEXT) : entity.start]),
                "text": visible(note.surface(entity)),
                "after": visible(note.text[entity.end : entity.end + _CONTEXT]),
            }
        )
    return rows
