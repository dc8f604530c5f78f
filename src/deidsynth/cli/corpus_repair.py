"""``deidsynth corpus repair``."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from deidsynth.cli.corpus import write
from deidsynth.cli.inputs import load
from deidsynth.cli.options import (
    AsJson,
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
from deidsynth.cli.terminal import format_count, print_json, print_line, print_table
from deidsynth.corpora.repairing import REPAIRS

SHOWN = 200


def repair_command(
    source: Annotated[Path, typer.Argument(help="Corpus to read.")],
    target: Target,
    to: ToFormat = "jsonl",
    language: Language = None,
    group_by: GroupBy = None,
    discontinuous: DiscontinuousOption = Discontinuous.REFUSE,
    from_format: FromFormat = "auto",
    layout: Layout = None,
    skip_invalid: SkipInvalid = False,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Repair the entities of a corpus, and say what was done and where.

    Blanks at the ends of entities are trimmed, entities of one label that only white space parts are joined, and empty
    entities and duplicates (the same offsets and label) are dropped. Texts are never changed. Other faults have to be
    fixed, or left out with --skip-invalid.
    """
    loaded = load(
        source,
        quiet,
        language=language,
        group_by=group_by,
        discontinuous=discontinuous,
        format=from_format,
        layout=layout,
        require_entities=False,
        texts_suffice=True,
        skip_invalid=skip_invalid,
        repair=True,
    )
    repairs = [problem for problem in loaded.problems if problem.code in REPAIRS]
    write(loaded.corpus, target, to, loaded.splits, layout, quiet)
    done = Counter(repair.code for repair in repairs)
    counts = {code: done[code] for code in REPAIRS}
    if json:
        listed = [
            {"file": each.path, "line": each.line, "code": each.code, "message": each.message} for each in repairs
        ]
        print_json({**counts, "repairs": listed})
        return
    for repair in repairs[:SHOWN]:
        print_line(f"{replace(repair, message=f'[{repair.code}] {repair.message}')}")
    if len(repairs) > SHOWN:
        print_line(f"... and {len(repairs) - SHOWN} more; --json lists all")
    print_table(["entities", "count"], [[code, format_count(count)] for code, count in counts.items()])
