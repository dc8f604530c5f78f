"""Options shared by several commands."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress and no messages.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
Language = Annotated[str | None, typer.Option("--language", "-l", help="ISO 639-1 code of the text, such as es or sv.")]
Labels = Annotated[
    Path | None,
    typer.Option(
        "--labels",
        metavar="FILE",
        help="YAML file that says which kind of value labels ask for, such as labels: {NAME_OF_PET: first_name}.",
    ),
]
GroupBy = Annotated[
    str | None,
    typer.Option(
        "--group-by",
        metavar="REGEX",
        help="Regular expression on the document name; its first group names the document's group (one patient).",
    ),
]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Seed of training and sampling.")]
TestShare = Annotated[
    float | None, typer.Option("--test", metavar="SHARE", help="Share of the test set, if the corpus has none.")
]
ValidationShare = Annotated[
    float | None,
    typer.Option("--validation", metavar="SHARE", help="Share of the training data that is held out for validation."),
]
SplitSeed = Annotated[int | None, typer.Option("--split-seed", help="Seed of the split; --seed is that of training.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Set one key of the configuration; may be repeated."),
]


class Discontinuous(StrEnum):
    """What to do with discontinuous entities."""

    REFUSE = "refuse"
    JOIN = "join"


class ControlCodes(StrEnum):
    """Which control codes samples get."""

    GOLD = "gold"
    BALANCED = "balanced"


class Ids(StrEnum):
    """What becomes of document ids."""

    KEEP = "keep"
    NUMBER = "number"


class Mode(StrEnum):
    """What to do with an entity that was found."""

    TAG = "tag"
    MASK = "mask"
    NUMBER = "number"
    REMOVE = "remove"
    SURROGATE = "surrogate"


DiscontinuousOption = Annotated[
    Discontinuous,
    typer.Option(
        "--discontinuous",
        metavar="refuse|join",
        help="Discontinuous entities: refuse, or join into the span that covers all fragments.",
    ),
]
SkipInvalid = Annotated[
    bool,
    typer.Option("--skip-invalid", help="Leave out entities that have a fault; they are counted and listed by place."),
]
FromFormat = Annotated[
    str,
    typer.Option("--from", metavar="FORMAT", help="Format to read; auto detects it. See: deidsynth corpus formats."),
]
FromTexts = Annotated[
    str,
    typer.Option(
        "--from",
        metavar="FORMAT",
        help="Format to read, or text for plain text; auto detects it. See: deidsynth corpus formats.",
    ),
]
ToFormat = Annotated[
    str, typer.Option("--to", metavar="FORMAT", help="Format to write. See: deidsynth corpus formats.")
]
Layout = Annotated[
    list[str] | None,
    typer.Option(
        "--layout",
        metavar="KEY=VALUE",
        help="Details of a format, such as columns.tag=1 or table.text=note; may be repeated.",
    ),
]
CorpusPath = Annotated[Path, typer.Argument(help="Annotated corpus: file or folder in any known format.")]
Target = Annotated[
    Path, typer.Argument(help="Folder or file to write; if a format can be both, only a folder keeps the splits.")
]
Device = Annotated[str, typer.Option("--device", help="Where to compute: auto, cpu, cuda or mps.")]
