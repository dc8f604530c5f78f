"""Configuration of every stage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from deidsynth.config.endpoint import EndpointConfig
from deidsynth.config.parsing import StageConfig

Fraction = Annotated[float, Field(gt=0.0, lt=1.0)]
Share = Annotated[float, Field(gt=0.0, le=1.0)]
Precision = Literal["auto", "fp32", "bf16"]
Method = Literal["full", "lora", "qlora"]
Optimizer = Literal["adamw", "muon"]
ControlCode = Literal["labels", "length"]


class SplitConfig(StageConfig):
    """How documents are parted where the corpus does not say."""

    validation: Fraction = Field(0.05, description="share of the training data that is set aside and gives the prompts")
    test: Fraction = Field(0.2, description="share for the test set, where the corpus names none")
    seed: int = Field(1, description="which documents go where")


class FoldConfig(StageConfig):
    """One fold of a cross-validation by group."""

    number: int = Field(ge=1, description="which fold is the test set, from 1")
    folds: int = Field(ge=2, description="how many there are")
    of: Literal["corpus", "train"] = Field(
        "corpus", description="what is parted into folds: the whole corpus, or what it names train alone"
    )

    @model_validator(mode="after")
    def _fold_exists(self) -> FoldConfig:
        if self.number > self.folds:
            raise ValueError(f"fold {self.number} of {self.folds} does not exist")
        return self


class SelectConfig(StageConfig):
    """Which part of a corpus, and how much of it."""

    part: Literal["train", "validation", "test"]
    split: SplitConfig = SplitConfig()
    fraction: Share = Field(1.0, description="a nested share of the part, by group")
    fold: FoldConfig | None = Field(None, description="a fold in place of the corpus' own parts")


class LoraConfig(StageConfig):
    """Low-rank adaptation; the defaults are the paper's."""

    r: int = Field(8, ge=1, description="rank")
    alpha: int = Field(32, ge=1, description="scale of the update, divided by the rank")
    dropout: float = Field(0.0, ge=0.0, lt=1.0)
    target_modules: list[str] | Literal["all-linear"] = Field(
        "all-linear", description="names of the layers that are adapted"
    )


class ScratchCausalConfig(StageConfig):
    """Shape of the causal language model that ``base: scratch`` makes."""

    removed: ClassVar[Mapping[str, str]] = {
        "heads": "it is 4",
        "kv_heads": "it is 1",
        "intermediate_size": "it is 2.75 times hidden_size",
        "context": "it is 2048",
    }

    hidden_size: int = Field(256, ge=16, multiple_of=8, description="a multiple of 8")
    layers: int = Field(4, ge=1)
    vocabulary_size: int = Field(4096, ge=300)


class TaskAdaptivePretrainingConfig(StageConfig):
    """Masked language modeling of an encoder on the texts that it is then trained to tag (Gururangan et al. 2020)."""

    renamed: ClassVar[Mapping[str, str]] = {"masked": "masked_share", "unlabelled_epochs": "unlabeled_epochs"}

    epochs: float | None = Field(
        None,
        ge=0.0,
        description="passes over the training documents, 0: none; by default by the kind of encoder, see Presets",
    )
    learning_rate: float | None = Field(None, gt=0.0, description="by default by the kind of encoder, see Presets")
    max_steps: int | None = Field(
        None,
        ge=0,
        description="most steps, but for one whole pass, where there are no unlabeled texts; 0: no limit; by default "
        "by the kind of encoder where epochs is left out, see Presets, else no limit",
    )
    weight_decay: float = Field(0.05, ge=0.0)
    masked_share: Fraction = Field(0.3, description="share of the tokens that are masked")
    unlabeled_epochs: float = Field(
        1.0, ge=0.0, description="passes over unlabeled texts, where some are given, mixed among the others"
    )


class ScratchEncoderConfig(StageConfig):
    """Shape of the encoder that ``encoder: scratch`` makes."""

    removed: ClassVar[Mapping[str, str]] = {
        "heads": "it is 4",
        "intermediate_size": "it is twice hidden_size",
        "local_attention": "it is 128",
        "dropout": "it is 0.1",
    }

    hidden_size: int = Field(192, ge=16, multiple_of=8, description="a multiple of 8")
    layers: int = Field(4, ge=1)
    vocabulary_size: int = Field(4096, ge=300)


class AdaptConfig(StageConfig):
    """Domain adaptation of a causal language model."""

    renamed: ClassVar[Mapping[str, str]] = {"header": "control_codes"}

    base: str = Field("starter", description="hub id, local folder, starter, starter-xs, or scratch")
    method: Literal["auto", Method] = Field(
        "auto", description="auto: full for scratch, starters and local folders under 1 GB, else lora"
    )
    epochs: float | None = Field(
        None, gt=0.0, description="passes over the training text; by default by kind and method, see Presets"
    )
    learning_rate: float | None = Field(None, gt=0.0, description="by default by kind and method, see Presets")
    optimizer: Literal["auto", Optimizer] = Field("auto", description="auto: by kind and method, see Presets")
    batch_tokens: int | None = Field(
        None, ge=64, description="tokens in one optimizer step; by default by kind and method, see Presets"
    )
    sequence_length: int = Field(
        2048,
        ge=16,
        description="tokens in one row of whole documents, at most the context of the model; a longer document is cut",
    )
    warmup: float = Field(0.05, ge=0.0, lt=1.0, description="share of the steps")
    weight_decay: float = Field(0.1, ge=0.0)
    max_grad_norm: float = Field(1.0, gt=0.0)
    checkpoint_seconds: float = Field(60.0, ge=0.0, description="time between checkpoints")
    validation: float = Field(0.05, ge=0.0, lt=1.0, description="share of its own documents kept for validation loss")
    keep: Literal["last", "best"] = Field("best", description="best: the weights of the lowest validation loss")
    annotations: Literal["auto", "none", "inline"] = Field(
        "auto",
        description="inline: entities are written into the text as special tokens, so that the model writes them too; "
        "auto: inline where synthesize.annotations asks for it, else none",
    )
    control_codes: list[ControlCode] | None = Field(
        None,
        description="special tokens before each text: labels (which occur, and about how often), length (its quartile "
        "among the training documents); by default in a run by kind and method, see Presets, else none",
    )
    evaluations: int = Field(8, ge=1, description="how often the validation loss is measured")
    lora: LoraConfig = LoraConfig()
    scratch: ScratchCausalConfig = ScratchCausalConfig()

    @field_validator("control_codes")
    @classmethod
    def _fields_once(cls, value: list[str] | None) -> list[str] | None:
        if value is not None and len(set(value)) < len(value):
            raise ValueError("a field is named twice; leave one of the two out")
        return value


class PromptConfig(StageConfig):
    """What every sample begins with."""

    renamed: ClassVar[Mapping[str, str]] = {"headers": "control_codes"}
    removed: ClassVar[Mapping[str, str]] = {"balance": "set control_codes: balanced, for a model with control codes"}

    source: Literal["validation", "bos", "file"] = "validation"
    words: int = Field(3, ge=1, description="first words of each validation text")
    pii: Literal["surrogate", "keep", "drop"] = Field(
        "surrogate", description="PII inside a prompt: replaced by invented values, kept, or the prompt left out"
    )
    file: str | None = Field(None, description="one prompt a line, for source: file")
    control_codes: Literal["gold", "balanced"] | None = Field(
        None,
        description="which control codes a model that knows them (adapt.control_codes) is given: gold, those of the "
        "training documents in turn (the default); balanced, every label gets the same share",
    )
    language: str | None = Field(None, description="of the invented values; by default the corpus's language")

    @model_validator(mode="after")
    def _file_is_named(self) -> PromptConfig:
        if (self.source == "file") != (self.file is not None):
            raise ValueError("source: file and file: PATH go together")
        return self


class FilterConfig(StageConfig):
    """Which sampled documents are no good, and what happens to them; see docs/sampling.md."""

    renamed: ClassVar[Mapping[str, str]] = {"budget": "max_sampled_ratio", "near_repeat": "near_duplicate_share"}
    removed: ClassVar[Mapping[str, str]] = {"loop_tokens": "it is 4"}

    mode: Literal["reject", "count", "off"] = Field(
        "reject", description="reject: others are sampled in their place; count: kept and counted; off: not looked at"
    )
    max_sampled_ratio: float = Field(
        1.5, ge=1.0, description="most documents sampled, as a multiple of those asked for, rounded up"
    )
    max_run_words: int = Field(12, ge=1, description="longest run of training words that a document may hold")
    min_groups: int = Field(
        3, ge=1, description="a run or a value that stands in this many training groups is a template"
    )
    near_duplicate_share: Share = Field(
        0.6,
        description="runs of 8 words that two synthetic documents share, of the shorter one's, to be near-duplicates",
    )
    max_repeated: float = Field(
        0.5, ge=0.0, le=1.0, description="share of the runs of 4 tokens that stood before in the document; 1: off"
    )
    max_malformed: float = Field(
        0.2, ge=0.0, le=1.0, description="share of the inline entity tags that had to be repaired; 1: off"
    )
    overlong: float = Field(
        0.9,
        ge=0.0,
        le=1.0,
        description="a document that never came to its end must not be longer than this share of the training texts; "
        "1: off",
    )
    max_foreign_letters: float = Field(
        0.1, ge=0.0, le=1.0, description="share of letters of scripts that no training text has; 1: off"
    )
    min_common_words: float = Field(
        0.3,
        ge=0.0,
        le=1.0,
        description="least share of the 100 commonest training words, as a multiple of the training texts' own; 0: off",
    )

    @field_validator("mode", mode="before")
    @classmethod
    def _off_is_a_word(cls, value: object) -> object:
        """YAML reads a bare ``off`` as false."""
        return "off" if value is False else value


class SynthesizeConfig(StageConfig):
    """Sampling of synthetic text."""

    renamed: ClassVar[Mapping[str, str]] = {"volume": "volume_ratio"}

    endpoint: EndpointConfig = EndpointConfig()
    prompts: PromptConfig = PromptConfig()
    annotations: Literal["machine", "inline", "agreement"] = Field(
        "machine",
        description="machine: the gold model annotates the texts; inline: the language model writes the entities "
        "itself; agreement: it does, and documents that the gold model annotates otherwise are left out",
    )
    agreement: Share = Field(
        0.9, description="least strict F1 of both annotations of a document, for annotations: agreement"
    )
    samples_per_prompt: int | None = Field(None, ge=1, description="the paper takes 80; else see volume_ratio")
    volume_ratio: float = Field(2.0, gt=0.0, description="documents, as a multiple of the training documents")
    temperature: float = Field(1.0, gt=0.0)
    top_p: float = Field(0.95, gt=0.0, le=1.0)
    top_k: int = Field(0, ge=0, description="0: off, so that top_p alone cuts the tail")
    min_p: float = Field(
        0.0, ge=0.0, lt=1.0, description="least probability of a token, as a share of the likeliest one's; 0: off"
    )
    repetition_penalty: float = Field(
        1.0, gt=0.0, description="divides the scores of tokens that stood before (CTRL's rule); 1: off"
    )
    stop: list[str] = Field([], description="texts before which a document is cut; it counts as ended")
    max_length_tokens: int = Field(2048, ge=8, description="longest document, prompt included")
    batch_size: int = Field(64, ge=1, description="documents sampled together")
    filters: FilterConfig = FilterConfig()

    @field_validator("stop")
    @classmethod
    def _stop_texts_are_texts(cls, value: list[str]) -> list[str]:
        if "" in value:
            raise ValueError("an empty text would cut every document; leave it out")
        return value

    @model_validator(mode="after")
    def _a_server_writes_plain_text(self) -> SynthesizeConfig:
        if self.endpoint.base_url is not None and (
            self.annotations != "machine" or self.prompts.control_codes is not None
        ):
            raise ValueError(
                "a server gives plain text: endpoint goes with annotations: machine and without prompts.control_codes"
            )
        return self


class TrainConfig(StageConfig):
    """Training of an encoder that tags tokens: annotator, gold model and synthetic model alike."""

    renamed: ClassVar[Mapping[str, str]] = {
        "swaps": "mention_replacement",
        "variety": "format_variation",
        "members": "ensemble_size",
        "average": "weight_averaging",
        "pretraining": "task_adaptive_pretraining",
    }

    encoder: str = Field("starter", description="hub id, local folder, starter, or scratch")
    epochs: float = Field(6.0, gt=0.0, description="passes over the training documents")
    optimizer: Literal["auto", Optimizer] = Field("auto", description="auto: by the kind of encoder, see Presets")
    batch_size: int | None = Field(None, ge=1, description="chunks; by default by the kind of encoder, see Presets")
    learning_rate: float | None = Field(None, gt=0.0, description="by default by the kind of encoder, see Presets")
    warmup: float = Field(0.1, ge=0.0, lt=1.0)
    weight_decay: float = Field(0.01, ge=0.0)
    max_grad_norm: float = Field(1.0, gt=0.0)
    chunk_words: int | None = Field(128, ge=4, description="longest chunk in words (the paper's 128)")
    chunk_tokens: int | None = Field(None, ge=8, description="longest chunk in tokens, special tokens left out")
    keep: Literal["last", "best"] = Field("last", description="best: the best epoch on validation documents")
    weight_averaging: float = Field(
        0.0,
        ge=0.0,
        lt=1.0,
        description="with keep: last, the mean of the weights over this share of the last steps; 0: the last alone",
    )
    ensemble_size: int = Field(
        1,
        ge=1,
        description="taggers trained from one pretrained encoder with different seeds; the mean of their probabilities "
        "is decoded, and annotation takes that many times as long. On a CPU with several threads, small ones are "
        "trained in parallel, which takes memory for each",
    )
    validation: Fraction = Field(
        0.1, description="share carved from the training input for keep: best and for target_recall"
    )
    target_recall: float | None = Field(
        None,
        gt=0.0,
        le=1.0,
        description="flag so many tokens that this share of the private ones is found on the validation documents",
    )
    checkpoint_seconds: float = Field(60.0, ge=0.0)
    mention_replacement: float | None = Field(
        None,
        ge=0.0,
        le=1.0,
        description="every second pass is over documents with this share of their mentions replaced by surrogates; "
        "by default see Presets for the synthetic model of a run, else 0: none",
    )
    format_variation: float | None = Field(
        None,
        ge=0.0,
        le=1.0,
        description="with mention_replacement: probability that a date, an age, a relative or an organization gets "
        "another surface format, such as month and year for a full date; by default see Presets for the synthetic "
        "model of a run, else 0",
    )
    language: str | None = Field(None, description="of the invented values; by default the corpus's language")
    transitions: float = Field(
        0.5,
        ge=0.0,
        description="weight in decoding of how often entities of the training data go on or end; 0: none",
    )
    task_adaptive_pretraining: TaskAdaptivePretrainingConfig = TaskAdaptivePretrainingConfig()
    scratch: ScratchEncoderConfig = ScratchEncoderConfig()


class AnnotateConfig(StageConfig):
    """Tagging of documents of any length."""

    window_tokens: int | None = Field(
        None, ge=16, description="by default the longest chunk that the model was trained on"
    )
    overlap: float = Field(0.125, ge=0.0, lt=1.0, description="share of a window that the next one sees again")
    batch_size: int = Field(32, ge=1, description="windows at once")


class AnnotateInlineConfig(StageConfig):
    """Taking over the entities that the language model wrote."""

    agreement: Share | None = Field(
        None, description="least strict F1 with the machine's annotation for a document to be kept; by default all are"
    )


class EvaluateConfig(StageConfig):
    """Scoring of a model on the test set."""

    annotate: AnnotateConfig = AnnotateConfig()


class MemorizationConfig(StageConfig):
    """What of the training text reappears in the synthetic text."""

    n: int = Field(5, ge=1, description="length of the n-grams whose recall is measured")
    max_run_words: int = Field(12, ge=1, description="longest run of training words that a shown note may hold")
    min_groups: int = Field(
        3, ge=1, description="a run or a value that stands in this many training groups points to nobody"
    )
    min_entity_characters: int = Field(
        6, ge=1, description="a shown note holds no training entity this long that fewer groups share"
    )
