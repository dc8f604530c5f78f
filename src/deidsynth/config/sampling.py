"""Configuration of sampling: prompts, filters, and how the next token is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from deidsynth.config.endpoint import EndpointConfig
from deidsynth.config.parsing import StageConfig
from deidsynth.config.paths import Location
from deidsynth.config.surrogates import Kind, Language

Share = Annotated[float, Field(gt=0.0, le=1.0)]


class PromptConfig(StageConfig):
    """Prompts that samples start with."""

    renamed: ClassVar[Mapping[str, str]] = {"headers": "control_codes"}
    removed: ClassVar[Mapping[str, str]] = {"balance": "set control_codes: balanced, for a model with control codes"}

    source: Literal["validation", "bos", "file"] = "validation"
    words: int = Field(3, ge=1, description="number of words taken from the start of each validation text")
    pii: Literal["surrogate", "keep", "drop"] = Field(
        "surrogate", description="PII in a prompt: replaced by surrogates, kept, or the prompt dropped"
    )
    file: Location | None = Field(None, description="file with one prompt per line, for source: file")
    control_codes: Literal["gold", "balanced"] | None = Field(
        None,
        description="control codes for a model trained with them (adapt.control_codes): gold, those of the "
        "training documents in turn (the default); balanced, the same share for every label",
    )
    language: Language = Field(None, description="language of the surrogates; by default the corpus's language")
    labels: dict[str, Kind] = Field({}, description="kind of value for labels, laid over corpus.labels; see there")

    @model_validator(mode="after")
    def _file_is_named(self) -> PromptConfig:
        if (self.source == "file") != (self.file is not None):
            raise ValueError("source: file and file: PATH go together")
        return self


class FilterConfig(StageConfig):
    """Quality filters for sampled documents; see docs/sampling.md."""

    renamed: ClassVar[Mapping[str, str]] = {"budget": "max_sampled_ratio", "near_repeat": "near_duplicate_share"}
    removed: ClassVar[Mapping[str, str]] = {"loop_tokens": "it is always 4"}

    mode: Literal["reject", "count", "off"] = Field(
        "reject", description="reject: replaced by new samples; count: kept and counted; off: not checked"
    )
    max_sampled_ratio: float = Field(
        1.5,
        ge=1.0,
        description="maximum number of sampled documents, as a multiple of the requested number, rounded up",
    )
    max_run_words: int = Field(12, ge=1, description="longest verbatim run of training words allowed in a document")
    min_groups: int = Field(
        3, ge=1, description="a run or a value found in this many training groups counts as a template"
    )
    near_duplicate_share: Share = Field(
        0.6,
        description="two synthetic documents are near-duplicates from this share of common 8-word runs, "
        "relative to the shorter one",
    )
    max_repeated: float = Field(
        0.5, ge=0.0, le=1.0, description="maximum share of repeated 4-token runs within a document; 1: off"
    )
    max_malformed: float = Field(
        0.2, ge=0.0, le=1.0, description="maximum share of inline entity tags that had to be repaired; 1: off"
    )
    overlong: float = Field(
        0.9,
        ge=0.0,
        le=1.0,
        description="an unfinished document must not be longer than this share of the training texts; 1: off",
    )
    max_foreign_letters: float = Field(
        0.1,
        ge=0.0,
        le=1.0,
        description="maximum share of letters from scripts that do not occur in the training texts; 1: off",
    )
    min_common_words: float = Field(
        0.3,
        ge=0.0,
        le=1.0,
        description="minimum share of the 100 most frequent training words, relative to their share in "
        "the training texts; 0: off",
    )

    @field_validator("mode", mode="before")
    @classmethod
    def _off_is_a_word(cls, value: object) -> object:
        """The default if the value is false: YAML reads a bare ``off`` as false."""
        return "off" if value is False else value


class SynthesizeConfig(StageConfig):
    """Sampling of synthetic text."""

    renamed: ClassVar[Mapping[str, str]] = {"volume": "volume_ratio"}

    endpoint: EndpointConfig = EndpointConfig()
    engine: Literal["auto", "generate", "continuous", "vllm"] = Field(
        "auto",
        description="what samples in this process: generate; continuous (transformers' continuous batching); vllm, if "
        "installed; auto: continuous on CUDA with flash attention for models that can use it, else generate",
    )
    prompts: PromptConfig = PromptConfig()
    annotations: Literal["machine", "inline", "agreement"] = Field(
        "machine",
        description="machine: the gold model annotates the texts; inline: the language model writes the entities "
        "itself; agreement: as inline, but documents on which the gold model disagrees are dropped",
    )
    agreement: Share = Field(
        0.9, description="minimum strict F1 between both annotations of a document, for annotations: agreement"
    )
    samples_per_prompt: int | None = Field(
        None, ge=1, le=1_000_000, description="the paper uses 80; otherwise see volume_ratio"
    )
    volume_ratio: float = Field(
        2.0, gt=0.0, le=1_000_000, description="number of documents, as a multiple of the training documents"
    )
    temperature: float = Field(1.0, ge=0.001, le=1000.0)
    top_p: float = Field(0.95, gt=0.0, le=1.0)
    top_k: int = Field(0, ge=0, description="0: off, so that only top_p truncates the distribution")
    min_p: float = Field(
        0.0, ge=0.0, lt=1.0, description="minimum probability of a token, relative to the most likely token; 0: off"
    )
    repetition_penalty: float = Field(
        1.0, ge=0.001, le=1000.0, description="divides the scores of tokens that already occurred (as in CTRL); 1: off"
    )
    stop: list[str] = Field([], description="stop strings; a document is cut before them and counts as finished")
    max_length_tokens: int = Field(2048, ge=8, description="maximum length of a document, including the prompt")
    batch_size: int = Field(64, ge=1, description="documents per batch")
    filters: FilterConfig = FilterConfig()

    @field_validator("stop")
    @classmethod
    def _stop_texts_are_texts(cls, value: list[str]) -> list[str]:
        if "" in value:
            raise ValueError("an empty stop string would cut every document; leave it out")
        return value

    @model_validator(mode="after")
    def _one_engine(self) -> SynthesizeConfig:
        if self.endpoint.base_url is not None and self.engine != "auto":
            raise ValueError(f"engine: {self.engine} samples in this process; leave it out, or endpoint.base_url")
        return self

    @model_validator(mode="after")
    def _a_server_writes_plain_text(self) -> SynthesizeConfig:
        if self.endpoint.takes_only_text and (self.annotations != "machine" or self.prompts.control_codes is not None):
            raise ValueError(
                "a server returns plain text: use endpoint with annotations: machine and without "
                "prompts.control_codes, or set endpoint.prompts: tokens"
            )
        return self
