"""Resumable trainings of a stage: a training that has finished is not repeated after a kill."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load_model, save_model

from deidsynth.files import write_json
from deidsynth.models.tagger.token_classifier import Tagger
from deidsynth.models.training.loop import TrainingPoint
from deidsynth.stages.specification import StageContext
from deidsynth.stages.work.curves import watch

RECORD = "record.json"


def is_trained(folder: Path) -> bool:
    """Whether the training of a folder has finished."""
    return (folder / RECORD).exists()


def trained(
    tagger: Tagger,
    folder: Path,
    training: Callable[[dict[str, Any]], Iterator[TrainingPoint]],
    name: str,
    context: StageContext,
) -> Mapping[str, Any]:
    """The record of a training, which runs now unless it finished before a kill.

    Args:
        tagger: trained in place.
        folder: for checkpoints and the final weights.
        training: starts the training, with the memory that is saved with its checkpoints.
        name: of the training, for progress.
        context: with the listener for progress.

    Returns:
        ``curve``, ``n_targets`` and ``best`` of its memory.
    """
    folder.mkdir(exist_ok=True)
    weights, record = folder / "weights.safetensors", folder / RECORD
    if is_trained(folder):
        load_model(tagger.model, str(weights))
        tagger.model.eval()
    else:
        memory: dict[str, Any] = {}
        watch(training(memory), name, context.progress, memory)
        save_model(tagger.model, str(weights))
        write_json(record, {key: memory.get(key) for key in ("curve", "n_targets", "best")})
    found: Mapping[str, Any] = json.loads(record.read_text(encoding="utf-8"))
    return found
