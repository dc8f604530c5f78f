"""``deidsynth study run`` and ``report``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from deidsynth import study
from deidsynth.cli.corpus_settings import SetDiscontinuous, SetFormat, corpus_settings
from deidsynth.cli.execution import (
    CpusPerTask,
    Executor,
    ExecutorName,
    GpusPerTask,
    RayAddress,
    Shards,
    Workers,
    way_to_run,
)
from deidsynth.cli.options import AsJson, Device, GroupBy, Labels, Language, Layout, Quiet, Settings, SkipInvalid
from deidsynth.cli.settings import as_settings, label_kinds
from deidsynth.cli.terminal import make_progress, print_json, print_table, tell
from deidsynth.errors import DeidsynthError, InputError
from deidsynth.progress import format_seconds
from deidsynth.study import StudyResult
from deidsynth.study.comparison import compare_studies
from deidsynth.study.noise import estimate_noise
from deidsynth.study.noise_tables import noise_tables
from deidsynth.study.page import report_study
from deidsynth.study.records import read_records
from deidsynth.study.tables import study_tables
from deidsynth.workflow.executors.launched import refuse_several_processes
from deidsynth.workflow.store import Store


def run_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Study file (YAML), or a folder of them.")],
    corpus: Annotated[Path | None, typer.Option("--corpus", help="Annotated corpus: file or folder.")] = None,
    language: Language = None,
    labels: Labels = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Study folder; by default runs/ and the study's name.")
    ] = None,
    store: Annotated[
        Path | None, typer.Option("--store", help="Artifact store; by default .deidsynth next to the study folder.")
    ] = None,
    settings: Settings = None,
    group_by: GroupBy = None,
    discontinuous: SetDiscontinuous = None,
    from_format: SetFormat = None,
    layout: Layout = None,
    skip_invalid: SkipInvalid = False,
    workers: Workers = 1,
    executor: Executor = ExecutorName.LOCAL,
    ray_address: RayAddress = None,
    cpus_per_task: CpusPerTask = None,
    gpus_per_task: GpusPerTask = None,
    shards: Shards = 1,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be computed, without running it.")
    ] = False,
    device: Device = "auto",
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run every cell of a study, or of all studies in a folder.

    Stages that cells share are run once, and existing artifacts are reused. Each finished cell is written immediately
    as a JSON file below cells/. A failed cell does not stop the others and is retried at the end; the same command
    resumes an interrupted study.
    """
    if not dry_run:
        refuse_several_processes()
    named: dict[str, Any] = {
        "corpus.labels": label_kinds(labels),
        "output": str(output) if output is not None else None,
        "store": str(store) if store is not None else None,
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
    studies = study.load_studies(file, [*(settings or ()), *of_corpus, *as_settings(named)])
    plans = [study.plan_study(each, device=device) for each in studies]
    for line in dict.fromkeys(line for plan in plans for line in study.study_warnings(plan)):
        tell(line, quiet)
    for message in dict.fromkeys(
        message for plan in plans for message in plan.loaded.left_out(str(plan.study.base.corpus.path))
    ):
        tell(message, quiet)
    folders, place = study.study_folders(studies, file), Store(study.study_store(studies, file))
    left = [cell for plan, folder in zip(plans, folders, strict=True) for cell in study.unfinished(plan, folder)]
    preview = study.preview_cells([cell for plan in plans for cell in plan.cells], left, place)
    if dry_run:
        show_preview(preview, json)
        return
    progress = make_progress(quiet)
    progress.message(_sentence(preview))
    results = []
    with way_to_run(executor, workers, ray_address, cpus_per_task or [], gpus_per_task or []) as run_pass:
        for plan, folder in zip(plans, folders, strict=True):
            if len(plans) > 1:
                progress.message(f"{plan.study.name}: {len(plan.cells)} cells")
            options: dict[str, Any] = {"workers": workers, "run_pass": run_pass, "shards": shards}
            results.append(study.run_study(plan, folder, place, progress=progress, **options))
    show_results(results, preview, json, quiet)


def _sentence(preview: dict[str, Any]) -> str:
    """A one-line summary of the preview."""
    seconds = preview["estimated_seconds"]
    time = "" if seconds is None else f", about {format_seconds(seconds)} estimated from earlier runs"
    return (
        f"{preview['cells']} cells, {preview['stages_asked_for']} stages requested, {preview['stages_distinct']} "
        f"distinct, {preview['stages_to_run']} to run{time}"
    )


def show_preview(preview: dict[str, Any], as_json: bool) -> None:
    """Print the preview of a study."""
    if as_json:
        print_json(preview)
        return
    seconds = preview["estimated_seconds"]
    shown = {**preview, "estimated_seconds": "unknown" if seconds is None else format_seconds(seconds)}
    names = {"estimated_seconds": "time estimated from earlier runs"}
    print_table(["", "value"], [[names.get(key, key.replace("_", " ")), str(value)] for key, value in shown.items()])


def show_results(results: Sequence[StudyResult], preview: Mapping[str, Any], as_json: bool, quiet: bool) -> None:
    """Print the results of the cells.

    Raises:
        InputError, DeidsynthError: cells failed; the former if the user's input is at fault in all of them.
    """
    finished = [name for result in results for name in result.finished]
    failed = [name for result in results for name in result.failed]
    counts = {key: preview[key] for key in ("stages_asked_for", "stages_distinct")}
    counts["stages_run"] = sum(result.stages_run for result in results)
    if as_json:
        folders = [str(result.folder) for result in results]
        print_json({"folders": folders, "cells": preview["cells"], "finished": finished, "failed": failed, **counts})
    tell(
        f"{len(finished)} of {preview['cells']} cells finished; {counts['stages_run']} stages run, "
        f"{counts['stages_distinct']} distinct, {counts['stages_asked_for']} requested",
        quiet,
    )
    if not failed:
        folder = results[0].folder if len(results) == 1 else results[0].folder.parent
        tell(f"tables and curves: deidsynth study report {folder}", quiet)
        return
    failures = [failure for result in results for failure in result.failures]
    lines = [f"{len(failed)} cell{'' if len(failed) == 1 else 's'} failed: {', '.join(failed)}"]
    lines += [f"  {failure.name}: {failure.message}" for failure in failures]
    lines.append("  fix the cause and run the same command again; finished cells are kept")
    inputs_only = all(failure.exit_code == InputError.exit_code for failure in failures)
    raise (InputError if inputs_only else DeidsynthError)("\n".join(lines))


def report_command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a study, or of several.")],
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Make tables, learning curves and one HTML page from the cell files of a study, and print the tables.

    Only the cell files are needed, neither the store nor the corpus.
    """
    content = report_study(folder)
    if json:
        print_json(content)
        return
    records = read_records(folder)
    for comparison in compare_studies(records):
        for table in study_tables(comparison):
            print_table(table.headers, table.rows, title=table.title)
    for table in noise_tables(estimate_noise(records)):
        print_table(table.headers, table.rows, title=table.title)
    tell(f"report: {folder / 'study.html'}", quiet)
