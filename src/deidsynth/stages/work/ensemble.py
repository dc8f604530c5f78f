"""Training of an ensemble: each tagger with its own seed, in parallel if that is faster."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from deidsynth.config import ResolvedTrainConfig
from deidsynth.models.devices import Compute
from deidsynth.models.tagger.token_classifier import ENSEMBLE_FOLDER, Tagger
from deidsynth.models.tagger.token_data import TrainingChunks
from deidsynth.models.tagger.training import train_tagger
from deidsynth.progress import Progress, SilentProgress
from deidsynth.stages.specification import StageContext
from deidsynth.stages.work.processes import run_in_parallel
from deidsynth.stages.work.resuming import is_trained, trained
from deidsynth.starters import kind_of_base

SEEDS_APART = 1_001


@dataclass(frozen=True, slots=True)
class TaggerTraining:
    """The training of one tagger of an ensemble.

    Args:
        number: from 1; the first one uses the seed of the stage.
        tagger: trained in place.
        chunks: training chunks.
        config: of the training.
        context: scratch folder of the stage, seed, device, progress.
        validate: gives the strict F1 on validation documents, if the best epoch is kept.
    """

    number: int
    tagger: Tagger
    chunks: TrainingChunks
    config: ResolvedTrainConfig
    context: StageContext
    validate: Callable[[Tagger], float] | None

    @property
    def folder(self) -> Path:
        """Folder of its checkpoints and, after training, its weights and record."""
        return self.context.scratch / ENSEMBLE_FOLDER.format(self.number)

    def train(self) -> Mapping[str, Any]:
        """Train the tagger, or load it if it is already trained; returns ``curve``, ``n_targets`` and ``best``."""
        seed = self.context.seed + SEEDS_APART * (self.number - 1)
        compute = Compute(seed, self.context.device, self.context.precision, self.folder)
        return trained(
            self.tagger,
            self.folder,
            lambda memory: train_tagger(self.tagger, self.chunks, self.config, compute, memory, validate=self.validate),
            "train" if self.number == 1 else f"train, tagger {self.number}",
            self.context,
        )

    def heard_by(self, listener: Progress) -> TaggerTraining:
        """The same training with another listener."""
        return replace(self, context=replace(self.context, progress=listener))

    def train_for(self, listener: Progress) -> None:
        """Train the tagger in a process of its own."""
        self.heard_by(listener).train()


def train_ensemble(trainings: Sequence[TaggerTraining]) -> list[Mapping[str, Any]]:
    """Train all taggers; returns the record of each training.

    A small model cannot use all threads of a CPU, so each is trained in its own process with a share of the
    threads. Trainings that a process does not finish are finished here, one after another.
    """
    waiting = [training for training in trainings if not is_trained(training.folder)]
    if len(waiting) > 1 and _is_small(waiting[0]) and torch.get_num_threads() > 1:
        run_in_parallel(
            [training.heard_by(SilentProgress()).train_for for training in waiting],
            torch.get_num_threads(),
            trainings[0].context.progress,
            f"train, {len(waiting)} taggers in parallel",
        )
    return [training.train() for training in trainings]


def _is_small(training: TaggerTraining) -> bool:
    return training.context.device == "cpu" and kind_of_base(training.config.encoder) != "hub"
