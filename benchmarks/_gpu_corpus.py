"""A pretrained language model adapted to a corpus and sampled from, as far as a number of seconds goes; resumable."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import deidsynth as ds
from deidsynth.cli.terminal import tell
from deidsynth.files import MANIFEST, make_private_folder, write_json

PROBE_EPOCHS = 0.1
MOST_EPOCHS = 5.0
ADAPTING = 0.4
"""Share of the seconds for the adaptation; the rest is for the model to load twice and for sampling."""


@dataclass(frozen=True)
class Pace:
    """How much is done.

    Args:
        seconds: of the section.
        n_documents: sampled.
        max_length_tokens: of a sampled document.
        most_epochs: of the adaptation, however much time there is.
    """

    seconds: float
    n_documents: int = 64
    max_length_tokens: int = 2048
    most_epochs: float = MOST_EPOCHS


def adapted(base: str, corpus: ds.Corpus, work: Path, pace: Pace, device: str, seed: int) -> dict[str, Any]:
    """A LoRA of so many passes as fit, by the speed of a tenth of one; what was planned and finished is kept.

    Args:
        base: folder of the language model, or a starter.
        corpus: documents to adapt to; a twentieth of them, by group, is held out for the bits per character.
        work: folder for model and plan.
        pace: how much is done.
        device: such as ``cuda``.
        seed: of the adaptation.
    """
    settings: dict[str, Any] = {"base": base, "method": "lora", "control_codes": [], "seed": seed, "device": device}
    plan, model = work / "plan.json", work / "model"
    if not plan.exists():
        probe = facts_of(work / "probe")
        if probe is None:
            ds.adapt(corpus, output=work / "probe", epochs=PROBE_EPOCHS, progress=False, **settings)
            probe = facts_of(work / "probe") or {}
        per_epoch = probe["n_tokens_seen"] / PROBE_EPOCHS
        epochs = round(min(pace.most_epochs, ADAPTING * pace.seconds * probe["tokens_per_second"] / per_epoch), 2)
        write_json(plan, {"epochs": max(PROBE_EPOCHS, epochs)})
        tell(f"planned: {max(PROBE_EPOCHS, epochs)} passes")
    epochs = json.loads(plan.read_text(encoding="utf-8"))["epochs"]
    if facts_of(model) is None:
        ds.adapt(corpus, output=model, epochs=epochs, progress=False, **settings)
    kept = ("n_train_documents", "n_validation_documents", "n_parameters", "n_trained_parameters", "n_tokens_seen")
    facts = facts_of(model) or {}
    measured = {key: facts.get(key) for key in (*kept, "tokens_per_second", "bits_per_character")}
    return {"epochs": epochs, **measured}


def sampled(work: Path, pace: Pace, device: str, seed: int) -> dict[str, Any]:
    """Documents of the adapted model, which stay in the work folder for its owner only; nothing of them is printed."""
    notes = work / "notes"
    if facts_of(notes) is None:
        ds.synthesize(
            work / "model",
            pace.n_documents,
            output=notes,
            batch_size=pace.n_documents,
            max_length_tokens=pace.max_length_tokens,
            filters={"mode": "count"},
            progress=False,
            seed=seed,
            device=device,
        )
    facts = facts_of(notes) or {}
    return {key: value for key, value in facts.items() if isinstance(value, int | float | str | None)}


def facts_of(artifact: Path) -> dict[str, Any] | None:
    """The facts of a finished artifact; None while there is none."""
    path = artifact / MANIFEST
    if not path.is_file():
        return None
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return {**manifest["facts"]}


def on_corpus(
    base: str, corpus: ds.Corpus, work: Path, pace: Pace, device: str, seed: int
) -> Iterator[tuple[str, Any]]:
    """The two measurements by name, each to be called; the second needs the first."""
    make_private_folder(work)
    yield "adaptation", lambda: adapted(base, corpus, work, pace, device, seed)
    if facts_of(work / "model") is not None:
        yield "sampling", lambda: sampled(work, pace, device, seed)
