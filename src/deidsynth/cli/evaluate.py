"""``deidsynth evaluate``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from deidsynth.cli.options import AsJson, Discontinuous, DiscontinuousOption, Quiet

_WAYS = ("strict", "span", "merged", "token")


def evaluate_command(
    gold: Annotated[Path, typer.Argument(help="Corpus with gold entities.")],
    predicted: Annotated[Path, typer.Argument(help="Corpus of the same documents with predicted entities.")],
    sentences: Annotated[
        int | None, typer.Option("--sentences", min=1, help="Number of sentences, for the leak score.")
    ] = None,
    discontinuous: DiscontinuousOption = Discontinuous.REFUSE,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Score predicted entities against gold ones: strict, span, merged and token F1, overall and per label."""
    from deidsynth.cli.inputs import load
    from deidsynth.cli.terminal import print_json, print_table, tell
    from deidsynth.metrics import score

    scores = score(
        load(gold, quiet, discontinuous=discontinuous).corpus,
        load(predicted, quiet, discontinuous=discontinuous, require_entities=False).corpus,
        sentence_count=sentences,
    ).to_dict()
    if json:
        print_json(scores)
        return
    headers = ["", "precision", "recall", "F1", "tp", "fp", "fn"]
    print_table(headers, [_row(way, scores[way]) for way in _WAYS if scores.get(way)])
    print_table(["label (strict)", *headers[1:]], [_row(label, c) for label, c in scores["per_label"].items()])
    tell(f"{scores['n_documents']} documents", quiet)
    if scores.get("leak") is not None:
        tell(f"leak (missed entities a sentence): {scores['leak']:.4f}", quiet)


def _row(name: str, counts: Mapping[str, Any]) -> list[str]:
    from deidsynth.cli.terminal import format_count, format_score

    shares = [format_score(counts[key]) for key in ("precision", "recall", "f1")]
    return [name, *shares, *(format_count(counts[key]) for key in ("tp", "fp", "fn"))]
