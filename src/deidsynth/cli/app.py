"""The verbs, put together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from deidsynth.cli import (
    adapt,
    annotate,
    corpus,
    corpus_check,
    corpus_map,
    corpus_split,
    deidentify,
    demo,
    evaluate,
    models,
    report,
    run,
    runs,
    study,
    synthesize,
    train,
    version,
)
from deidsynth.cli.guard import guarded, set_debug

ABOUT = "Make synthetic training data for clinical de-identification, and models trained on it."


def _group(name: str, about: str, epilog: str | None = None) -> typer.Typer:
    """A group of verbs."""
    return typer.Typer(
        name=name,
        help=about,
        epilog=epilog,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )


def _add(to: typer.Typer, name: str, command: Callable[..., Any], *examples: str) -> None:
    """Add a verb; its examples stand at the end of its help."""
    epilog = "\n\n".join(["Example:", *(f"deidsynth {example}" for example in examples)])
    to.command(name, epilog=epilog)(guarded(command))


app = _group("deidsynth", ABOUT, "Start with: deidsynth demo --output runs/demo")
runs_app = _group("runs", "List, show and verify runs.")
study_app = _group("study", "Run and report studies: many runs that differ in what the axes say.")
corpus_app = _group("corpus", "Describe, check, convert, map and split annotated corpora.")
models_app = _group("models", "List the models that come with deidsynth.")


@app.callback(help=ABOUT)
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback when something fails.")] = False,
) -> None:
    """Take the options that stand before the verb."""
    set_debug(debug)


_add(app, "demo", demo.demo_command, "demo --output runs/demo")
_add(
    app,
    "run",
    run.run_command,
    "run --corpus path/to/meddocan --language es --output runs/meddocan",
    "run run.yaml --set adapt.epochs=3",
)
_add(app, "adapt", adapt.adapt_command, "adapt --corpus corpus.jsonl --output lm --set epochs=5")
_add(
    app,
    "synthesize",
    synthesize.synthesize_command,
    "synthesize lm --prompts-from corpus.jsonl --n-documents 200 --output synthetic.jsonl",
)
_add(app, "annotate", annotate.annotate_command, "annotate ner synthetic.jsonl --output silver.jsonl")
_add(app, "train", train.train_command, "train silver.jsonl --output ner --encoder starter")
_add(app, "evaluate", evaluate.evaluate_command, "evaluate gold.jsonl predicted.jsonl --json")
_add(app, "report", report.report_command, "report runs/meddocan", "report runs/meddocan --json")
_add(
    app,
    "deidentify",
    deidentify.deidentify_command,
    "deidentify runs/meddocan/models/synthetic notes --output clean --mode mask",
)
_add(app, "version", version.version_command, "version --json")

_add(runs_app, "list", runs.list_command, "runs list runs")
_add(runs_app, "show", runs.show_command, "runs show runs/meddocan")
_add(runs_app, "verify", runs.verify_command, "runs verify runs/meddocan")
_add(
    study_app,
    "run",
    study.run_command,
    "study run studies/small/es/table1.yaml --corpus path/to/meddocan --dry-run",
    "study run studies/small/es --corpus path/to/meddocan --output runs/small-es --workers 2",
)
_add(study_app, "report", study.report_command, "study report runs/small-es-table1")
_add(corpus_app, "describe", corpus.describe_command, "corpus describe path/to/meddocan")
_add(corpus_app, "convert", corpus.convert_command, "corpus convert path/to/meddocan meddocan --to jsonl")
_add(corpus_app, "check", corpus_check.check_command, "corpus check path/to/meddocan --group-by '^(.+)-[0-9]+$'")
_add(
    corpus_app,
    "map",
    corpus_map.map_command,
    "corpus map path/to/meddocan coarse --mapping meddocan-coarse",
    "corpus map gold.jsonl merged.jsonl --mapping labels.yaml",
)
_add(
    corpus_app,
    "split",
    corpus_split.split_command,
    "corpus split notes.jsonl parts --group-by '^([^-]+)' --set test=0.25",
)
_add(corpus_app, "formats", corpus.formats_command, "corpus formats")
_add(models_app, "list", models.list_command, "models list")

app.add_typer(runs_app)
app.add_typer(study_app)
app.add_typer(corpus_app)
app.add_typer(models_app)
