"""``deidsynth train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deidsynth.cli.inputs import load, training_documents
from deidsynth.cli.options import (
    AsJson,
    CorpusPath,
    Device,
    Discontinuous,
    DiscontinuousOption,
    FromFormat,
    GroupBy,
    Labels,
    Language,
    Layout,
    Quiet,
    Seed,
    Settings,
    SkipInvalid,
)
from deidsynth.cli.settings import label_kinds, stage_config
from deidsynth.cli.terminal import make_progress, print_facts
from deidsynth.config import TrainConfig, resolve_train
from deidsynth.corpora.texts import read_texts
from deidsynth.workflow.alone import Around, refuse_occupied, run_alone
from deidsynth.workflow.executors.launched import refuse_several_processes


def train_command(
    corpus: CorpusPath,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Folder for the trained model.")],
    encoder: Annotated[
        str | None, typer.Option("--encoder", help="Hub id, local folder, or a name of `models list`.")
    ] = None,
    texts: Annotated[
        Path | None,
        typer.Option("--texts", help="Unlabeled texts: .txt files, or .jsonl (.gz, .xz) with text."),
    ] = None,
    target_recall: Annotated[
        float | None,
        typer.Option(
            "--target-recall", help="Share of private tokens to find in the validation documents, such as .99."
        ),
    ] = None,
    settings: Settings = None,
    language: Language = None,
    labels: Labels = None,
    group_by: GroupBy = None,
    discontinuous: DiscontinuousOption = Discontinuous.REFUSE,
    from_format: FromFormat = "auto",
    layout: Layout = None,
    skip_invalid: SkipInvalid = False,
    seed: Seed = None,
    device: Device = "auto",
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train a token classifier on the entities of a corpus: an annotator, a gold model or a synthetic model."""
    refuse_several_processes()
    config = stage_config(
        TrainConfig, settings, encoder=encoder, target_recall=target_recall, labels=label_kinds(labels)
    )
    refuse_occupied(output)
    loaded = load(
        corpus,
        quiet,
        language=language,
        group_by=group_by,
        discontinuous=discontinuous,
        format=from_format,
        layout=layout,
        skip_invalid=skip_invalid,
    )
    around = Around(seed if seed is not None else 1, make_progress(quiet), device=device)
    inputs = {"corpus": training_documents(loaded, quiet)}
    if texts is not None:
        inputs["texts"] = read_texts(texts, language=loaded.corpus.language, origin=loaded.corpus.origin)
    resolved = resolve_train(config, language=loaded.corpus.language)
    facts = run_alone("train", resolved, inputs, output, around)
    print_facts(facts, f"model in {output}", json, quiet)
