"""The presets: defaults that depend on the kind of model. The values are in ``presets.yaml``."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import get_args

from pydantic import Field, model_validator

from deidsynth.config.parsing import StageConfig, load_data, parse
from deidsynth.config.stages import ControlCode, Method, Optimizer
from deidsynth.starters import Base

FILE = Path(__file__).parent / "presets.yaml"


class AdaptPreset(StageConfig):
    """Defaults for adapting one kind of language model with one method."""

    epochs: float = Field(gt=0.0)
    batch_tokens: int = Field(ge=64)
    learning_rate: float = Field(gt=0.0)
    optimizer: Optimizer
    control_codes: list[ControlCode] = Field(description="in a run")
    why: str


class PretrainingPreset(StageConfig):
    """Defaults for the task-adaptive pretraining of one kind of encoder."""

    epochs: float = Field(ge=0.0)
    learning_rate: float = Field(gt=0.0)
    max_steps: int = Field(ge=0, description="only if the configuration does not set the epochs either; 0: no limit")


class TrainPreset(StageConfig):
    """Defaults for training a tagger with one kind of encoder."""

    epochs: float = Field(gt=0.0)
    min_steps: int = Field(ge=0, description="only if the configuration sets neither epochs nor batch_size")
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0.0)
    width: int = Field(
        ge=0,
        description="hidden size that the learning rates are for; for another one, if it is known, they are in "
        "inverse proportion to it; 0: the same for all",
    )
    optimizer: Optimizer
    task_adaptive_pretraining: PretrainingPreset
    why: str


class SyntheticPreset(StageConfig):
    """Further defaults for the synthetic model of a run."""

    mention_replacement: float = Field(ge=0.0, le=1.0)
    format_variation: float = Field(ge=0.0, le=1.0)
    why: str


class PrivatePreset(StageConfig):
    """Defaults for differentially private adaptation, whatever the model."""

    learning_rate: float = Field(gt=0.0)
    why: str


class Presets(StageConfig):
    """All presets."""

    adapt: dict[Base, dict[Method, AdaptPreset]]
    private: PrivatePreset
    train: dict[Base, TrainPreset]
    synthetic: SyntheticPreset

    @model_validator(mode="after")
    def _every_kind_is_there(self) -> Presets:
        every: dict[Base, set[Method]] = {kind: set(get_args(Method)) for kind in get_args(Base)}
        every["scratch"] = {"full"}
        if {kind: set(methods) for kind, methods in self.adapt.items()} != every or self.train.keys() != every.keys():
            raise ValueError("expected every kind of model with its methods; scratch has only the method full")
        return self


@functools.cache
def presets() -> Presets:
    """The presets in ``presets.yaml``.

    Raises:
        ConfigError: the file was edited and is no longer valid.
    """
    return parse(Presets, load_data(FILE), source=str(FILE))
