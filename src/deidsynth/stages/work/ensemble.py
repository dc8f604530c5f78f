"""The taggers of an ensemble: each trained with chance of its own, side by side where that is faster."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from deidsynth.config import ResolvedTrainConfig
from deidsynth.models.devices import Compute
from deidsynth.models.tagger.token_classifier import MEMBER, Tagger
from deidsynth.models.tagger.token_data import TrainingChunks
from deidsynth.models.tagger.training import train_tagger
from deidsynth.progress import Progress, SilentProgress
from deidsynth.stages.specification import StageContext
from deidsynth.stages.work.resuming import is_trained, trained
from deidsynth.stages.work.training_processes import run_side_by_side
from deidsynth.starters import kind_of_base

SEEDS_APART = 1_001


@dataclass(frozen=True, slots=True)
class Member:
    """One tagger to be trained, and on what.

    Args:
        number: from 1; the first one has the seed of the stage.
        tagger: whose model is changed in place.
        chunks: training chunks.
        config: epochs, rates.
        context: scratch folder of the stage, seed, device, listener.
        validate: strict F1 on validation documents, where the best epoch is kept.
    """

    number: int
    tagger: Tagger
    chunks: TrainingChunks
    config: ResolvedTrainConfig
    context: StageContext
    validate: Callable[[Tagger], float] | None

    @property
    def folder(self) -> Path:
        """Where its checkpoints are, and in the end its weights and its record."""
        return self.context.scratch / MEMBER.format(self.number)

    def train(self) -> Mapping[str, Any]:
        """Train it, or take it up where it is trained; ``curve``, ``n_targets`` and ``best``."""
        seed = self.context.seed + SEEDS_APART * (self.number - 1)
        compute = Compute(seed, self.context.device, self.context.precision, self.folder)
        return trained(
            self.tagger,
            self.folder,
            lambda memory: train_tagger(self.tagger, self.chunks, self.config, compute, memory, validate=self.validate),
            "train" if self.number == 1 else f"train, member {self.number}",
            self.context,
        )

    def heard_by(self, listener: Progress) -> Member:
        """The same for another listener."""
        return replace(self, context=replace(self.context, progress=listener))

    def train_for(self, listener: Progress) -> None:
        """Train it in a process of its own."""
        self.heard_by(listener).train()


def train_members(members: Sequence[Member]) -> list[Mapping[str, Any]]:
    """Train all of them; what each one's training told.

    Small models leave most threads of a processor idle: there each is trained in a process of its own, with its share
    of the threads. Whatever a process does not finish is finished here, one after another.
    """
    waiting = [member for member in members if not is_trained(member.folder)]
    if len(waiting) > 1 and _are_small(waiting[0]) and torch.get_num_threads() > 1:
        run_side_by_side(
            [member.heard_by(SilentProgress()).train_for for member in waiting],
            torch.get_num_threads(),
            members[0].context.progress,
            f"train, {len(waiting)} members side by side",
        )
    return [member.train() for member in members]


def _are_small(member: Member) -> bool:
    return member.context.device == "cpu" and kind_of_base(member.config.encoder) != "hub"
