"""``deidsynth run``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deidsynth.cli.options import AsJson, Device, Discontinuous, GroupBy, Language, Quiet, Seed, Settings

if TYPE_CHECKING:
    from deidsynth.workflow.executors import NodeResult
    from deidsynth.workflow.pipeline import RunResult

_DOCUMENTS = {"n_documents": "documents", "n_entities": "entities"}
_OUTCOMES = {
    "import": _DOCUMENTS,
    "select": _DOCUMENTS,
    "adapt": {"bits_per_character": "bits a character", "validation_loss": "validation loss"},
    "synthesize": {"n_documents": "documents", "tokens_per_second": "tokens/s"},
    "train": {"n_documents": "documents", "n_entities": "entities", "validation_f1": "validation F1"},
    "annotate": _DOCUMENTS,
    "annotate-inline": _DOCUMENTS,
    "evaluate": {"strict_f1": "strict F1", "token_f1": "token F1"},
    "memorization": {"n_notes_passing": "notes free of long training runs"},
}
"""For each stage the facts of its manifest that the closing table tells, and what they are called there."""


def run_command(
    config: Annotated[Path | None, typer.Argument(metavar="CONFIG", help="YAML file, such as a run.yaml.")] = None,
    corpus: Annotated[
        Path | None, typer.Option("--corpus", help="Annotated corpus: file or folder in any known format.")
    ] = None,
    language: Language = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Run folder.")] = None,
    store: Annotated[
        Path | None, typer.Option("--store", help="Artifact store; by default .deidsynth beside the run folder.")
    ] = None,
    settings: Settings = None,
    group_by: GroupBy = None,
    discontinuous: Annotated[
        Discontinuous | None,
        typer.Option(
            "--discontinuous",
            metavar="refuse|join",
            help="Discontinuous entities: refuse, or join to the span that covers all.",
        ),
    ] = None,
    seed: Seed = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be computed, and do nothing.")] = False,
    device: Device = "auto",
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run the whole pipeline on an annotated corpus: adapt, synthesize, annotate, train, evaluate, report.

    What is in the store already is not computed again.
    """
    from deidsynth.cli.settings import run_config
    from deidsynth.cli.terminal import make_progress, print_json
    from deidsynth.workflow.pipeline import preview
    from deidsynth.workflow.pipeline import run as run_pipeline

    named: dict[str, str | int | float | None] = {
        "corpus.path": str(corpus) if corpus is not None else None,
        "corpus.language": language,
        "corpus.group_by": group_by,
        "corpus.discontinuous": discontinuous.value if discontinuous is not None else None,
        "output": str(output) if output is not None else None,
        "store": str(store) if store is not None else None,
        "seed": seed,
    }
    resolved = run_config(config, settings, named)
    if dry_run:
        show_preview(preview(resolved, device=device), json, quiet)
        return
    result = run_pipeline(resolved, progress=make_progress(quiet), device=device)
    if json:
        print_json(result.report)
    else:
        show_result(result, quiet)


def show_result(result: RunResult, quiet: bool) -> None:
    """Print what the stages took, the scores of both models and where the report is."""
    from deidsynth.cli.terminal import print_table, tell
    from deidsynth.progress import format_seconds
    from deidsynth.report import comparison_table

    if result.unchanged:
        tell("nothing to do: every artifact is there already", quiet)
    elif not quiet:
        rows = [
            [node.name, node.status, format_seconds(node.duration_seconds), _outcome(node)] for node in result.results
        ]
        print_table(["step", "status", "took", "outcome"], rows)
    print_table(*comparison_table(result.report))
    tell(f"report: {result.folder / 'report.html'}", quiet)


def _outcome(node: NodeResult) -> str:
    """The facts of a step that tell most, in words."""
    from deidsynth.report import formats

    facts = node.artifact.manifest.facts
    told = []
    for key, name in _OUTCOMES.get(node.stage, {}).items():
        if facts.get(key) is not None:
            shown = formats.score(facts[key]) if key.endswith("_f1") else formats.fact(key, facts[key])
            told.append(f"{shown} {name}")
    return ", ".join(told)


def show_preview(nodes: list[dict[str, Any]], as_json: bool, quiet: bool) -> None:
    """Print which steps of a run are in the store and which would be computed."""
    from deidsynth.cli.terminal import print_json, print_table, tell

    if as_json:
        print_json({"stages": nodes, "stages_to_run": sum(not node["present"] for node in nodes)})
        return
    rows = [
        [node["name"], node["stage"], node["key"].partition(":")[2][:12], "there" if node["present"] else "to compute"]
        for node in nodes
    ]
    print_table(["step", "stage", "key", "status"], rows)
    tell(f"{sum(not node['present'] for node in nodes)} of {len(nodes)} steps to compute", quiet)
