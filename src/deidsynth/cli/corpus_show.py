"""``deidsynth corpus show``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deidsynth.cli.inputs import load, prepare_output
from deidsynth.cli.options import (
    CorpusPath,
    Discontinuous,
    DiscontinuousOption,
    FromFormat,
    GroupBy,
    Layout,
    Quiet,
    SkipInvalid,
)
from deidsynth.cli.terminal import tell
from deidsynth.corpora.label_sets import are_plausible, what_is_wrong
from deidsynth.documents import Corpus, Document
from deidsynth.errors import InputError
from deidsynth.files import write_atomically
from deidsynth.report.notes_page import notes_page

FEW, MOST = 3, 1000
"""Notes that are shown by default on the terminal and on a page."""


def show_command(
    path: CorpusPath,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write a page for the browser instead; it needs no network."),
    ] = None,
    document: Annotated[
        list[str] | None,
        typer.Option("--document", metavar="ID", help="Only the document with this id; may be repeated."),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="LABEL", help="Only documents that have this label; may be repeated."),
    ] = None,
    n_documents: Annotated[
        int | None,
        typer.Option("--n-documents", min=1, help=f"How many to show; {FEW} on the terminal, {MOST} on a page."),
    ] = None,
    group_by: GroupBy = None,
    discontinuous: DiscontinuousOption = Discontinuous.REFUSE,
    from_format: FromFormat = "auto",
    layout: Layout = None,
    skip_invalid: SkipInvalid = False,
    quiet: Quiet = False,
) -> None:
    """Show the notes of a corpus with their entities in color, on the terminal or as a page (--html).

    The text is shown in full. A page is readable for its owner only (0600), requests nothing and runs nothing.
    """
    corpus = load(
        path,
        quiet,
        group_by=group_by,
        discontinuous=discontinuous,
        format=from_format,
        layout=layout,
        require_entities=False,
        texts_suffice=True,
        skip_invalid=skip_invalid,
    ).corpus
    if not are_plausible(corpus.label_counts()):
        tell(f"{path}: {what_is_wrong(corpus.label_counts())}", quiet)
    found = _chosen(path, corpus, document, label)
    shown = found.documents[: n_documents or (FEW if html is None else MOST)]
    if html is None:
        found.show(len(shown))
        return
    prepare_output(html)
    page = notes_page(shown, n_more=len(found) - len(shown), name=str(path), language=corpus.language)
    write_atomically(html, page, private=True)
    tell(f"wrote {len(shown)} documents to {html}: it shows them in full, so it is as confidential as they are", quiet)


def _chosen(path: Path, corpus: Corpus, ids: list[str] | None, labels: list[str] | None) -> Corpus:
    """The documents with these ids, or that have one of these labels."""
    missing = sorted(set(ids or ()) - {each.doc_id for each in corpus})
    if missing:
        raise InputError(f"{path}: {len(missing)} of the documents named with --document are not in the corpus")
    unknown = sorted(set(labels or ()) - corpus.label_counts().keys())
    if unknown:
        raise InputError(f"{path}: no entity has the label {', '.join(unknown)}; see: deidsynth corpus describe {path}")

    def is_chosen(each: Document) -> bool:
        named = not ids or each.doc_id in ids
        return named and (not labels or any(entity.label in labels for entity in each.entities))

    return corpus.filter(is_chosen)
