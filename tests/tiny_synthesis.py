"""Sampling from a tiny model, in this process or in one that is killed on the way."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

from deidsynth.config import SynthesizeConfig, parse
from deidsynth.corpora import write_jsonl
from deidsynth.documents import Corpus
from deidsynth.sampling.engine import Request, Sample, SamplingSettings
from deidsynth.sampling.local import LocalEngine
from deidsynth.stages.specification import StageContext
from deidsynth.stages.work.synthesize import Synthesize
from tiny_models import NOTES, save_tiny

# Random weights write words that nobody knows. One rule is left, and so strict that it rejects about half of the texts.
SETTINGS: dict[str, Any] = {
    "batch_size": 4,
    "volume_ratio": 1.0,
    "top_p": 1.0,
    "max_length_tokens": 40,
    "prompts": {"language": "sv"},
    "filters": {
        "max_sampled_ratio": 3,
        "max_repeated": 0.4,
        "min_common_words": 0,
        "max_foreign_letters": 1,
    },
}


def inputs(root: Path) -> dict[str, Path]:
    """The folders of the stage's inputs; made when first asked for."""
    folders = {role: root / role for role in ("model", "prompts", "train")}
    if not folders["model"].exists():
        save_tiny("llama", folders["model"] / "model")
        for role in ("prompts", "train"):
            folders[role].mkdir()
            write_jsonl(Corpus(NOTES, origin="invented"), folders[role] / "corpus.jsonl")
    return folders


def synthesize(folders: Mapping[str, Path], place: Path) -> Mapping[str, Any]:
    """The facts of the stage, whose output and scratch folders are in ``place``."""
    for name in ("output", "scratch"):
        (place / name).mkdir(parents=True, exist_ok=True)
    config = parse(SynthesizeConfig, SETTINGS)
    with patch("deidsynth.sampling.filters.LOOP_TOKENS", 1):
        return Synthesize().run(config, folders, place / "output", StageContext(place / "scratch", seed=3))


def synthesize_and_die(folders: Mapping[str, Path], place: Path, n_batches: int) -> None:
    """The same, killed by ``SIGKILL`` when so many batches are drawn and the last of them is not yet kept."""
    whole, drawn = LocalEngine.sample_batch, []

    def dying(self: LocalEngine, requests: Sequence[Request], settings: SamplingSettings, seed: int) -> list[Sample]:
        samples = whole(self, requests, settings, seed)
        drawn.append(seed)
        if len(drawn) == n_batches:
            os.kill(os.getpid(), signal.SIGKILL)
        return samples

    LocalEngine.sample_batch = dying  # type: ignore[method-assign]
    synthesize(folders, place)
