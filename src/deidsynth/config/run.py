"""Configuration of a corpus and of a whole run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from deidsynth.config.layout import LayoutConfig
from deidsynth.config.parsing import StageConfig, merge, parse
from deidsynth.config.stages import (
    AdaptConfig,
    AnnotateConfig,
    MemorizationConfig,
    Precision,
    SplitConfig,
    SynthesizeConfig,
    TrainConfig,
)
from deidsynth.starters import kind_of_base

SYNTHETIC_MENTION_REPLACEMENT = 0.7
"""What a language model writes has few values, many times."""
SYNTHETIC_FORMAT_VARIATION = 0.5
"""It writes dates in running text half as often as it has read them."""


class CorpusConfig(StageConfig):
    """Where the gold corpus is and how to read it."""

    renamed: ClassVar[Mapping[str, str]] = {"unlabelled": "unlabeled"}

    path: str | None = Field(None, description="folder or file of the annotated corpus")
    format: str = Field("auto", description="name of the format (deidsynth corpus formats); auto finds it")
    layout: LayoutConfig = LayoutConfig()
    language: str | None = Field(None, description="ISO 639-1 code of the text, such as es or sv")
    group_by: str | None = Field(
        None, description="regular expression on the document name; its first group names the document's group"
    )
    discontinuous: Literal["refuse", "join"] = Field("refuse", description="what to do with discontinuous entities")
    unlabeled: str | None = Field(
        None,
        description="unlabeled texts of the same kind: a folder of .txt, or .jsonl (.gz, .xz) with text; for "
        "task-adaptive pretraining of the gold model (the annotator) alone",
    )
    origin: Literal["real", "invented", "synthetic"] | None = Field(
        None, description="where the text comes from; by default what the corpus says, else real"
    )


class RunConfig(StageConfig):
    """The whole pipeline."""

    renamed: ClassVar[Mapping[str, str]] = {"overlap": "memorization"}

    corpus: CorpusConfig = CorpusConfig()
    split: SplitConfig = SplitConfig()
    adapt: AdaptConfig = AdaptConfig()
    synthesize: SynthesizeConfig = SynthesizeConfig()
    train: TrainConfig = TrainConfig()
    train_synthetic: dict[str, Any] = Field(
        default_factory=dict, description="keys of train that differ for the synthetic model"
    )
    annotate: AnnotateConfig = AnnotateConfig()
    memorization: MemorizationConfig = MemorizationConfig()
    seed: int = Field(1, ge=0, description="of training and sampling; split.seed parts the documents")
    precision: Precision = Field("auto", description="auto: bf16 where the processor has it, else fp32")
    output: str | None = Field(None, description="run folder")
    store: str | None = Field(None, description="artifact store; by default .deidsynth beside the run folder")

    @model_validator(mode="after")
    def _overrides_fit(self) -> RunConfig:
        self.synthetic_train_config()
        if self.synthesize.annotations != "machine" and self.adapt.annotations == "none":
            raise ValueError(
                f"synthesize.annotations: {self.synthesize.annotations} needs a model that writes entities; leave "
                "adapt.annotations out, or set it to inline"
            )
        if self.synthesize.prompts.control_codes is not None and not self.adapt_config().control_codes:
            raise ValueError(
                "synthesize.prompts.control_codes needs a model that knows them; set adapt.control_codes: [labels]"
            )
        if self.synthesize.endpoint.base_url is not None and self.adapt.control_codes:
            raise ValueError("synthesize.endpoint: a server is sent no control codes; leave adapt.control_codes out")
        return self

    def adapt_config(self, *, adapts: bool = True) -> AdaptConfig:
        """``adapt`` with what it leaves to the run: ``annotations: auto``, and ``control_codes``.

        Args:
            adapts: false for a base model that is taken as it is, and so knows no control codes.
        """
        annotations, control_codes = self.adapt.annotations, self.adapt.control_codes
        if annotations == "auto":
            annotations = "none" if self.synthesize.annotations == "machine" else "inline"
        if control_codes is None:
            small = kind_of_base(self.adapt.base) != "other"
            learns = adapts and small and self.adapt.method != "qlora" and self.synthesize.endpoint.base_url is None
            control_codes = ["labels", "length"] if learns else []
        return self.adapt.model_copy(update={"annotations": annotations, "control_codes": control_codes})

    def synthetic_train_config(self) -> TrainConfig:
        """``train`` with the keys of ``train_synthetic`` laid over it, and invented values unless one of them says."""
        config = parse(TrainConfig, merge(self.train.model_dump(), self.train_synthetic), source="train_synthetic")
        default = {"mention_replacement": SYNTHETIC_MENTION_REPLACEMENT, "format_variation": SYNTHETIC_FORMAT_VARIATION}
        missing = {key: value for key, value in default.items() if getattr(config, key) is None}
        return config.model_copy(update=missing)
