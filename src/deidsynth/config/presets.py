"""The presets: what a configuration leaves open, by the kind of model. The numbers stand in ``presets.yaml``."""

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
    """How a language model of one kind is adapted by one method."""

    epochs: float = Field(gt=0.0)
    batch_tokens: int = Field(ge=64)
    learning_rate: float = Field(gt=0.0)
    optimizer: Optimizer
    control_codes: list[ControlCode] = Field(description="in a run")
    why: str


class PretrainingPreset(StageConfig):
    """Masked language modeling of an encoder of one kind before it is trained to tag."""

    epochs: float = Field(ge=0.0)
    learning_rate: float = Field(gt=0.0)
    max_steps: int = Field(ge=0, description="where the configuration leaves the epochs out too; 0: no limit")


class TrainPreset(StageConfig):
    """How a tagger with an encoder of one kind is trained."""

    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0.0)
    optimizer: Optimizer
    task_adaptive_pretraining: PretrainingPreset
    why: str


class SyntheticPreset(StageConfig):
    """What the synthetic model of a run has beside that."""

    mention_replacement: float = Field(ge=0.0, le=1.0)
    format_variation: float = Field(ge=0.0, le=1.0)
    why: str


class Presets(StageConfig):
    """All presets."""

    adapt: dict[Base, dict[Method, AdaptPreset]]
    train: dict[Base, TrainPreset]
    synthetic: SyntheticPreset

    @model_validator(mode="after")
    def _every_kind_is_there(self) -> Presets:
        every: dict[Base, set[Method]] = {kind: set(get_args(Method)) for kind in get_args(Base)}
        every["scratch"] = {"full"}
        if {kind: set(methods) for kind, methods in self.adapt.items()} != every or self.train.keys() != every.keys():
            raise ValueError("expected every kind of model with its methods; a model from scratch has full alone")
        return self


@functools.cache
def presets() -> Presets:
    """The presets of this installation.

    Raises:
        ConfigError: the file was changed to something that they cannot be.
    """
    return parse(Presets, load_data(FILE), source=str(FILE))
