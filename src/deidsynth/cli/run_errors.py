"""``deidsynth runs show RUN --errors``: the test notes that a model got wrong, worst first."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from deidsynth.cli.terminal import print_json, tell
from deidsynth.documents import Document, Entity
from deidsynth.metrics.error_analysis import Match
from deidsynth.report.compared_notes import KINDS, ComparedNote, Wanted, kinds_of, plain_error, worst_first
from deidsynth.report.errors_page import CLASS_NAMES
from deidsynth.showing import for_terminal
from deidsynth.workflow.predictions import ERRORS_PAGE, read_compared_notes

CONTEXT = 40
"""Characters shown on either side of an error."""

COLORS = {"missed": "red", "label": "magenta", "boundary": "yellow", "false_alarm": "cyan"}


class Model(StrEnum):
    """The models of a run."""

    SYNTHETIC = "synthetic"
    GOLD = "gold"


Errors = Annotated[
    bool,
    typer.Option(
        "--errors", help="Show what a model got wrong in the test notes instead, worst note first: real text."
    ),
]
OfModel = Annotated[
    Model, typer.Option("--model", metavar="synthetic|gold", help="With --errors: the model whose errors are shown.")
]
Kinds = Annotated[
    list[str] | None,
    typer.Option("--kind", metavar="KIND", help=f"With --errors: only {', '.join(KINDS)}; may be repeated."),
]
Labels = Annotated[
    list[str] | None,
    typer.Option("--label", metavar="LABEL", help="With --errors: only errors with this label; may be repeated."),
]
NNotes = Annotated[int, typer.Option("--n-notes", min=0, help="With --errors: how many notes to show; 0 for all.")]


def show_errors(run: Path, model: Model, wanted: Wanted, n_notes: int, json: bool, quiet: bool) -> None:
    """Print the notes with wanted errors of a model, worst first.

    Raises:
        InputError: no run folder, or one without its test notes.
    """
    notes = worst_first(read_compared_notes(run), model.value)
    found = [(note, errors) for note in notes if (errors := [e for e in note.errors(model.value) if wanted.has(e)])]
    shown = found[:n_notes] if n_notes else found
    if json:
        print_json(
            {
                "run": str(run),
                "model": model.value,
                "n_documents": len(notes),
                "n_documents_with_errors": len(found),
                "n_errors": sum(len(errors) for _, errors in found),
                "notes": [_plain(note, errors, model.value) for note, errors in shown],
            }
        )
        return
    console = Console(file=sys.stdout, highlight=False)
    for note, errors in shown:
        counts = note.counts(model.value)
        told = ", ".join(f"{counts[kind]} {name}" for kind, name in {"right": "right", **KINDS}.items() if counts[kind])
        console.print(Text(f"{for_terminal(note.gold.doc_id)}: {told}", style="bold"), soft_wrap=True)
        for error in errors:
            console.print(error_line(note.gold, error), soft_wrap=True)
        console.print()
    n_errors, n_shown = (sum(len(errors) for _, errors in part) for part in (found, shown))
    more = "" if n_shown == n_errors else f"; shown: {n_shown} in the {len(shown)} worst, --n-notes 0 shows all"
    tell(f"{model.value} model: errors in {len(found)} of {len(notes)} test notes, {n_errors} in all{more}", quiet)
    tell(
        f"with both models and filters, in a browser: {run / ERRORS_PAGE} (test notes in full: keep it private)", quiet
    )


def _plain(note: ComparedNote, errors: Sequence[Match], model: str) -> dict[str, Any]:
    return {
        "doc_id": note.gold.doc_id,
        "counts": note.counts(model),
        "errors": [plain_error(note.gold, error) for error in errors],
    }


def error_line(document: Document, error: Match) -> Text:
    """One line for an error: its kind, its place in the text, and what was predicted instead."""
    color = COLORS[kinds_of(error)[0]]
    line = Text("  ").append(f"{CLASS_NAMES[error.kind]:<26}", style=color)
    shown = error.gold or error.predicted
    if shown is None:
        return line
    before = document.text[max(0, shown.start - CONTEXT) : shown.start]
    after = document.text[shown.end : shown.end + CONTEXT]
    line.append(("… " if shown.start > CONTEXT else "") + _one_line(before), style="dim")
    line.append(_one_line(document.surface(shown)), style=f"bold reverse {color}")
    line.append(f"[{for_terminal(shown.label)}]", style=color)
    line.append(_one_line(after) + (" …" if shown.end + CONTEXT < len(document.text) else ""), style="dim")
    if error.gold is not None and error.predicted is not None:
        line.append(f"  predicted: {_quoted(document, error.predicted)}", style=color)
    return line


def _quoted(document: Document, entity: Entity) -> str:
    return f"{_one_line(document.surface(entity))}[{for_terminal(entity.label)}]"


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", for_terminal(text))
