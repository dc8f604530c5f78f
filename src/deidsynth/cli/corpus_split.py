"""``deidsynth corpus split``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deidsynth.cli.corpus import write
from deidsynth.cli.inputs import load
from deidsynth.cli.options import (
    Discontinuous,
    DiscontinuousOption,
    FromFormat,
    GroupBy,
    Layout,
    Quiet,
    Settings,
    SkipInvalid,
    SplitSeed,
    Target,
    TestShare,
    ToFormat,
    ValidationShare,
)
from deidsynth.cli.settings import stage_config
from deidsynth.cli.terminal import tell
from deidsynth.config import SplitConfig
from deidsynth.corpora import make_splits
from deidsynth.errors import InputError


def split_command(
    source: Annotated[Path, typer.Argument(help="Corpus to read.")],
    target: Target,
    to: ToFormat = "jsonl",
    test: TestShare = None,
    validation: ValidationShare = None,
    split_seed: SplitSeed = None,
    settings: Settings = None,
    group_by: GroupBy = None,
    discontinuous: DiscontinuousOption = Discontinuous.REFUSE,
    from_format: FromFormat = "auto",
    layout: Layout = None,
    skip_invalid: SkipInvalid = False,
    quiet: Quiet = False,
) -> None:
    """Split a corpus into train, validation and test by group, as ``deidsynth run`` does; existing splits are kept.

    The options are those of ``deidsynth run``, ``--set split.test=0.25`` included.
    """
    plain = [setting.removeprefix("split.") for setting in settings or ()]
    config = stage_config(SplitConfig, plain, test=test, validation=validation, seed=split_seed)
    if config.half is not None:
        raise InputError("split.half: a run has halves, whose training and test documents are not a whole corpus")
    loaded = load(
        source,
        quiet,
        group_by=group_by,
        discontinuous=discontinuous,
        format=from_format,
        layout=layout,
        skip_invalid=skip_invalid,
        require_entities=False,
        texts_suffice=True,
    )
    splits = make_splits(loaded.corpus, loaded.splits, config)
    sizes = ", ".join(f"{len(documents)} {split}" for split, documents in splits.items())
    tell(f"{sizes} documents", quiet)
    split_of = {document.doc_id: split for split, documents in splits.items() for document in documents}
    write(loaded.corpus, target, to, split_of, layout, quiet)
