"""``deidsynth synthesize``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from deidsynth.api import sampling
from deidsynth.cli.inputs import load, prepare_output, training_documents
from deidsynth.cli.options import (
    AsJson,
    ControlCodes,
    Device,
    Discontinuous,
    DiscontinuousOption,
    FromFormat,
    Labels,
    Language,
    Layout,
    Quiet,
    Seed,
    Settings,
    SkipInvalid,
)
from deidsynth.cli.settings import as_settings, label_kinds
from deidsynth.cli.terminal import make_progress, print_facts
from deidsynth.config import apply_settings
from deidsynth.errors import InputError
from deidsynth.workflow.alone import Around, run_alone_to_file


def synthesize_command(
    model: Annotated[Path, typer.Argument(help="Folder of a language model from deidsynth adapt.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.jsonl", help="File for the synthetic texts.")],
    prompts_from: Annotated[
        Path | None, typer.Option("--prompts-from", help="Corpus whose texts provide the prompts: their first words.")
    ] = None,
    prompts_file: Annotated[
        Path | None, typer.Option("--prompts-file", help="Text file with one prompt per line.")
    ] = None,
    train: Annotated[
        Path | None,
        typer.Option(
            "--train", help="Corpus that the model was adapted to; synthetic texts that copy it are replaced."
        ),
    ] = None,
    bos: Annotated[bool, typer.Option("--bos", help="Without prompts: sample from the start of a document.")] = False,
    match_labels: Annotated[
        ControlCodes | None,
        typer.Option(
            "--match-labels",
            metavar="gold|balanced",
            help="Control codes for a model that has them: those of --train (gold), or the same "
            "share for every label (balanced).",
        ),
    ] = None,
    n_documents: Annotated[
        int, typer.Option("--n-documents", "-n", min=1, max=10_000_000, help="Texts to sample.")
    ] = 100,
    settings: Settings = None,
    language: Language = None,
    labels: Labels = None,
    discontinuous: DiscontinuousOption = Discontinuous.REFUSE,
    from_format: FromFormat = "auto",
    layout: Layout = None,
    skip_invalid: SkipInvalid = False,
    seed: Seed = None,
    device: Device = "auto",
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Sample synthetic texts from a language model, with or without prompts."""
    if sum((prompts_from is not None, prompts_file is not None, bos)) > 1:
        raise InputError("give one of --prompts-from CORPUS, --prompts-file FILE and --bos")
    named: dict[str, Any] = {
        "prompts.file": str(prompts_file) if prompts_file is not None else None,
        "prompts.labels": label_kinds(labels),
        "prompts.control_codes": match_labels.value if match_labels is not None else None,
    }
    plain = apply_settings({}, [*(settings or ()), *as_settings(named)])
    options: dict[str, Any] = {
        "language": language,
        "discontinuous": discontinuous,
        "format": from_format,
        "layout": layout,
        "require_entities": False,
        "texts_suffice": True,
        "skip_invalid": skip_invalid,
    }
    prompts = None if prompts_from is None else load(prompts_from, quiet, **options).corpus
    trained_on = None if train is None else training_documents(load(train, quiet, **options), quiet)
    config, inputs = sampling(n_documents, prompts, trained_on, plain, language)
    prepare_output(output)
    around = Around(seed if seed is not None else 1, make_progress(quiet), device=device)
    facts = run_alone_to_file("synthesize", config, {"model": model, **inputs}, output, around)
    print_facts(facts, f"{facts['n_documents']} texts in {output}", json, quiet)
