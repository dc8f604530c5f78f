"""``deidsynth corpus map``."""

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
    Layout,
    Quiet,
    SkipInvalid,
    Target,
    ToFormat,
)
from deidsynth.cli.settings import layout_config
from deidsynth.cli.terminal import tell
from deidsynth.corpora import check_corpus, load_mapping
from deidsynth.corpora.label_sets import are_plausible
from deidsynth.corpora.mapping_skeleton import write_skeleton
from deidsynth.errors import InputError


def map_command(
    source: Annotated[Path, typer.Argument(help="Corpus to read.")],
    target: Target,
    mapping: Annotated[
        str | None,
        typer.Option(
            "--mapping",
            "-m",
            metavar="NAME|FILE",
            help="A built-in mapping, such as meddocan-coarse, or a YAML file with labels: {OLD: NEW, OTHER: null}.",
        ),
    ] = None,
    skeleton: Annotated[
        bool,
        typer.Option("--skeleton", help="Write to TARGET a mapping to fill in: every label of SOURCE with its count."),
    ] = False,
    to: ToFormat = "jsonl",
    discontinuous: DiscontinuousOption = Discontinuous.REFUSE,
    from_format: FromFormat = "auto",
    layout: Layout = None,
    skip_invalid: SkipInvalid = False,
    quiet: Quiet = False,
) -> None:
    """Rename and merge the labels of a corpus, so that it can be compared with one that has another label scheme.

    Built-in mappings convert MEDDOCAN, i2b2 2014 and SEPR PHI labels to each other as far as possible, to the HIPAA
    identifiers, and to nine coarse classes; an unknown name lists them. To write one of your own, begin with
    --skeleton.
    """
    if skeleton == (mapping is not None):
        raise InputError("give either --mapping NAME|FILE, or --skeleton to write a mapping that you fill in")
    if mapping is None:
        found = check_corpus(
            source, format=from_format, discontinuous=discontinuous.value, layout=layout_config(layout)
        )
        write_skeleton(source, found, target)
        tell(f"wrote {target}: fill it in, then: deidsynth corpus map {source} OUTPUT --mapping {target}", quiet)
        return
    table = load_mapping(mapping)
    loaded = load(
        source,
        quiet,
        discontinuous=discontinuous,
        format=from_format,
        layout=layout,
        require_entities=False,
        mapping=table,
        skip_invalid=skip_invalid,
    )
    corpus, dropped = loaded.corpus, loaded.dropped
    if dropped:
        named = ", ".join(f"{count} {label}" for label, count in sorted(dropped.items()))
        counts = named if are_plausible(dropped) else f"{dropped.total()} with {len(dropped)} labels"
        tell(f"entities dropped by the mapping: {counts}", quiet)
    write(corpus, target, to, loaded.splits, layout, quiet)
