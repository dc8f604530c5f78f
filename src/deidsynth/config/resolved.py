"""Fully resolved configurations: what is hashed, run, stored and shown in the report.

Each is also a valid user configuration, with narrower types.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from deidsynth.config.audit import AuditConfig
from deidsynth.config.parsing import StageConfig, difference
from deidsynth.config.run import CorpusConfig, RunConfig
from deidsynth.config.sampling import SynthesizeConfig
from deidsynth.config.stages import (
    AdaptConfig,
    AnnotateConfig,
    ControlCode,
    MemorizationConfig,
    Method,
    Optimizer,
    PseudonymizeConfig,
    SplitConfig,
    TaskAdaptivePretrainingConfig,
    TrainConfig,
)


class ResolvedPseudonymizeConfig(PseudonymizeConfig):
    """Surrogates in place of all gold entities, resolved; the language is set only if there are surrogates."""

    mode: Literal["always", "never"]

    @model_validator(mode="after")
    def _invented_values_have_a_language(self) -> ResolvedPseudonymizeConfig:
        if self.mode == "always" and self.language is None:
            raise ValueError("pseudonymize needs the language of the text")
        return self


class ResolvedAdaptConfig(AdaptConfig):
    """Domain adaptation of a causal language model, resolved."""

    method: Method
    epochs: float = Field(gt=0.0)
    learning_rate: float = Field(gt=0.0)
    optimizer: Optimizer
    batch_tokens: int = Field(ge=64)
    annotations: Literal["none", "inline"]
    control_codes: list[ControlCode]


class ResolvedTaskAdaptivePretrainingConfig(TaskAdaptivePretrainingConfig):
    """Task-adaptive pretraining of a tagger's encoder, resolved."""

    epochs: float = Field(ge=0.0)
    learning_rate: float = Field(gt=0.0)
    max_steps: int = Field(ge=0)


class ResolvedCanariesConfig(StageConfig):
    """A twin of an adaptation that is trained with canaries."""

    adapt: ResolvedAdaptConfig
    n_canaries: int = Field(ge=2, le=1_000_000)


class ResolvedTrainConfig(TrainConfig):
    """Training of a tagger, resolved; the language is set only if surrogates need it."""

    epochs: float = Field(gt=0.0)
    min_steps: int = Field(ge=0)
    optimizer: Optimizer
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0.0)
    mention_replacement: float = Field(ge=0.0, le=1.0)
    format_variation: float = Field(ge=0.0, le=1.0)
    task_adaptive_pretraining: ResolvedTaskAdaptivePretrainingConfig

    @model_validator(mode="after")
    def _invented_values_have_a_language(self) -> ResolvedTrainConfig:
        if self.mention_replacement and self.language is None:
            raise ValueError("mention_replacement needs the language of the text")
        return self


class ResolvedRun(StageConfig):
    """The whole pipeline, resolved, with the keys of a run configuration."""

    corpus: CorpusConfig
    split: SplitConfig
    pseudonymize: ResolvedPseudonymizeConfig
    adapt: ResolvedAdaptConfig
    synthesize: SynthesizeConfig
    train: ResolvedTrainConfig = Field(description="of the gold model")
    train_synthetic: ResolvedTrainConfig = Field(description="of the synthetic model, with all keys")
    annotate: AnnotateConfig
    memorization: MemorizationConfig
    audit: AuditConfig
    seed: int
    precision: Literal["fp32", "bf16"]
    output: str | None
    store: str | None

    def config(self) -> RunConfig:
        """The user configuration with all of these values; it resolves to this one."""
        data = self.model_dump(mode="json")
        data["train_synthetic"] = difference(data["train"], data["train_synthetic"])
        return RunConfig.model_validate(data)
