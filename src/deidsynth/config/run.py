"""Configuration of a corpus and of a whole run."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from deidsynth.config.layout import LayoutConfig
from deidsynth.config.parsing import StageConfig, merge, parse
from deidsynth.config.stages import (
    AdaptConfig,
    AnnotateConfig,
    OverlapConfig,
    Precision,
    SplitConfig,
    SynthesizeConfig,
    TrainConfig,
)
from deidsynth.starters import kind_of_base

SYNTHETIC_SWAPS = 0.7
"""What a language model writes has few values, many times."""
SYNTHETIC_VARIETY = 0.5
"""It writes dates in running text half as often as it has read them."""


class CorpusConfig(StageConfig):
    """Where the gold corpus is and how to read it."""

    path: str | None = Field(None, description="folder or file of the annotated corpus")
    format: str = Field("auto", description="name of the format (deidsynth corpus formats); auto finds it")
    layout: LayoutConfig = LayoutConfig()
    language: str | None = Field(None, description="ISO 639-1 code of the text, such as es or sv")
    group_by: str | None = Field(
        None, description="regular expression on the document name; its first group names the document's group"
    )
    discontinuous: Literal["refuse", "join"] = Field("refuse", description="what to do with discontinuous entities")
    unlabelled: str | None = Field(
        None,
        description="more texts of the same kind without labels: a folder of .txt, or .jsonl (.gz, .xz) with text; the "
        "encoder of the gold model, which is the annotator, fills in hidden tokens of them; no other stage sees them",
    )
    origin: Literal["real", "invented", "synthetic"] | None = Field(
        None, description="where the text comes from; by default what the corpus says, else real"
    )


class RunConfig(StageConfig):
    """The whole pipeline."""

    corpus: CorpusConfig = CorpusConfig()
    split: SplitConfig = SplitConfig()
    adapt: AdaptConfig = AdaptConfig()
    synthesize: SynthesizeConfig = SynthesizeConfig()
    train: TrainConfig = TrainConfig()
    train_synthetic: dict[str, Any] = Field(
        default_factory=dict, description="keys of train that differ for the synthetic model"
    )
    annotate: AnnotateConfig = AnnotateConfig()
    overlap: OverlapConfig = OverlapConfig()
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
        if self.synthesize.prompts.headers is not None and not self.adapt_config().header:
            raise ValueError("synthesize.prompts.headers needs a model that knows them; set adapt.header: [labels]")
        if self.synthesize.endpoint.base_url is not None and self.adapt.header:
            raise ValueError("synthesize.endpoint: a server is sent no header; leave adapt.header out")
        return self

    def adapt_config(self, *, adapts: bool = True) -> AdaptConfig:
        """``adapt`` with what it leaves to the run: ``annotations: auto``, and ``header``.

        Args:
            adapts: false for a base model that is taken as it is, and so knows no header.
        """
        annotations, header = self.adapt.annotations, self.adapt.header
        if annotations == "auto":
            annotations = "none" if self.synthesize.annotations == "machine" else "inline"
        if header is None:
            small = kind_of_base(self.adapt.base) != "other"
            learns = adapts and small and self.adapt.method != "qlora" and self.synthesize.endpoint.base_url is None
            header = ["labels", "length"] if learns else []
        return self.adapt.model_copy(update={"annotations": annotations, "header": header})

    def synthetic_train_config(self) -> TrainConfig:
        """``train`` with the keys of ``train_synthetic`` laid over it, and invented values unless one of them says."""
        config = parse(TrainConfig, merge(self.train.model_dump(), self.train_synthetic), source="train_synthetic")
        swaps = SYNTHETIC_SWAPS if config.swaps is None else config.swaps
        variety = SYNTHETIC_VARIETY if config.variety is None else config.variety
        return config.model_copy(update={"swaps": swaps, "variety": variety})
