"""``deidsynth synthesize``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deidsynth.cli.options import AsJson, Device, Headers, Language, Quiet, Seed, Settings


def synthesize_command(
    model: Annotated[Path, typer.Argument(help="Folder of a language model that deidsynth adapt made.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.jsonl", help="File for the new texts.")],
    prompts_from: Annotated[
        Path | None, typer.Option("--prompts-from", help="Corpus whose texts give the prompts: their first words.")
    ] = None,
    prompts_file: Annotated[Path | None, typer.Option("--prompts-file", help="Text file, one prompt a line.")] = None,
    train: Annotated[
        Path | None,
        typer.Option("--train", help="Corpus that the model was adapted to; new texts that copy it are replaced."),
    ] = None,
    bos: Annotated[bool, typer.Option("--bos", help="No prompt: begin at the beginning of a document.")] = False,
    match_labels: Annotated[
        Headers | None,
        typer.Option(
            "--match-labels",
            metavar="gold|balanced",
            help="Labels asked for of a model with control codes: those of --train (gold), or each label alike.",
        ),
    ] = None,
    n_documents: Annotated[int, typer.Option("--n-documents", "-n", min=1, help="Texts to sample.")] = 100,
    settings: Settings = None,
    language: Language = None,
    seed: Seed = None,
    device: Device = "auto",
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Sample new texts from a language model; give one of --prompts-from, --prompts-file and --bos."""
    from deidsynth.cli.inputs import load, prepare_output, training_documents
    from deidsynth.cli.settings import stage_config
    from deidsynth.cli.terminal import make_progress, print_facts
    from deidsynth.config import SynthesizeConfig
    from deidsynth.documents import Corpus, Document
    from deidsynth.errors import InputError
    from deidsynth.workflow.alone import Around, run_alone_to_file

    if sum((prompts_from is not None, prompts_file is not None, bos)) != 1:
        raise InputError("give one of --prompts-from CORPUS, --prompts-file FILE and --bos")
    source = "validation" if prompts_from is not None else "file" if prompts_file is not None else "bos"
    prompts = Corpus((), origin="synthetic")
    if prompts_from is not None:
        prompts = load(prompts_from, quiet, language=language, require_entities=False, texts_suffice=True).corpus
    trained_on = Corpus(tuple(Document(str(number), "") for number in range(1, n_documents + 1)), origin="synthetic")
    if train is not None:
        trained_on = training_documents(
            load(train, quiet, language=language, require_entities=False, texts_suffice=True), quiet
        )
    named: dict[str, str | int | float | None] = {
        "prompts.source": source,
        "prompts.file": str(prompts_file) if prompts_file is not None else None,
        "prompts.language": language,
        "prompts.control_codes": match_labels.value if match_labels is not None else None,
        "volume_ratio": n_documents / len(trained_on),
    }
    config = stage_config(SynthesizeConfig, settings, **named)
    if prompts_from is not None and config.prompts.pii != "keep" and not prompts.n_entities:
        raise InputError(
            f"{prompts_from}: has no entities, so the names in its first words cannot be found; give an annotated "
            "corpus, or --set prompts.pii=keep where the texts hold no identifying information"
        )
    prepare_output(output)
    around = Around(seed if seed is not None else 1, make_progress(quiet), device=device)
    inputs: dict[str, Corpus | Path] = {"model": model, "prompts": prompts, "train": trained_on}
    facts = run_alone_to_file("synthesize", config, inputs, output, around)
    print_facts(facts, f"{facts['n_documents']} texts in {output}", json, quiet)
