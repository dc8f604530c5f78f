"""The page of the test notes of a run: gold beside predicted, for people who may read the notes.

It holds real text, so it is never part of ``report.html``. It requests nothing: a content security policy allows only
its own script and style, by digest, so that nothing in a note can run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from deidsynth.documents import Document, Entity
from deidsynth.metrics.error_analysis import Match
from deidsynth.report import formats
from deidsynth.report.compared_notes import KINDS, MODELS, ComparedNote, kinds_of, labels_of, worst_first
from deidsynth.report.document import render_with_script
from deidsynth.showing import visible

MOST_NOTES = 1000
"""Notes on the page; the worst are kept."""

CLASS_NAMES: Mapping[str, str] = {
    "label": "wrong label",
    "boundary_longer": "too long",
    "boundary_shorter": "too short",
    "boundary_shifted": "shifted",
    "boundary_split": "split",
    "boundary_merged": "merged",
    "boundary_and_label": "wrong label and boundary",
    "missed": "missed",
    "false_alarm": "false alarm",
}


def errors_page(notes: Sequence[ComparedNote], *, language: str, name: str) -> str:
    """The HTML page, complete and without external references.

    Args:
        notes: all test notes.
        language: of their text.
        name: of the run, as it is shown.
    """
    models = [model for model in MODELS if all(model in note.matches for note in notes)]
    kept = worst_first(notes, *models)[:MOST_NOTES]
    ranks = {model: _ranks(kept, model) for model in models} | {"both": _ranks(kept, *models)}
    shown = worst_first(kept, *models[:1])
    return render_with_script(
        "errors.html",
        styles=("report.css", "errors.css"),
        script="errors.js",
        language=language,
        name=visible(name),
        kinds=KINDS,
        models={model: MODELS[model] for model in models},
        summary=[_summary(model, notes) for model in models],
        by_label=_by_label(models, notes),
        n_notes=len(notes),
        n_left_out=len(notes) - len(kept),
        notes=[
            _card(number, note, models, {order: places[id(note)] for order, places in ranks.items()})
            for number, note in enumerate(shown, start=1)
        ],
    )


def _ranks(notes: Sequence[ComparedNote], *models: str) -> dict[int, int]:
    return {id(note): place for place, note in enumerate(worst_first(notes, *models))}


def _summary(model: str, notes: Sequence[ComparedNote]) -> dict[str, Any]:
    """Counts of a model over all notes."""
    counts = [note.counts(model) for note in notes]
    clean = sum(not note.errors(model) for note in notes)
    return {
        "key": model,
        "name": MODELS[model],
        "n_gold": formats.count(sum(len(note.gold.entities) for note in notes)),
        "counts": {kind: formats.count(sum(each[kind] for each in counts)) for kind in ("right", *KINDS)},
        "clean": f"{formats.count(clean)} of {formats.count(len(notes))}",
    }


def _by_label(models: Sequence[str], notes: Sequence[ComparedNote]) -> list[dict[str, Any]]:
    """Gold entities of every label, and the errors of every model in which it occurs, by kind."""
    labels = {label for note in notes for of in note.matches.values() for match in of for label in labels_of(match)}
    support = Counter(entity.label for note in notes for entity in note.gold.entities)
    counts = Counter(
        (model, label, kind)
        for note in notes
        for model in models
        for error in note.errors(model)
        for label in labels_of(error)
        for kind in kinds_of(error)
    )
    return [
        {
            "label": label,
            "support": formats.count(support[label]),
            "models": [[formats.count(counts[model, label, kind]) for kind in KINDS] for model in models],
        }
        for label in sorted(labels, key=lambda label: (-support[label], label))
    ]


def _card(number: int, note: ComparedNote, models: Sequence[str], ranks: Mapping[str, int]) -> dict[str, Any]:
    """What the page shows of one note."""
    return {
        "number": number,
        "name": visible(note.gold.doc_id),
        "group": None if note.gold.group is None else visible(note.gold.group),
        "n_entities": len(note.gold.entities),
        "ranks": ranks,
        "panes": [_pane(f"n{number}-{model}", model, note) for model in models],
    }


def _pane(prefix: str, model: str, note: ComparedNote) -> dict[str, Any]:
    """One note under one model: the text with marks, and its errors as rows."""
    errors = note.errors(model)
    ids = {id(error): f"{prefix}-{place}" for place, error in enumerate(errors, start=1)}
    return {
        "model": model,
        "name": MODELS[model],
        "counts": [(name, count) for kind, name in KINDS.items() if (count := note.counts(model)[kind])],
        "n_right": note.counts(model)["right"],
        "body": _body(note.gold, note.matches[model], ids),
        "errors": [
            {
                "id": ids[id(error)],
                "kinds": " ".join(kinds_of(error)),
                "labels": " ".join(labels_of(error)),
                "name": CLASS_NAMES[error.kind],
                "gold": _cell(note.gold, error.gold),
                "predicted": _cell(note.gold, error.predicted),
            }
            for error in errors
        ],
    }


def _cell(document: Document, entity: Entity | None) -> dict[str, Any] | None:
    if entity is None:
        return None
    score = None if entity.score is None else f"{entity.score:.2f}"
    return {"text": visible(document.surface(entity)), "label": entity.label, "score": score}


def _body(document: Document, found: Sequence[Match], ids: Mapping[int, str]) -> Markup:
    """The text of a note with its gold and predicted entities marked; all of the text is there, once and escaped."""
    parts, last = [], 0
    for start, end, group in _clusters(found):
        parts.append(Markup("{}").format(visible(document.text[last:start])))
        parts.append(_marked(document, start, end, group, ids))
        last = end
    parts.append(Markup("{}").format(visible(document.text[last:])))
    return Markup("").join(parts)


def _clusters(found: Sequence[Match]) -> Iterator[tuple[int, int, list[Match]]]:
    """Matches that touch the same characters, with the stretch that they cover together."""
    group: list[Match] = []
    start = end = 0
    for match in found:
        low, high = _stretch(match)
        if group and low < end:
            group.append(match)
            end = max(end, high)
            continue
        if group:
            yield start, end, group
        start, end, group = low, high, [match]
    if group:
        yield start, end, group


def _stretch(match: Match) -> tuple[int, int]:
    entities = [each for each in (match.gold, match.predicted) if each is not None]
    return min(each.start for each in entities), max(each.end for each in entities)


def _marked(document: Document, start: int, end: int, group: Sequence[Match], ids: Mapping[int, str]) -> Markup:
    """A stretch with its entities: where gold is, where predicted is, and what is wrong with it."""
    if [match.kind for match in group] == ["right"]:
        label = group[0].gold.label if group[0].gold is not None else ""
        return Markup('<mark class="right">{}<span class="label"> {}</span></mark>').format(
            visible(document.text[start:end]), label
        )
    gold = {each.key: each for match in group if (each := match.gold) is not None}.values()
    predicted = {each.key: each for match in group if (each := match.predicted) is not None}.values()
    cuts = sorted({start, end, *(place for each in (*gold, *predicted) for place in (each.start, each.end))})
    pieces = []
    for low, high in pairwise(cuts):
        sides = [
            side
            for side, entities in (("g", gold), ("p", predicted))
            if any(each.start <= low and high <= each.end for each in entities)
        ]
        pieces.append(Markup('<span class="{}">{}</span>').format(" ".join(sides), visible(document.text[low:high])))
    errors = [match for match in group if match.kind != "right"]
    tags = [Markup('<span class="label"> {}</span>').format(told) for told in dict.fromkeys(map(_told, errors))]
    kinds = dict.fromkeys(kind for match in errors for kind in kinds_of(match))
    marked = Markup("").join([*pieces, *tags])
    for match in errors[1:]:
        marked = Markup('<span id="{}" class="at" tabindex="-1"></span>').format(ids[id(match)]) + marked
    return Markup('<mark id="{}" tabindex="-1" class="error k-{}" data-errors="{}">{}</mark>').format(
        ids[id(errors[0])],
        next(iter(kinds)),
        " ".join(ids[id(match)] for match in errors),
        marked,
    )


def _told(match: Match) -> str:
    """What is wrong, in few words, beside the text."""
    labels = " \N{RIGHTWARDS ARROW} ".join(labels_of(match))
    return labels if match.kind == "label" else f"{labels} {CLASS_NAMES[match.kind]}"
