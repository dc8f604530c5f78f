"""``deidsynth evaluate``."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from deidsynth.cli import evaluated_corpora
from deidsynth.cli.options import (
    AsJson,
    Discontinuous,
    DiscontinuousOption,
    FromFormat,
    GroupBy,
    Layout,
    Quiet,
    SkipInvalid,
)
from deidsynth.cli.terminal import print_json, print_line, print_table, tell
from deidsynth.errors import InputError
from deidsynth.metrics import EvaluationResult, Resampling, RunsResult, are_folds, compare, evaluate_several, score
from deidsynth.report.score_tables import score_tables
from deidsynth.report.tables import latex, markdown


class Form(StrEnum):
    """Forms of the result."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"
    LATEX = "latex"
    OFFICIAL = "official"


def evaluate_command(
    gold: Annotated[Path, typer.Argument(help="Corpus with gold entities, in any format.")],
    predicted: Annotated[
        list[Path],
        typer.Argument(help="Corpus of the same documents with predicted entities; several are runs or folds."),
    ],
    reference: Annotated[
        Path | None, typer.Option("--reference", help="Predictions of another system to compare with.")
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option(
            "--margin",
            help="With --reference: non-inferiority margin, the drop in F1 or in a share that is acceptable.",
        ),
    ] = None,
    sentences: Annotated[
        int | None, typer.Option("--sentences", min=1, help="Number of sentences, for the leak score.")
    ] = None,
    errors: Annotated[
        bool, typer.Option("--errors", help="Show an error analysis: kinds, labels, shapes, calibration.")
    ] = False,
    resamples: Annotated[
        int,
        typer.Option(
            "--resamples", min=0, max=1_000_000, help="Number of resamples for the intervals; 0 leaves them out."
        ),
    ] = 10_000,
    mapping: Annotated[
        str | None, typer.Option("--mapping", metavar="NAME|FILE", help="Label mapping for all corpora.")
    ] = None,
    gold_mapping: evaluated_corpora.GoldMapping = None,
    predicted_mapping: evaluated_corpora.PredictedMapping = None,
    reference_mapping: evaluated_corpora.ReferenceMapping = None,
    form: Annotated[
        Form, typer.Option("--format", metavar="table|json|markdown|latex|official", help="Form of the result.")
    ] = Form.TABLE,
    group_by: GroupBy = None,
    discontinuous: DiscontinuousOption = Discontinuous.REFUSE,
    from_format: FromFormat = "auto",
    gold_from: evaluated_corpora.GoldFrom = None,
    predicted_from: evaluated_corpora.PredictedFrom = None,
    reference_from: evaluated_corpora.ReferenceFrom = None,
    layout: Layout = None,
    gold_layout: evaluated_corpora.GoldLayout = None,
    predicted_layout: evaluated_corpora.PredictedLayout = None,
    reference_layout: evaluated_corpora.ReferenceLayout = None,
    skip_invalid: SkipInvalid = False,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Score predicted entities against gold ones, with intervals, overall and per label.

    Measures: strict, span, merged, overlap, partial, token and character F1, and the shares of characters, documents
    and entities that would be hidden; docs/metrics.md defines them. Intervals come from resampling documents, by group
    if there are groups (--group-by). With --reference also the difference to another system, by paired resampling.

    Several PREDICTED that each cover all documents are runs, such as those of several seeds: this prints the figures of
    each, their mean, and their variance due to documents and to training. Several that cover different documents are
    folds: they are scored together and each on its own.
    """
    own: dict[evaluated_corpora.Role, evaluated_corpora.CorpusOptions] = {
        "gold": evaluated_corpora.CorpusOptions(gold_from, gold_layout, gold_mapping),
        "predicted": evaluated_corpora.CorpusOptions(predicted_from, predicted_layout, predicted_mapping),
        "reference": evaluated_corpora.CorpusOptions(reference_from, reference_layout, reference_mapping),
    }
    if reference is None and (margin is not None or own["reference"].is_given):
        raise InputError("--margin and --reference-... need --reference; give the predictions of a reference system")
    reader = evaluated_corpora.Reader(
        evaluated_corpora.CorpusOptions(from_format, layout, mapping), own, discontinuous, group_by, skip_invalid, quiet
    )
    how = Resampling(n_resamples=resamples) if resamples else None
    right = reader.read("gold", gold)
    systems = [(str(path), reader.read("predicted", path, right, gold).documents) for path in predicted]
    of_one = reference is not None or form is Form.OFFICIAL
    if of_one and len(systems) > 1 and not are_folds(right.documents, systems):
        raise InputError("--reference and --format official need one prediction, not several runs; give a single run")
    result = evaluate_several(right.documents, systems, sentence_count=sentences, resampling=how, errors=errors)
    if reference is not None and isinstance(result, EvaluationResult):
        beside = reader.read("reference", reference, right, gold)
        other = score(right.documents, beside.documents, sentence_count=sentences)
        result = replace(result, comparison=compare(other, result.scores, margin=margin, resampling=how))
    _show(result, Form.JSON if json else form, quiet)


def _show(result: EvaluationResult | RunsResult, form: Form, quiet: bool) -> None:
    if form is Form.JSON:
        print_json(result.to_dict())
    elif form is Form.OFFICIAL and not isinstance(result, RunsResult):
        for name, value in result.scores.official().items():
            print_line(f"{name}: {value}")
    elif form is Form.TABLE:
        for table in score_tables(result):
            print_table(table.headers, table.rows, title=table.title)
        tell("definitions: docs/metrics.md; measures are not comparable with one another", quiet)
    else:
        print_line((markdown if form is Form.MARKDOWN else latex)(score_tables(result)))
