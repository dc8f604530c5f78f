"""Options that several verbs share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress and no messages.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
Language = Annotated[str | None, typer.Option("--language", "-l", help="ISO 639-1 code of the text, such as es or sv.")]
GroupBy = Annotated[
    str | None,
    typer.Option(
        "--group-by",
        metavar="REGEX",
        help="Regular expression on the document name; its first group names the document's group (one patient).",
    ),
]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Seed of training and sampling.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Set one key of the configuration; may be given again."),
]


class Discontinuous(StrEnum):
    """What to do with discontinuous entities."""

    REFUSE = "refuse"
    JOIN = "join"


class CorpusFormat(StrEnum):
    """Formats to write."""

    JSONL = "jsonl"
    BRAT = "brat"


class Mode(StrEnum):
    """What to do with an entity that was found."""

    TAG = "tag"
    MASK = "mask"


DiscontinuousOption = Annotated[
    Discontinuous,
    typer.Option(
        "--discontinuous",
        metavar="refuse|join",
        help="Discontinuous entities: refuse, or join to the span that covers all.",
    ),
]
FromFormat = Annotated[str, typer.Option("--from", metavar="FORMAT", help="Format to read: brat, jsonl, or auto.")]
CorpusPath = Annotated[Path, typer.Argument(help="Annotated corpus: a brat folder, a JSONL file or a folder of them.")]
Device = Annotated[str, typer.Option("--device", help="Where to compute: auto, cpu, cuda or mps.")]
