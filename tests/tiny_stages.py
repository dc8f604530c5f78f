"""One stage at a time, on small models from scratch: what its tests share."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from deidsynth.config import AdaptConfig, StageConfig, TrainConfig, parse, resolve_adapt, resolve_train
from deidsynth.corpora import write_jsonl
from deidsynth.documents import Corpus, Document
from deidsynth.progress import Progress, SilentProgress
from deidsynth.stages import STAGES, StageContext

CAUSAL = {"hidden_size": 32, "layers": 1, "vocabulary_size": 400}
ENCODER = {"hidden_size": 32, "layers": 2, "vocabulary_size": 400}
ADAPT = {
    "epochs": 4,
    "batch_tokens": 512,
    "sequence_length": 128,
    "base": "scratch",
    "scratch": CAUSAL,
    "evaluations": 3,
}
TRAIN = {"epochs": 8, "batch_size": 4, "learning_rate": 0.01, "encoder": "scratch", "scratch": ENCODER}
TRAIN |= {"task_adaptive_pretraining": {"epochs": 1}, "weight_averaging": 0.4}
SYNTHESIZE = {"batch_size": 5, "max_length_tokens": 60, "volume_ratio": 0.75, "prompts": {"language": "sv"}}
SYNTHESIZE |= {"filters": {"mode": "count"}}

Facts = Mapping[str, Any]


def resolved(stage: str, settings: Mapping[str, Any]) -> StageConfig:
    """The configuration of a stage as a run would give it to it, with values invented in Swedish."""
    if stage == "train":
        return resolve_train(parse(TrainConfig, settings), language="sv")
    if stage in ("adapt", "base"):
        return resolve_adapt(parse(AdaptConfig, settings))
    return parse(STAGES[stage].config_type, settings)


def run(
    stage: str,
    root: Path,
    inputs: Mapping[str, Path],
    settings: Mapping[str, Any],
    name: str = "",
    seed: int = 3,
    listener: Progress | None = None,
) -> tuple[Path, Facts]:
    """Folder and facts of one stage; a second call of the same name goes on where the first stopped."""
    made, scratch = root / (name or stage), root / f"{name or stage}-scratch"
    made.mkdir(parents=True, exist_ok=True)
    scratch.mkdir(exist_ok=True)
    config = resolved(stage, settings)
    context = StageContext(scratch, seed=seed, progress=listener or SilentProgress())
    return made, STAGES[stage].run(config, inputs, made, context)


def corpus_folder(root: Path, documents: tuple[Document, ...], annotation: str = "gold") -> Path:
    root.mkdir(parents=True, exist_ok=True)
    write_jsonl(Corpus(documents, origin="invented", annotation=annotation), root / "corpus.jsonl")  # type: ignore[arg-type]
    return root


def curve(folder: Path, name: str = "curve.jsonl") -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / name).read_text(encoding="utf-8").splitlines()]


def die_after(monkeypatch: pytest.MonkeyPatch, target: str, calls: int) -> Callable[[], int]:
    module, _, name = target.rpartition(".")
    whole = getattr(__import__(module, fromlist=[name]), name)
    count = 0

    def counted(*arguments: Any) -> Any:
        nonlocal count
        count += 1
        if count == calls:
            raise KeyboardInterrupt
        return whole(*arguments)

    monkeypatch.setattr(target, counted)
    return lambda: count


def same_weights(one: Path, other: Path) -> bool:
    first, second = (load_file(folder / "model" / "model.safetensors") for folder in (one, other))
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)
