"""``deidsynth annotate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deidsynth.cli.inputs import load_texts, prepare_output
from deidsynth.cli.options import AsJson, Device, FromTexts, Language, Layout, Quiet, Settings, SkipInvalid
from deidsynth.cli.settings import stage_config
from deidsynth.cli.terminal import make_progress, print_facts
from deidsynth.config import AnnotateConfig
from deidsynth.corpora.note_formats import annotated_format
from deidsynth.workflow.alone import Around, model_folder, run_alone_to_file


def annotate_command(
    model: Annotated[Path, typer.Argument(help="Folder of a model from deidsynth train.")],
    source: Annotated[
        Path, typer.Argument(metavar="INPUT", help=".txt file, folder of them, or a corpus in any known format.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.jsonl", help="File for the silver corpus.")],
    settings: Settings = None,
    language: Language = None,
    from_format: FromTexts = "auto",
    layout: Layout = None,
    skip_invalid: SkipInvalid = False,
    device: Device = "auto",
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Annotate texts with a model; every entity gets a score."""
    config = stage_config(AnnotateConfig, settings)
    model_folder(model)
    prepare_output(output)
    format = annotated_format(source) if from_format == "auto" else from_format
    texts = load_texts(source, quiet, language=language, format=format, layout=layout, skip_invalid=skip_invalid)
    around = Around(1, make_progress(quiet), device=device)
    facts = run_alone_to_file("annotate", config, {"texts": texts, "model": model}, output, around)
    print_facts(facts, f"silver corpus in {output}", json, quiet)
