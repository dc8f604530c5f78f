"""``deidsynth corpus describe`` and ``deidsynth corpus convert``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from deidsynth.cli.options import (
    AsJson,
    CorpusFormat,
    CorpusPath,
    Discontinuous,
    DiscontinuousOption,
    FromFormat,
    GroupBy,
    Language,
    Quiet,
)


def describe_command(
    path: CorpusPath,
    language: Language = None,
    group_by: GroupBy = None,
    discontinuous: DiscontinuousOption = Discontinuous.REFUSE,
    from_format: FromFormat = "auto",
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Count what a corpus holds: documents, lengths, entities per label."""
    from deidsynth.cli.inputs import load
    from deidsynth.cli.terminal import format_count, print_json, print_table
    from deidsynth.corpora import describe

    loaded = load(path, quiet, language=language, group_by=group_by, discontinuous=discontinuous, format=from_format)
    facts = describe(loaded.corpus, loaded.parts)
    if json:
        print_json(facts)
        return
    print_table(["", "value"], list(_flat(facts)), title=str(path))
    labels = [
        [label, format_count(counts["count"]), format_count(counts["median_chars"])]
        for label, counts in facts["labels"].items()
    ]
    print_table(["label", "entities", "median characters"], labels)


def _flat(facts: Mapping[str, Any]) -> list[list[str]]:
    """Rows of name and value; what is counted per label has a table of its own."""
    from deidsynth.cli.terminal import format_fact

    rows: list[list[str]] = []
    for key, value in facts.items():
        if key == "parts":
            rows += ([f"documents in {part}", format_fact(count)] for part, count in value.items())
            continue
        name = key.removeprefix("n_").replace("_", " ")
        if isinstance(value, str | int | float):
            rows.append([name, format_fact(value)])
        elif isinstance(value, Mapping) and "median" in value:
            spread = f"{format_fact(value['median'])} ({format_fact(value['min'])} to {format_fact(value['max'])})"
            rows.append([f"{name} per document", spread])
    return rows


def convert_command(
    source: Annotated[Path, typer.Argument(help="Corpus to read.")],
    target: Annotated[
        Path, typer.Argument(help="Folder to write, or a .jsonl file; only a folder keeps train/validation/test.")
    ],
    to: Annotated[CorpusFormat, typer.Option("--to", metavar="jsonl|brat", help="Format to write.")],
    language: Language = None,
    group_by: GroupBy = None,
    discontinuous: DiscontinuousOption = Discontinuous.REFUSE,
    from_format: FromFormat = "auto",
    quiet: Quiet = False,
) -> None:
    """Write a corpus in another format; what that format cannot hold is refused or counted."""
    from deidsynth.cli.inputs import format_counter, load
    from deidsynth.cli.terminal import tell
    from deidsynth.corpora import write_corpus

    loaded = load(
        source,
        quiet,
        language=language,
        group_by=group_by,
        discontinuous=discontinuous,
        format=from_format,
        require_entities=False,
    )
    dropped = write_corpus(loaded.corpus, target, to.value, parts=loaded.parts)
    corpus = loaded.corpus
    tell(f"wrote {len(corpus)} documents with {corpus.n_entities} entities to {target}", quiet)
    if dropped:
        tell(f"left out, since {to.value} cannot hold it: {format_counter(dropped)}", quiet)
