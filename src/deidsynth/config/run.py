"""Configuration of a corpus and of a whole run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from deidsynth.config.audit import AuditConfig
from deidsynth.config.layout import LayoutConfig
from deidsynth.config.parsing import StageConfig, merge, parse
from deidsynth.config.paths import Location
from deidsynth.config.sampling import SynthesizeConfig
from deidsynth.config.stages import (
    AdaptConfig,
    AnnotateConfig,
    MemorizationConfig,
    Precision,
    PseudonymizeConfig,
    SplitConfig,
    TrainConfig,
)
from deidsynth.config.surrogates import LABELS, Kind, Language


class CorpusConfig(StageConfig):
    """Location and format of the gold corpus."""

    renamed: ClassVar[Mapping[str, str]] = {"unlabelled": "unlabeled"}

    path: Location | None = Field(None, description="folder or file of the annotated corpus")
    format: str = Field("auto", description="name of the format (deidsynth corpus formats); auto detects it")
    layout: LayoutConfig = LayoutConfig()
    language: Language = Field(None, description="ISO 639-1 code of the text, such as es or sv")
    labels: dict[str, Kind] = Field({}, description=LABELS)
    group_by: str | None = Field(
        None, description="regular expression on the document name; its first capture group is the document's group"
    )
    discontinuous: Literal["refuse", "join"] = Field("refuse", description="what to do with discontinuous entities")
    skip_invalid: bool = Field(False, description="leave out entities that have a fault; they are counted and listed")
    unlabeled: Location | None = Field(
        None,
        description="unlabeled texts of the same kind: a folder of .txt files, or .jsonl (.gz, .xz) with "
        "text; only for task-adaptive pretraining of the gold model (the annotator)",
    )
    origin: Literal["real", "invented", "synthetic"] | None = Field(
        None, description="origin of the text; by default as stated in the corpus, else real"
    )


class RunConfig(StageConfig):
    """The whole pipeline."""

    renamed: ClassVar[Mapping[str, str]] = {"overlap": "memorization"}

    corpus: CorpusConfig = CorpusConfig()
    split: SplitConfig = SplitConfig()
    pseudonymize: PseudonymizeConfig = PseudonymizeConfig()
    adapt: AdaptConfig = AdaptConfig()
    synthesize: SynthesizeConfig = SynthesizeConfig()
    train: TrainConfig = TrainConfig()
    train_synthetic: dict[str, Any] = Field(
        default_factory=dict, description="keys of train that differ for the synthetic model"
    )
    annotate: AnnotateConfig = AnnotateConfig()
    memorization: MemorizationConfig = MemorizationConfig()
    audit: AuditConfig = AuditConfig()
    seed: int = Field(1, ge=0, description="seed of training and sampling; split.seed splits the documents")
    precision: Precision = Field("auto", description="auto: bf16 if the processor supports it, else fp32")
    output: Location | None = Field(None, description="run folder")
    store: Location | None = Field(None, description="artifact store; by default .deidsynth next to the run folder")

    @model_validator(mode="after")
    def _overrides_fit(self) -> RunConfig:
        self.synthetic_train_config()
        if self.synthesize.annotations != "machine" and self.adapt.annotations == "none":
            raise ValueError(
                f"synthesize.annotations: {self.synthesize.annotations} needs a model that writes inline entity tags; "
                "leave adapt.annotations out, or set it to inline"
            )
        if self.synthesize.endpoint.takes_only_text and self.adapt.control_codes:
            raise ValueError(
                "synthesize.endpoint: control codes cannot be sent to a server as text; leave adapt.control_codes "
                "out, or set synthesize.endpoint.prompts: tokens"
            )
        return self

    def synthetic_train_config(self) -> TrainConfig:
        """``train`` updated with the keys of ``train_synthetic``."""
        return parse(TrainConfig, merge(self.train.model_dump(), self.train_synthetic), source="train_synthetic")
