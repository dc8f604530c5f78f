"""``deidsynth demo``: the whole pipeline on invented notes, in minutes, without a download."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import typer

from deidsynth.cli.options import AsJson, Quiet
from deidsynth.cli.terminal import format_score, make_progress, print_json, print_table, tell
from deidsynth.config import RunConfig, parse
from deidsynth.corpora import write_jsonl
from deidsynth.corpora.output import refuse_unwritable
from deidsynth.demo import invented_corpus
from deidsynth.errors import InputError
from deidsynth.progress import Progress
from deidsynth.workflow.executors.launched import refuse_several_processes
from deidsynth.workflow.pipeline import RunResult, run as run_pipeline
from deidsynth.workflow.predictions import ERRORS_PAGE

DemoLanguage = Literal["sv", "es"]

LANGUAGES: tuple[DemoLanguage, ...] = get_args(DemoLanguage)

N_TRAIN_DOCUMENTS = 350
N_TEST_DOCUMENTS = 100

DEMO_SETTINGS: Mapping[str, Any] = {
    "adapt": {
        "base": "starter-xs",
        "epochs": 2.5,
        "learning_rate": 3e-3,
        "batch_tokens": 1024,
        "sequence_length": 1024,
    },
    "audit": {"enabled": False},  # test notes have other names and phrasings on purpose: no control for training notes
    "synthesize": {"volume_ratio": 0.6, "max_length_tokens": 600, "batch_size": 256},
    "train": {"epochs": 2, "task_adaptive_pretraining": {"epochs": 0}},
    "train_synthetic": {"epochs": 3, "format_variation": 0},
}
"""Settings other than the defaults, so that both languages together take minutes on two cores.

Small models, few epochs and short documents: enough to see every stage work and both models score well on invented
notes, which are far easier than real ones. Not a recipe for a real corpus; start with the defaults there.
"""


def demo_command(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for corpora, runs and reports.")] = Path(
        "runs/demo"
    ),
    language: Annotated[
        list[str] | None, typer.Option("--language", "-l", metavar="sv|es", help="Only this language; can be repeated.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of training and sampling.")] = 1,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run the whole pipeline on invented Swedish and Spanish clinical notes: no data, no download, no GPU needed."""
    refuse_several_processes()
    asked = language or list(LANGUAGES)
    languages = [each for each in LANGUAGES if each in asked]
    unknown = sorted(set(asked) - set(LANGUAGES))
    if unknown:
        raise InputError(f"--language: expected sv or es, got {', '.join(unknown)}")
    refuse_unwritable(output, "--output")
    progress = make_progress(quiet)
    results = {each: run_demo(each, output, seed, progress) for each in languages}
    if json:
        print_json({each: result.report.to_dict() for each, result in results.items()})
        return
    rows = []
    for each, result in results.items():
        for way in ("strict", "token"):
            gold, synthetic = result.gold.measures[way].f1, result.synthetic.measures[way].f1
            rows.append([each, way, format_score(gold), format_score(synthetic)])
    print_table(["language", "F1", "gold", "synthetic"], rows, title="Models trained on gold and on synthetic notes")
    for each, result in results.items():
        same = " (unchanged)" if result.unchanged else ""
        tell(f"report ({each}): {result.folder / 'report.html'}{same}", quiet)
        tell(f"test notes ({each}), gold beside predicted: {result.folder / ERRORS_PAGE}", quiet)


def run_demo(language: DemoLanguage, output: Path, seed: int, progress: Progress) -> RunResult:
    """The result of the demo run of one language.

    Args:
        language: ``sv`` or ``es``.
        output: folder for ``corpora/`` and one run folder per language.
        seed: of the invented notes and of the run.
        progress: listener for progress.
    """
    corpus = write_demo_corpus(language, output / "corpora", seed)
    data = {
        **DEMO_SETTINGS,
        "corpus": {"path": str(corpus), "language": language, "origin": "invented"},
        "seed": seed,
        "output": str(output / language),
    }
    progress.message(f"{language}: {N_TRAIN_DOCUMENTS} invented notes for training, {N_TEST_DOCUMENTS} for testing")
    return run_pipeline(parse(RunConfig, data, source="demo"), progress=progress)


def write_demo_corpus(language: DemoLanguage, folder: Path, seed: int) -> Path:
    """The folder with ``train.jsonl`` and ``test.jsonl`` of invented notes, which depend only on the seed."""
    target = folder / f"{language}-{seed}"
    sizes: dict[Literal["train", "test"], int] = {"train": N_TRAIN_DOCUMENTS, "test": N_TEST_DOCUMENTS}
    target.mkdir(parents=True, exist_ok=True)
    for split, n_documents in sizes.items():
        file = target / f"{split}.jsonl"
        file.unlink(missing_ok=True)
        write_jsonl(invented_corpus(language, n_documents, seed=seed, split=split), file)
    return target
