"""Test notes with gold and predicted entities of several models: what each model got wrong, worst note first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deidsynth.documents import Document, Entity
from deidsynth.errors import InputError
from deidsynth.metrics.entities import paired_documents
from deidsynth.metrics.error_analysis import Match, matches

KINDS: Mapping[str, str] = {
    "missed": "missed",
    "label": "wrong label",
    "boundary": "wrong boundary",
    "false_alarm": "false alarm",
}
"""The kinds of errors and their names."""

MODELS: Mapping[str, str] = {"synthetic": "Synthetic model", "gold": "Gold model"}
"""The models of a run; the first is what a run is about."""


def kinds_of(match: Match) -> tuple[str, ...]:
    """The kinds of error that a match is; none if it is right, two if both label and boundary are wrong.

    >>> kinds_of(Match("boundary_and_label", Entity(0, 3, "A"), Entity(0, 4, "B")))
    ('label', 'boundary')
    """
    if match.kind in KINDS:
        return (match.kind,)
    if match.kind == "right":
        return ()
    return ("label", "boundary") if match.kind == "boundary_and_label" else ("boundary",)


def labels_of(match: Match) -> tuple[str, ...]:
    """The labels of the entities of a match, gold first."""
    return tuple(dict.fromkeys(each.label for each in (match.gold, match.predicted) if each is not None))


@dataclass(frozen=True, slots=True, repr=False)
class ComparedNote:
    """A test note with what models predicted in it.

    Args:
        gold: with gold entities.
        matches: of every model by its name.
    """

    gold: Document
    matches: Mapping[str, Sequence[Match]]

    def __repr__(self) -> str:
        return f"ComparedNote(doc_id={self.gold.doc_id!r}, n_chars={len(self.gold.text)})"

    def errors(self, model: str) -> list[Match]:
        """What a model got wrong, in text order."""
        return [match for match in self.matches[model] if match.kind != "right"]

    def counts(self, model: str) -> dict[str, int]:
        """How often each kind of error occurs, and ``right``; an entity with two kinds counts in both."""
        kinds = Counter(kind for match in self.matches[model] for kind in kinds_of(match) or ("right",))
        return {kind: kinds[kind] for kind in ("right", *KINDS)}

    def badness(self, *models: str) -> tuple[int, int]:
        """Missed entities, then all errors, of these models together."""
        return (
            sum(self.counts(model)["missed"] for model in models),
            sum(len(self.errors(model)) for model in models),
        )


def compared_notes(gold: Sequence[Document], predictions: Mapping[str, Sequence[Document]]) -> list[ComparedNote]:
    """Every test note with the matches of every model, in the order of gold.

    Args:
        gold: documents with gold entities.
        predictions: the same texts with predicted entities, by name of the model.

    Raises:
        InputError: the documents of a model are not those of gold.
    """
    found: dict[str, dict[str, Sequence[Match]]] = {document.doc_id: {} for document in gold}
    for model, documents in predictions.items():
        for right, other in paired_documents(gold, documents):
            found[right.doc_id][model] = matches(right, other)
    return [ComparedNote(document, found[document.doc_id]) for document in gold]


def worst_first(notes: Sequence[ComparedNote], *models: str) -> list[ComparedNote]:
    """The notes by missed entities and then by all errors of these models, most first."""
    return sorted(notes, key=lambda note: tuple(-count for count in note.badness(*models)))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which errors are asked for.

    Args:
        kinds: keys of `KINDS`; empty for all.
        labels: of gold or predicted entity; empty for all.
    """

    kinds: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        unknown = sorted(self.kinds - KINDS.keys())
        if unknown:
            raise InputError(f"no kind of error is named {', '.join(unknown)}; the kinds are {', '.join(KINDS)}")

    def has(self, match: Match) -> bool:
        """Whether an error is asked for."""
        kinds, labels = kinds_of(match), labels_of(match)
        return (not self.kinds or not self.kinds.isdisjoint(kinds)) and (
            not self.labels or not self.labels.isdisjoint(labels)
        )


def plain_error(document: Document, match: Match) -> dict[str, Any]:
    """An error as plain JSON, with its text."""

    def plain(entity: Entity | None) -> dict[str, Any] | None:
        if entity is None:
            return None
        own = {"start": entity.start, "end": entity.end, "label": entity.label, "text": document.surface(entity)}
        return own if entity.score is None else own | {"score": entity.score}

    return {"kind": match.kind, "gold": plain(match.gold), "predicted": plain(match.predicted)}
