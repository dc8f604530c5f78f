"""``deidsynth run``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from deidsynth.cli.corpus_settings import SetDiscontinuous, SetFormat, corpus_settings
from deidsynth.cli.execution import Workers
from deidsynth.cli.options import (
    AsJson,
    Device,
    GroupBy,
    Labels,
    Language,
    Layout,
    Quiet,
    Seed,
    Settings,
    SkipInvalid,
    SplitSeed,
    TestShare,
    ValidationShare,
)
from deidsynth.cli.settings import label_kinds, run_config
from deidsynth.cli.terminal import make_progress, print_json, print_table, tell
from deidsynth.digests import hex_of
from deidsynth.progress import format_seconds
from deidsynth.report import formats
from deidsynth.report.content import StageEntry
from deidsynth.report.guarantee import guarantee
from deidsynth.report.model_tables import comparison_table
from deidsynth.report.uncertainty import few_notes, uncertainty_table
from deidsynth.workflow.pipeline import RunResult, preview, run as run_pipeline
from deidsynth.workflow.pipeline_plan import AUDIT_FILES
from deidsynth.workflow.predictions import ERRORS_PAGE


def run_command(
    config: Annotated[Path | None, typer.Argument(metavar="CONFIG", help="YAML file, such as a run.yaml.")] = None,
    corpus: Annotated[
        Path | None, typer.Option("--corpus", help="Annotated corpus: file or folder in any known format.")
    ] = None,
    language: Language = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Run folder.")] = None,
    store: Annotated[
        Path | None, typer.Option("--store", help="Artifact store; by default .deidsynth next to the run folder.")
    ] = None,
    labels: Labels = None,
    settings: Settings = None,
    group_by: GroupBy = None,
    discontinuous: SetDiscontinuous = None,
    from_format: SetFormat = None,
    layout: Layout = None,
    skip_invalid: SkipInvalid = False,
    test: TestShare = None,
    validation: ValidationShare = None,
    split_seed: SplitSeed = None,
    seed: Seed = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be computed, without running it.")
    ] = False,
    workers: Workers = 1,
    device: Device = "auto",
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run the whole pipeline on an annotated corpus: adapt, synthesize, annotate, train, evaluate, report.

    Artifacts that are already in the store are not computed again.
    """
    named: dict[str, Any] = {
        "corpus.labels": label_kinds(labels),
        "output": str(output) if output is not None else None,
        "store": str(store) if store is not None else None,
        "split.test": test,
        "split.validation": validation,
        "split.seed": split_seed,
        "seed": seed,
    }
    of_corpus = corpus_settings(
        corpus,
        language=language,
        group_by=group_by,
        discontinuous=discontinuous,
        format=from_format,
        layout=layout,
        skip_invalid=skip_invalid,
    )
    resolved = run_config(config, [*(settings or ()), *of_corpus], named)
    if dry_run:
        show_preview(preview(resolved, device=device, progress=make_progress(quiet)), json, quiet)
        return
    result = run_pipeline(resolved, progress=make_progress(quiet), device=device, workers=workers)
    if json:
        print_json(result.report.to_dict())
    else:
        show_result(result, quiet)


def show_result(result: RunResult, quiet: bool) -> None:
    """Print the duration of the stages, the scores of both models and the path of the report."""
    if result.unchanged:
        tell("nothing to do: all artifacts already exist", quiet)
    elif not quiet:
        told = {entry.name: _outcome(entry) for entry in result.report.stages}
        rows = [
            [node.name, node.status, format_seconds(node.duration_seconds), told[node.name]] for node in result.results
        ]
        print_table(["step", "status", "took", "outcome"], rows)
    for table in (comparison_table(result.report), uncertainty_table(result.report)):
        print_table(table.headers, table.rows, title=table.title)
    if warning := few_notes(result.report):
        tell(f"warning: {warning}", quiet)
    if warning := guarantee(result.report):
        tell(f"warning: {warning}", quiet)
    if (audit := result.report.audit) is not None:
        verdict = audit.verdict.replace("-", " ")
        tell(f"privacy audit: {verdict} ({audit.why}): {result.folder / AUDIT_FILES['page']}", quiet)
    tell(f"report: {result.folder / 'report.html'}", quiet)
    tell(f"test notes, gold beside predicted (real text: keep it private): {result.folder / ERRORS_PAGE}", quiet)


def _outcome(stage: StageEntry) -> str:
    """The most important facts of a step, as text."""
    known = {name: stage.facts[name] for name in stage.headline if stage.facts.get(name) is not None}
    return ", ".join(f"{formats.fact(name, value)} {stage.fact_title(name)}" for name, value in known.items())


def show_preview(nodes: list[dict[str, Any]], as_json: bool, quiet: bool) -> None:
    """Print which steps of a run are in the store and which would be computed."""
    if as_json:
        print_json({"stages": nodes, "stages_to_run": sum(not node["present"] for node in nodes)})
        return
    rows = [
        [node["name"], node["stage"], hex_of(node["key"])[:12], "there" if node["present"] else "to compute"]
        for node in nodes
    ]
    print_table(["step", "stage", "key", "status"], rows)
    tell(f"{sum(not node['present'] for node in nodes)} of {len(nodes)} steps to compute", quiet)
