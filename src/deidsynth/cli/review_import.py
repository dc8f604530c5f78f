"""``deidsynth review import``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from deidsynth.cli.inputs import load, prepare_output, read_like, tell_problems
from deidsynth.cli.options import (
    AsJson,
    Discontinuous,
    DiscontinuousOption,
    FromFormat,
    Layout,
    Quiet,
    SkipInvalid,
)
from deidsynth.cli.settings import layout_config
from deidsynth.cli.terminal import format_score, print_json, print_table, tell
from deidsynth.corpora.formats.jsonl import SUFFIX
from deidsynth.errors import InputError
from deidsynth.metrics import Interval
from deidsynth.review import Agreement, Rest, Review, import_review, seen_by_person
from deidsynth.workflow.alone import refuse_existing


def import_command(
    sent: Annotated[Path, typer.Argument(help="Folder that review export wrote.")],
    corrected: Annotated[
        Path, typer.Argument(help="What the annotation tool exported; each document in it counts as seen by a person.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE.jsonl", help="File for the corrected documents.")
    ],
    rest: Annotated[
        Path | None,
        typer.Option("--rest", metavar="CORPUS", help="Silver corpus whose other documents are written too."),
    ] = None,
    discontinuous: DiscontinuousOption = Discontinuous.REFUSE,
    from_format: FromFormat = "auto",
    layout: Layout = None,
    skip_invalid: SkipInvalid = False,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Take the corrections back: check them, report the agreement, and write a corpus to train on.

    Texts, ids and offsets must be those that were sent; every fault is reported with its place, and then nothing is
    written. The format is that of the export, unless --from names another. The lines of the output say which documents
    a person saw (gold) and which come from a model (silver).
    """
    if output.suffix != SUFFIX:
        raise InputError(f"{output}: corrected documents are written as JSON lines; give a name that ends in {SUFFIX}")
    prepare_output(output)
    refuse_existing(output)
    others = None
    if rest is not None:
        others = Rest(load(rest, quiet, require_entities=False).corpus, seen_by_person(rest))
    review = import_review(
        sent,
        corrected,
        output,
        format=from_format,
        discontinuous=discontinuous.value,
        layout=layout_config(layout),
        skip_invalid=skip_invalid,
        rest=others,
        tell=partial(tell, quiet=quiet),
    )
    tell_problems(corrected, review.source, quiet, read_like(review.source.format, layout or ()))
    if review.n_not_submitted:
        tell(
            f"{corrected}: warning: {review.n_not_submitted} tasks were not submitted in Label Studio, so their "
            "documents stay unreviewed; submit them and import a new export, or leave them to the next review",
            quiet,
        )
    if review.new_labels:
        labels = ", ".join(review.new_labels)
        tell(f"{corrected}: labels that the model does not have, possible typos: {labels}", quiet)
    if review.n_empty_blind:
        tell(
            f"{corrected}: warning: {review.n_empty_blind} documents of the blind slice came back without any entity, "
            "and count as seen; take out those that nobody looked at",
            quiet,
        )
    if json:
        print_json(review.to_dict())
    elif not quiet:
        _show(review)
    tell(f"wrote {output}: {review.n_documents} documents, {review.n_seen} of them seen by a person", quiet)


def _show(review: Review) -> None:
    """Print the agreement by queue."""
    headers = ["queue", "sent", "returned", "unchanged", "strict F1", "token F1", "strict recall", "token recall"]
    rows = [[queue, *_cells(each)] for queue, each in review.queues.items() if each.n_sent]
    print_table(headers, rows, "Predicted against corrected entities; intervals (95 %) of the random slice")


def _cells(of: Agreement) -> list[str]:
    figures = [format_score(of.counts[name].f1 if of.counts else None) for name in ("strict", "token")]
    figures += [
        _recall(of.counts[name].recall if of.counts else None, of.recall.get(name)) for name in ("strict", "token")
    ]
    return [str(of.n_sent), str(of.n_returned), str(of.n_unchanged), *figures]


def _recall(share: float | None, interval: Interval | None) -> str:
    shown = format_score(share)
    return shown if interval is None else f"{shown} [{interval.low:.3f}, {interval.high:.3f}]"
