"""``deidsynth evaluate``."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deidsynth.cli.options import AsJson, Discontinuous, DiscontinuousOption, FromFormat, GroupBy, Layout, Quiet

if TYPE_CHECKING:
    from deidsynth.documents import Corpus


class Form(StrEnum):
    """Forms of the result."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"
    LATEX = "latex"
    OFFICIAL = "official"


def evaluate_command(
    gold: Annotated[Path, typer.Argument(help="Corpus with gold entities, in any format.")],
    predicted: Annotated[Path, typer.Argument(help="Corpus of the same documents with predicted entities.")],
    reference: Annotated[
        Path | None, typer.Option("--reference", help="Predictions of another system, to compare with.")
    ] = None,
    margin: Annotated[
        float | None, typer.Option("--margin", help="With --reference: the drop in F1 that would be accepted.")
    ] = None,
    sentences: Annotated[
        int | None, typer.Option("--sentences", min=1, help="Number of sentences, for the leak score.")
    ] = None,
    errors: Annotated[
        bool, typer.Option("--errors", help="Show what went wrong: kinds, labels, shapes, scores.")
    ] = False,
    resamples: Annotated[
        int, typer.Option("--resamples", min=0, help="For the intervals; 0 leaves them out.")
    ] = 10_000,
    mapping: Annotated[
        str | None, typer.Option("--mapping", metavar="NAME|FILE", help="Label mapping for all corpora.")
    ] = None,
    gold_mapping: Annotated[
        str | None, typer.Option("--gold-mapping", metavar="NAME|FILE", help="Label mapping for gold alone.")
    ] = None,
    form: Annotated[
        Form, typer.Option("--format", metavar="table|json|markdown|latex|official", help="Form of the result.")
    ] = Form.TABLE,
    group_by: GroupBy = None,
    discontinuous: DiscontinuousOption = Discontinuous.REFUSE,
    from_format: FromFormat = "auto",
    layout: Layout = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Score predicted entities against gold ones, with intervals, overall and per label.

    Measures: strict, span, merged, overlap, partial, token and character F1, and the shares of characters, documents
    and entities that would be hidden; docs/metrics.md defines them. Intervals come from resampling documents, by group
    where --group-by names groups. With --reference also the difference to another system, by paired resampling.
    """
    from deidsynth.cli.terminal import print_json, print_table, tell
    from deidsynth.errors import InputError
    from deidsynth.metrics import Resampling, compare, evaluate, score
    from deidsynth.report.score_tables import latex, markdown, score_tables

    if margin is not None and reference is None:
        raise InputError("--margin is about the drop from a --reference; give the predictions of one")

    def read(path: Path, name: str | None, entities: bool) -> Corpus:
        corpus = _read(path, quiet, (discontinuous, from_format, group_by, layout), entities)
        return _mapped(corpus, name)

    how = Resampling(n_resamples=resamples) if resamples else None
    right = read(gold, gold_mapping or mapping, True)
    found, scores = evaluate(
        right.documents, read(predicted, mapping, False).documents,
        sentence_count=sentences, resampling=how, errors=errors,
    )  # fmt: skip
    if reference is not None:
        other = score(right.documents, read(reference, mapping, False).documents)
        found["comparison"] = compare(other, scores, margin=margin, resampling=how)
    if json or form is Form.JSON:
        print_json(found)
    elif form is Form.OFFICIAL:
        for name, value in scores.official().items():
            typer.echo(f"{name}: {value}")
    elif form is Form.TABLE:
        for table in score_tables(found):
            print_table(table.headers, table.rows, title=table.title)
        tell("definitions: docs/metrics.md; measures are not comparable with one another", quiet)
    else:
        typer.echo((markdown if form is Form.MARKDOWN else latex)(score_tables(found)))


def _read(
    path: Path, quiet: bool, options: tuple[Discontinuous, str, str | None, Sequence[str] | None], entities: bool
) -> Corpus:
    from deidsynth.cli.inputs import load

    discontinuous, format, group_by, layout = options
    settings: dict[str, Any] = {"discontinuous": discontinuous, "format": format, "group_by": group_by}
    return load(path, quiet, layout=layout, require_entities=entities, **settings).corpus


def _mapped(corpus: Corpus, name: str | None) -> Corpus:
    from deidsynth.corpora import load_mapping, map_labels

    return corpus if name is None else map_labels(corpus, load_mapping(name))[0]
