"""``deidsynth review export``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from deidsynth.cli.inputs import load, load_texts
from deidsynth.cli.options import (
    AsJson,
    Device,
    Discontinuous,
    DiscontinuousOption,
    FromTexts,
    Language,
    Layout,
    Quiet,
    SkipInvalid,
)
from deidsynth.cli.terminal import make_progress, print_facts, tell
from deidsynth.corpora.note_formats import annotated_format
from deidsynth.review import QUEUES, Candidates, Sizes, export_review, scored_candidates, seen_by_person
from deidsynth.review.queues import DEFAULT_SIZE
from deidsynth.review.tools import tool_of
from deidsynth.workflow.alone import model_folder, refuse_occupied


def export_command(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT",
            help="With --model texts: .txt file, folder of them, or a corpus; else a corpus that deidsynth annotated.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Private folder for the queues.")],
    to_format: Annotated[
        str,
        typer.Option(
            "--to", metavar="label-studio|brat|cas|doccano", help="Format of the annotation tool; cas is INCEpTION's."
        ),
    ],
    model: Annotated[
        Path | None, typer.Option("--model", metavar="FOLDER", help="Model that annotates the texts first.")
    ] = None,
    entities: Annotated[
        int, typer.Option("--entities", min=0, metavar="N", help="Documents with the least certain entities.")
    ] = DEFAULT_SIZE,
    outside: Annotated[
        int | None,
        typer.Option(
            "--outside",
            min=0,
            metavar="N",
            help="Documents with the least certain words outside of entities; needs --model.  "
            f"[default: {DEFAULT_SIZE}, without --model 0]",
            show_default=False,
        ),
    ] = None,
    blind: Annotated[
        int, typer.Option("--blind", min=0, metavar="N", help="Documents drawn at random, without predictions.")
    ] = DEFAULT_SIZE,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the blind slice.")] = 1,
    language: Language = None,
    discontinuous: DiscontinuousOption = Discontinuous.REFUSE,
    from_format: FromTexts = "auto",
    layout: Layout = None,
    skip_invalid: SkipInvalid = False,
    device: Device = "auto",
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Send what a model was unsure of, and a blind random slice, to a person in an annotation tool.

    Three queues, no document in two of them: the documents with the least certain entities, those with the least
    certain words outside of entities (each marked once), and a random slice without predictions, on which recall can be
    measured. The folder holds the texts and a record of what was sent, which ``review import`` needs.
    """
    tool_of(to_format)
    sizes = Sizes(entities, outside if outside is not None else DEFAULT_SIZE * (model is not None), blind)
    refuse_occupied(output)
    seen = seen_by_person(source) if source.exists() else frozenset()
    if seen:
        tell(f"{source}: {len(seen)} documents that a person has seen are not sent again", quiet)
    candidates: Candidates
    if model is None:
        loaded = load(
            source,
            quiet,
            language=language,
            discontinuous=discontinuous,
            format=from_format,
            layout=layout,
            skip_invalid=skip_invalid,
        )
        unseen = loaded.corpus.filter(lambda document: document.doc_id not in seen)
        candidates = scored_candidates(unseen)
    else:
        model_folder(model)
        format = annotated_format(source) if from_format == "auto" else from_format
        texts = load_texts(source, quiet, language=language, format=format, layout=layout, skip_invalid=skip_invalid)
        # Brings torch, so only after the cheap checks.
        from deidsynth.review.predicting import predict_candidates

        unseen = texts.filter(lambda document: document.doc_id not in seen)
        candidates = predict_candidates(model, unseen, device=device, progress=make_progress(quiet))
    sent = export_review(
        candidates,
        output,
        to_format,
        sizes=sizes,
        seed=seed,
        tell=partial(tell, quiet=quiet),
    )
    facts = {f"n_{queue}": sum(each.queue == queue for each in sent.documents) for queue in QUEUES}
    print_facts(
        {**facts, "n_candidates": sent.n_candidates},
        f"wrote {output}; its texts are as private as the input. Corrected, they come back with: "
        f"deidsynth review import {output} CORRECTED --output reviewed.jsonl",
        json,
        quiet,
    )
