"""``deidsynth corpus check``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from deidsynth.cli.options import (
    AsJson,
    CorpusPath,
    Discontinuous,
    DiscontinuousOption,
    FromFormat,
    GroupBy,
    Layout,
    Quiet,
    SkipInvalid,
)
from deidsynth.cli.settings import layout_config
from deidsynth.cli.terminal import format_count, print_json, print_line, print_table, tell
from deidsynth.corpora import ReadResult, check_corpus, find_unannotated, find_warnings
from deidsynth.corpora.conversions import converted, left_out, told
from deidsynth.corpora.label_sets import are_plausible
from deidsynth.corpora.loading import grouped_records
from deidsynth.corpora.nothing_found import why_empty
from deidsynth.errors import CheckFailedError, Problem

ACROSS_SPLITS = "-across-splits"
SHOWN = 200


def check_command(
    path: CorpusPath,
    labels: Annotated[
        str | None, typer.Option("--labels", metavar="A,B", help="The expected labels; others are reported.")
    ] = None,
    group_by: GroupBy = None,
    discontinuous: DiscontinuousOption = Discontinuous.REFUSE,
    from_format: FromFormat = "auto",
    layout: Layout = None,
    skip_invalid: SkipInvalid = False,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Show what was read from a corpus, and list every problem with file and line; exit code 1 if there is any.

    Problems are: unreadable content; entities that are empty, out of bounds, overlapping, cut words, or begin or end
    with white space; unexpected labels; duplicates and near-duplicates, within and across splits; damaged characters.
    """
    result = check_corpus(
        path,
        format=from_format,
        discontinuous=discontinuous.value,
        layout=layout_config(layout),
        skip_invalid=skip_invalid,
    )
    if not result.records and not result.problems:
        result.problems.append(Problem(str(path), why_empty(result), code="no-documents"))
    if group_by is not None:
        result.records = grouped_records(result.records, group_by)
    expected = None if labels is None else {label.strip() for label in labels.split(",")}
    result.problems += [*find_unannotated(result.records), *find_warnings(result.records, expected)]
    result.problems.sort(key=_order)
    facts = _facts(result)
    if json:
        print_json(facts)
    else:
        _show(facts, quiet)
    if result.problems:
        count = len(result.problems)
        raise CheckFailedError(f"{path}: {count} problem{'' if count == 1 else 's'}")
    tell(f"{path}: no problems", quiet)


def _order(problem: Problem) -> tuple[bool, bool, str, int]:
    """Errors first, then leaks across splits, then other warnings; each by file and line."""
    return not problem.fatal, not problem.code.endswith(ACROSS_SPLITS), problem.path, problem.line or 0


def _facts(result: ReadResult) -> dict[str, Any]:
    """What was read, and the problems, as plain data; without labels if there are implausibly many."""
    labels = Counter(span.label for record in result.records for span in record.spans)
    return {
        "format": result.format,
        "n_documents": len(result.records),
        "splits": dict(Counter(record.split for record in result.records if record.split is not None)),
        "n_labels": len(labels),
        "n_entities": labels.total(),
        "labels": dict(labels.most_common()) if are_plausible(labels) else {},
        "skipped": dict(left_out(result.skipped)),
        "converted": dict(converted(result.skipped)),
        "n_problems": dict(Counter(problem.code for problem in result.problems).most_common()),
        "problems": [
            {
                "file": problem.path,
                "line": problem.line,
                "code": problem.code,
                "message": problem.message,
                "fatal": problem.fatal,
            }
            for problem in result.problems
        ],
    }


def _show(facts: dict[str, Any], quiet: bool) -> None:
    rows = [
        ["format", facts["format"]],
        ["documents", format_count(facts["n_documents"])],
        *([f"documents in {split}", format_count(count)] for split, count in facts["splits"].items()),
        ["labels", format_count(facts["n_labels"])],
        ["entities", format_count(facts["n_entities"])],
    ]
    print_table(["", "value"], rows)
    for line in told({**facts["skipped"], **facts["converted"]}):
        tell(line, quiet)
    problems: Sequence[dict[str, Any]] = facts["problems"]
    for problem in problems[:SHOWN]:
        place = problem["file"] if problem["line"] is None else f"{problem['file']}:{problem['line']}"
        print_line(f"{place}: [{problem['code']}] {problem['message']}")
    if len(problems) > SHOWN:
        print_line(f"... and {len(problems) - SHOWN} more; --json lists all")
    if problems:
        print_table(["problem", "count"], [[code, format_count(n)] for code, n in facts["n_problems"].items()])
