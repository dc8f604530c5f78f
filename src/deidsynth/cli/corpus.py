"""``deidsynth corpus describe``, ``convert`` and ``formats``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from deidsynth.cli.inputs import format_counter, load, stream
from deidsynth.cli.options import (
    AsJson,
    CorpusPath,
    Discontinuous,
    DiscontinuousOption,
    FromFormat,
    GroupBy,
    Language,
    Layout,
    Quiet,
    SkipInvalid,
    Target,
    ToFormat,
)
from deidsynth.cli.settings import layout_config
from deidsynth.cli.terminal import format_count, format_fact, print_json, print_table, tell
from deidsynth.corpora import FORMATS, describe, write_corpus
from deidsynth.corpora.formats.registry import get_format
from deidsynth.corpora.label_sets import are_plausible, what_is_wrong
from deidsynth.corpora.output import refuse_unwritable
from deidsynth.corpora.streams import CorpusStream, write_stream
from deidsynth.documents import Corpus, Split
from deidsynth.locks import hold_output


def describe_command(
    path: CorpusPath,
    language: Language = None,
    group_by: GroupBy = None,
    discontinuous: DiscontinuousOption = Discontinuous.REFUSE,
    from_format: FromFormat = "auto",
    layout: Layout = None,
    skip_invalid: SkipInvalid = False,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Show statistics of a corpus: documents, lengths, entities per label."""
    reading: dict[str, Any] = {
        "language": language,
        "group_by": group_by,
        "discontinuous": discontinuous,
        "format": from_format,
        "layout": layout,
        "skip_invalid": skip_invalid,
    }
    found = stream(path, quiet, **reading)
    if found is not None:
        documents, loaded = found
        facts = describe(documents, loaded.splits)
    else:
        loaded = load(path, quiet, **reading)
        facts = describe(loaded.corpus, loaded.splits)
    if not loaded.states_origin:
        facts["origin"] = None
    counts = {label: each["count"] for label, each in facts["labels"].items()}
    if not are_plausible(counts):
        facts["labels"] = {}
        tell(f"{path}: {what_is_wrong(counts)}", quiet)
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
    """Rows of name and value; counts per label have a table of their own."""
    rows: list[list[str]] = []
    for key, value in facts.items():
        if key == "splits":
            rows += ([f"documents in {split}", format_fact(count)] for split, count in value.items())
            continue
        name = key.removeprefix("n_").replace("_", " ")
        if key == "origin" and value is None:
            rows.append([name, "not stated (treated as real)"])
        elif isinstance(value, str | int | float):
            rows.append([name, format_fact(value)])
        elif isinstance(value, Mapping) and "median" in value:
            spread = f"{format_fact(value['median'])} ({format_fact(value['min'])} to {format_fact(value['max'])})"
            rows.append([f"{name} per document", spread])
    return rows


def convert_command(
    source: Annotated[Path, typer.Argument(help="Corpus to read.")],
    target: Target,
    to: ToFormat,
    language: Language = None,
    group_by: GroupBy = None,
    discontinuous: DiscontinuousOption = Discontinuous.REFUSE,
    from_format: FromFormat = "auto",
    layout: Layout = None,
    skip_invalid: SkipInvalid = False,
    quiet: Quiet = False,
) -> None:
    """Convert a corpus to another format; what that format cannot store is refused or counted."""
    reading: dict[str, Any] = {
        "language": language,
        "group_by": group_by,
        "discontinuous": discontinuous,
        "format": from_format,
        "layout": layout,
        "skip_invalid": skip_invalid,
        "require_entities": False,
    }
    found = stream(source, quiet, **reading) if get_format(to).write_stream is not None else None
    if found is not None:
        documents, read = found
        _write(documents, target, to, lambda: write_stream(documents, target, to, read.splits), quiet)
        return
    loaded = load(source, quiet, texts_suffice=True, **reading)
    write(loaded.corpus, target, to, loaded.splits, layout, quiet)


def write(
    corpus: Corpus,
    target: Path,
    to: str,
    splits: Mapping[str, Split] | None,
    layout: Sequence[str] | None,
    quiet: bool,
) -> None:
    """Write a corpus, and report what was written and what the format cannot store."""
    _write(
        corpus, target, to, lambda: write_corpus(corpus, target, to, splits=splits, layout=layout_config(layout)), quiet
    )


def _write(
    corpus: Corpus | CorpusStream, target: Path, to: str, written: Callable[[], Mapping[str, int]], quiet: bool
) -> None:
    refuse_unwritable(target.parent, "TARGET")
    with hold_output(target, partial(tell, quiet=quiet)):
        dropped = written()
    tell(f"wrote {len(corpus)} documents with {corpus.n_entities} entities to {target}", quiet)
    if dropped:
        tell(f"left out, since {to} cannot store it: {format_counter(dropped)}", quiet)


def formats_command(json: AsJson = False, quiet: Quiet = False) -> None:
    """List the corpus formats: name, form on disk, whether it can be read and written."""
    rows = [
        {"name": name, "description": each.description, "written": each.write is not None}
        for name, each in FORMATS.items()
    ]
    if json:
        print_json(rows)
        return
    print_table(
        ["name", "form", "use"],
        [[str(row["name"]), str(row["description"]), "read, write" if row["written"] else "read"] for row in rows],
    )
    tell("for datasets of the datasets library, in Python: deidsynth.from_dataset and to_dataset", quiet)
