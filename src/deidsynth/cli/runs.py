"""``deidsynth runs list``, ``show`` and ``verify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deidsynth.cli import run_errors
from deidsynth.cli.options import AsJson, Quiet
from deidsynth.cli.terminal import format_score, print_json, print_table, tell
from deidsynth.digests import hex_of
from deidsynth.errors import CheckFailedError, InputError
from deidsynth.progress import format_seconds
from deidsynth.report.compared_notes import Wanted
from deidsynth.workflow.run_folder import list_runs, show_run
from deidsynth.workflow.run_verification import check_run

RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")]


def list_command(
    root: Annotated[Path, typer.Argument(metavar="ROOT", help="Folder that contains run folders.")] = Path("runs"),
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """List the runs in a folder with their scores."""
    found = list_runs(root)
    if json:
        print_json(found)
        return
    rows = [
        [
            run["path"],
            run["status"],
            run["created"] or "",
            run["language"] or "",
            format_score(run["gold_strict_f1"]),
            format_score(run["synthetic_strict_f1"]),
        ]
        for run in found
    ]
    if rows:
        print_table(["run", "status", "created", "language", "gold F1 (strict)", "synthetic F1 (strict)"], rows)
    else:
        tell(f"{root}: no runs; make one with: deidsynth demo --output {root}/demo", quiet)


def show_command(
    run: RunPath,
    errors: run_errors.Errors = False,
    model: run_errors.OfModel = run_errors.Model.SYNTHETIC,
    kind: run_errors.Kinds = None,
    label: run_errors.Labels = None,
    n_notes: run_errors.NNotes = 10,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Show the artifacts of a run, or (--errors) what its models got wrong in the test notes.

    Each artifact is shown with its stage, key, size and duration. With --errors, the test notes with the most missed
    entities come first, and every error is shown in its place in the text.
    """
    if errors:
        wanted = Wanted(frozenset(kind or ()), frozenset(label or ()))
        run_errors.show_errors(run, model, wanted, n_notes, json, quiet)
        return
    if kind or label:
        raise InputError("--kind and --label need --errors; they choose which errors are shown")
    shown = show_run(run)
    if json:
        print_json(shown)
        return
    rows = []
    for artifact in shown["artifacts"]:
        there = artifact["present"]
        size = f"{artifact['size'] / 1e6:.1f} MB" if there else ""
        took = format_seconds(artifact["duration_seconds"]) if there else ""
        rows.append(
            [artifact["name"], artifact["stage"], hex_of(artifact["key"])[:12], "yes" if there else "no", size, took]
        )
    if rows:
        print_table(["artifact", "stage", "key", "present", "size", "duration"], rows)
    there = sum(artifact["present"] for artifact in shown["artifacts"])
    status = shown["status"]
    if status == "unfinished":
        status += f": {there} of {len(rows)} artifacts" if rows else ": no artifacts yet"
        status += f"; finish the run with: deidsynth run {run / 'run.yaml'}"
    tell(f"{status}; store: {shown['store'] or 'none yet'}", quiet)
    tell(f"in the run folder: {', '.join(shown['published']) or 'nothing yet'}", quiet)


def verify_command(run: RunPath, json: AsJson = False, quiet: Quiet = False) -> None:
    """Recompute every digest of a run: its artifacts, copies, reports and records.

    Exit code 0: all is as it was written; 1: something is changed, missing or extra; 2: the run is unfinished, and what
    there is of it is as it was written.
    """
    found = check_run(run)
    problems = [*([] if found.unfinished is None else [found.unfinished]), *found.problems]
    if json:
        notes = list(found.notes)
        print_json({"run": str(run), "ok": not problems, "status": found.status, "problems": problems, "notes": notes})
    for note in found.notes:
        tell(f"{run}: {note}", quiet)
    if found.problems:
        count = len(found.problems)
        head = f"{run}: {count} problem{'' if count == 1 else 's'}"
        raise CheckFailedError("\n".join([head, *(f"  {problem}" for problem in problems)]))
    if found.unfinished is not None:
        raise InputError(f"{run}: {found.unfinished}; nothing that is there is damaged")
    tell(f"{run}: every artifact matches its manifest, and every file of the run its record", quiet)
