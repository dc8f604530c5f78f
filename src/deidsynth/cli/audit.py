"""``deidsynth audit``."""

from __future__ import annotations

import json as json_library
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from deidsynth.cli.audit_recipe import Recipe, show_canaries
from deidsynth.cli.corpus_settings import corpus_settings
from deidsynth.cli.inputs import load
from deidsynth.cli.options import (
    AsJson,
    Device,
    Discontinuous,
    DiscontinuousOption,
    FromFormat,
    GroupBy,
    Language,
    Layout,
    Quiet,
    Settings,
    SkipInvalid,
)
from deidsynth.cli.settings import run_config, stage_config
from deidsynth.cli.terminal import make_progress, print_json, print_table, tell
from deidsynth.config import AuditConfig
from deidsynth.errors import CheckFailedError, InputError
from deidsynth.stages.artifacts import AUDIT, AUDIT_PAGE
from deidsynth.stages.audit import LANGUAGE_MODEL, TAGGER
from deidsynth.workflow.alone import Around, Inputs, model_folder, refuse_occupied, run_alone

DEFAULT_GATE = "default"
"""What ``--gate`` means without a file: the tolerances of the package."""


def audit_command(
    synthetic: Annotated[Path | None, typer.Argument(help="Synthetic corpus that is to be released.")] = None,
    train: Annotated[Path | None, typer.Option("--train", help="Corpus that it was made from.")] = None,
    held_out: Annotated[
        Path | None,
        typer.Option("--held-out", help="Corpus of documents that gave no text, no prompt and no threshold."),
    ] = None,
    halves: Annotated[
        Path | None,
        typer.Option(
            "--halves",
            metavar="CONFIG",
            help="Instead of a corpus, audit the recipe of a run.yaml: it is run on two random halves of the training "
            "groups with roles swapped. --set changes its keys; --output keeps the runs, and goes on with them.",
        ),
    ] = None,
    canaries: Annotated[
        Path | None,
        typer.Option(
            "--canaries",
            metavar="CONFIG",
            help="Instead of a corpus, audit the adaptation of a run.yaml: a twin, thrown away afterwards, learns "
            "planted texts; how many it gives away bounds its epsilon. --set changes its keys.",
        ),
    ] = None,
    n_canaries: Annotated[
        int, typer.Option("--n-canaries", min=2, max=1_000_000, help="Planted texts of --canaries.")
    ] = 1000,
    tagger: Annotated[
        list[Path] | None, typer.Option("--tagger", help="A tagger that is to be released; may be repeated.")
    ] = None,
    language_model: Annotated[
        Path | None, typer.Option("--language-model", help="A language model that is to be released.")
    ] = None,
    gate: Annotated[
        str | None,
        typer.Option(
            "--gate",
            metavar="[FILE]",
            help="Exit code 1 for anything but pass; FILE has other tolerances than those of the package.",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for audit.json and audit.html, the page to sign.")
    ] = None,
    settings: Settings = None,
    language: Language = None,
    group_by: GroupBy = None,
    discontinuous: DiscontinuousOption = Discontinuous.REFUSE,
    from_format: FromFormat = "auto",
    layout: Layout = None,
    skip_invalid: SkipInvalid = False,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Seed of what is drawn, by default 1; of --halves, of the runs.")
    ] = None,
    device: Device = "auto",
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Audit what a synthetic corpus, and models, give away of the documents they were made from.

    Every figure is a difference between groups of documents (patients; --group-by) of --train and of --held-out, with
    a 95 % interval and the smallest leak that it would have shown. Verdicts: pass, fail, no verdict (too little data).

    --halves takes a recipe in place of a corpus and trains twice, so that every group is on both sides once. --canaries
    trains a twin of its language model with planted texts.
    """
    tolerances = None if gate in (None, DEFAULT_GATE) else gate
    reading: dict[str, Any] = {"language": language, "layout": layout, "skip_invalid": skip_invalid}
    beside: dict[str, Any] = {"SYNTHETIC": synthetic, "--train": train, "--held-out": held_out}
    beside |= {"--tagger": tagger, "--language-model": language_model}
    if recipe := Recipe.chosen({"--halves": halves, "--canaries": canaries}, output, beside):
        joins = discontinuous if discontinuous is Discontinuous.JOIN else None
        format_ = None if from_format == "auto" else from_format
        of_corpus = corpus_settings(None, group_by=group_by, discontinuous=joins, format=format_, **reading)
        named = {"audit.gate": tolerances, "seed": seed}
        run = run_config(recipe.config, [*(settings or ()), *of_corpus], named)
        found: Mapping[str, Any] = recipe.audit(
            run, n_canaries=n_canaries, progress=make_progress(quiet), device=device
        )
    elif synthetic is None or train is None or held_out is None:
        raise InputError(
            "give SYNTHETIC with --train and --held-out, or --halves or --canaries with the CONFIG of a run"
        )
    else:
        config = stage_config(AuditConfig, settings, gate=tolerances)
        reading |= {"discontinuous": discontinuous, "format": from_format}
        models = _models(tagger or [], language_model)
        if output is not None:
            refuse_occupied(output)
        inputs: Inputs = {
            "synthetic": load(synthetic, quiet, require_entities=False, **reading).corpus,
            "train": load(train, quiet, group_by=group_by, **reading).corpus,
            "held_out": load(held_out, quiet, group_by=group_by, **reading).corpus,
            **models,
        }
        around = Around(1 if seed is None else seed, make_progress(quiet), device=device)
        found = _audited(config, inputs, output, around)
    _show(found, output, json, quiet)
    if gate is not None and found["verdict"] != "pass":
        raise CheckFailedError(f"the audit's verdict is {_words(found['verdict'])}: {found['why']}")


def _audited(config: AuditConfig, inputs: Inputs, output: Path | None, around: Around) -> Mapping[str, Any]:
    """The audit of a corpus and models; the output folder, if any, has it afterwards."""
    with tempfile.TemporaryDirectory(prefix="deidsynth-") as scratch:
        folder = output or Path(scratch) / "audit"
        run_alone("audit", config, inputs, folder, around)
        found: Mapping[str, Any] = json_library.loads((folder / AUDIT).read_text(encoding="utf-8"))
    return found


def _models(taggers: list[Path], language_model: Path | None) -> dict[str, Path]:
    """The models by role, each of which is there."""
    named = {f"{TAGGER}{number}": path for number, path in enumerate(taggers, start=1)}
    if len(taggers) == 1:
        named = {f"{TAGGER}tagger": taggers[0]}
    if language_model is not None:
        named[LANGUAGE_MODEL] = language_model
    for path in named.values():
        model_folder(path)
    return named


def _show(found: Mapping[str, Any], output: Path | None, json: bool, quiet: bool) -> None:
    if json:
        print_json(found)
        return
    if "measures" not in found:
        show_canaries(found, quiet)
        return
    columns = ["measure", "training", "held-out", "difference", "smallest leak found", "verdict"]
    print_table(columns, [_row(each) for each in found["measures"]], title=f"Verdict: {_words(found['verdict'])}")
    tell(found["why"], quiet)
    for name, reason in found["not_run"].items():
        tell(f"not run: {_words(name)}: {reason}", quiet)
    if output is not None:
        tell(f"page to read and sign: {output / AUDIT_PAGE}", quiet)


def _row(measure: Mapping[str, Any]) -> list[str]:
    """The cells of a measure."""
    name = _words(measure["name"]) + (f" ({measure['of']})" if measure["of"] else "")
    figures = [_figure(measure[key]) for key in ("train", "held_out")]
    ends = measure["interval"]
    between = "" if ends is None else f" [{_figure(ends[0])} to {_figure(ends[1])}]"
    return [
        name,
        *figures,
        _figure(measure["difference"]) + between,
        _figure(measure["detectable"]),
        _words(measure["verdict"]),
    ]


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}".replace("-", "−")


def _words(name: str) -> str:
    return name.replace("_", " ").replace("-", " ")
