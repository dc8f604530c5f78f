"""``deidsynth adapt``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deidsynth.cli.inputs import load, training_documents
from deidsynth.cli.options import (
    AsJson,
    Device,
    Discontinuous,
    DiscontinuousOption,
    FromFormat,
    GroupBy,
    Language,
    Layout,
    Quiet,
    Seed,
    Settings,
    SkipInvalid,
)
from deidsynth.cli.settings import stage_config
from deidsynth.cli.terminal import make_progress, print_facts
from deidsynth.config import AdaptConfig, resolve_adapt
from deidsynth.workflow.alone import Around, refuse_occupied, run_alone, share_alone
from deidsynth.workflow.executors.launched import launched_processes


def adapt_command(
    corpus: Annotated[Path, typer.Option("--corpus", help="Texts to adapt to: file or folder in any known format.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Folder for the adapted language model.")
    ],
    base: Annotated[
        str | None, typer.Option("--base", help="Hub id, local folder, or a name of `models list`.")
    ] = None,
    settings: Settings = None,
    language: Language = None,
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
    """Adapt a causal language model to the texts of a corpus; a small share of them is held out for validation.

    With `accelerate launch` or `torchrun`, several processes share every step.
    """
    process = launched_processes()
    quiet = quiet or not process.is_main  # only one process shows progress
    asked = stage_config(AdaptConfig, settings, base=base)
    resolve_adapt(asked)  # finds contradictions before the corpus is read
    refuse_occupied(output)
    loaded = load(
        corpus,
        quiet,
        language=language,
        group_by=group_by,
        discontinuous=discontinuous,
        format=from_format,
        layout=layout,
        require_entities=False,
        texts_suffice=True,
        skip_invalid=skip_invalid,
    )
    around = Around(seed if seed is not None else 1, make_progress(quiet), device=device, process=process)
    inputs = {"train": training_documents(loaded, quiet)}
    config = resolve_adapt(asked, control_codes=bool(inputs["train"].n_entities))
    if not process.is_main:
        share_alone("adapt", config, inputs, output, around)
        return
    facts = run_alone("adapt", config, inputs, output, around)
    print_facts(facts, f"language model in {output}", json, quiet)
