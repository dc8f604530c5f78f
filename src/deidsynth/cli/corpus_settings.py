"""Options for the corpus of a run or a study, which override its configuration file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from deidsynth.cli.options import Discontinuous
from deidsynth.cli.settings import as_settings, layout_config

SetDiscontinuous = Annotated[
    Discontinuous | None,
    typer.Option(
        "--discontinuous",
        metavar="refuse|join",
        help="Discontinuous entities: refuse, or join to the span that covers all.",
    ),
]
SetFormat = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="FORMAT", help="Format of the corpus, by default detected. See: deidsynth corpus formats."
    ),
]


def corpus_settings(
    path: Path | None,
    *,
    language: str | None,
    group_by: str | None,
    discontinuous: Discontinuous | None,
    format: str | None,
    layout: Sequence[str] | None,
    skip_invalid: bool,
) -> list[str]:
    """``corpus.KEY=VALUE`` for every option that is given.

    Raises:
        ConfigError: an unknown layout key.
    """
    layout_config(layout)
    named: dict[str, str | int | float | None] = {
        "corpus.path": str(path) if path is not None else None,
        "corpus.language": language,
        "corpus.group_by": group_by,
        "corpus.discontinuous": discontinuous.value if discontinuous is not None else None,
        "corpus.format": format,
        "corpus.skip_invalid": True if skip_invalid else None,
    }
    return [*as_settings(named), *(f"corpus.layout.{each}" for each in layout or ())]
