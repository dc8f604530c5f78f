"""``deidsynth audit``."""

from __future__ import annotations

import json as json_library
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

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
from deidsynth.cli.settings import stage_config
from deidsynth.cli.terminal import make_progress, print_json, print_table, tell
from deidsynth.config import AuditConfig
from deidsynth.errors import CheckFailedError
from deidsynth.stages.artifacts import AUDIT, AUDIT_PAGE
from deidsynth.stages.audit import LANGUAGE_MODEL, TAGGER
from deidsynth.workflow.alone import Around, Inputs, model_folder, refuse_occupied, run_alone

DEFAULT_GATE = "default"
"""What ``--gate`` means without a file: the tolerances of the package."""


def audit_command(
    synthetic: Annotated[Path, typer.Argument(help="Synthetic corpus that is to be released.")],
    train: Annotated[Path, typer.Option("--train", help="Corpus that it was made from.")],
    held_out: Annotated[
        Path, typer.Option("--held-out", help="Corpus of documents that gave no text, no prompt and no threshold.")
    ],
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
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of what is drawn.")] = 1,
    device: Device = "auto",
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Audit what a synthetic corpus, and models, give away of the documents they were made from.

    Every figure is a difference between groups of documents (patients; --group-by) of --train and of --held-out, with
    a 95 % interval and the smallest leak that it would have shown. Verdicts: pass, fail, no verdict (too little data).
    """
    given = {} if gate in (None, DEFAULT_GATE) else {"gate": gate}
    config = stage_config(AuditConfig, settings, **given)
    reading: dict[str, Any] = {
        "language": language,
        "discontinuous": discontinuous,
        "format": from_format,
        "layout": layout,
        "skip_invalid": skip_invalid,
    }
    models = _models(tagger or [], language_model)
    if output is not None:
        refuse_occupied(output)
    inputs: Inputs = {
        "synthetic": load(synthetic, quiet, require_entities=False, **reading).corpus,
        "train": load(train, quiet, group_by=group_by, **reading).corpus,
        "held_out": load(held_out, quiet, group_by=group_by, **reading).corpus,
        **models,
    }
    with tempfile.TemporaryDirectory(prefix="deidsynth-") as scratch:
        folder = output or Path(scratch) / "audit"
        run_alone("audit", config, inputs, folder, Around(seed, make_progress(quiet), device=device))
        found = json_library.loads((folder / AUDIT).read_text(encoding="utf-8"))
    _show(found, output, json, quiet)
    if gate is not None and found["verdict"] != "pass":
        raise CheckFailedError(f"the audit's verdict is {_words(found['verdict'])}: {found['why']}")


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
