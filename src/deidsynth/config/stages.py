"""Configurations of the stages; that of sampling has a file of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from deidsynth.config.parsing import StageConfig
from deidsynth.config.paths import Location
from deidsynth.config.private import PrivateConfig
from deidsynth.config.sampling import Share
from deidsynth.config.surrogates import Kind, Language

Fraction = Annotated[float, Field(gt=0.0, lt=1.0)]
Precision = Literal["auto", "fp32", "bf16"]
Method = Literal["full", "lora", "qlora"]
Optimizer = Literal["adamw", "muon"]
ControlCode = Literal["labels", "length"]


class SplitConfig(StageConfig):
    """Splits of a corpus that does not define its own."""

    validation: Fraction = Field(
        0.05, description="share of the training data that is held out for validation; it provides the prompts"
    )
    test: Fraction = Field(0.2, description="share of the test set, if the corpus has none")
    seed: int = Field(1, description="seed of the split")
    half: Literal[1, 2] | None = Field(
        None,
        description="a random half of the training groups in place of all, with the other half as test set; what "
        "`deidsynth audit --halves` runs",
    )


class FoldConfig(StageConfig):
    """One fold of a cross-validation by group."""

    number: int = Field(ge=1, description="number of the fold that is the test set, from 1")
    folds: int = Field(ge=2, description="number of folds")
    of: Literal["corpus", "train"] = Field(
        "corpus", description="what is split into folds: the whole corpus, or only its train split"
    )

    @model_validator(mode="after")
    def _fold_exists(self) -> FoldConfig:
        if self.number > self.folds:
            raise ValueError(f"fold {self.number} of {self.folds} does not exist")
        return self


class SelectConfig(StageConfig):
    """Selection of a split of a corpus, or a share of it."""

    part: Literal["train", "validation", "test"]
    split: SplitConfig = SplitConfig()
    fraction: Share = Field(1.0, description="nested share of the split, by group")
    fold: FoldConfig | None = Field(None, description="a cross-validation fold instead of the corpus's own splits")


class PseudonymizeConfig(StageConfig):
    """Surrogates in place of all gold entities, before the language model learns from the text; see docs/privacy.md."""

    mode: Literal["auto", "always", "never"] = Field(
        "auto", description="whether the language model learns from surrogates; auto: unless the corpus is invented"
    )
    copies: int = Field(
        1,
        ge=1,
        le=1000,
        description="number of copies of the text with different surrogates; the passes of adapt take them in turn, "
        "so those beyond the number of passes are not read",
    )
    annotator: bool = Field(False, description="where the language model learns from surrogates, the gold model too")
    language: Language = Field(None, description="language of the surrogates; by default the corpus's language")
    labels: dict[str, Kind] = Field({}, description="kind of value for labels, laid over corpus.labels; see there")

    @model_validator(mode="after")
    def _annotator_goes_with_the_language_model(self) -> PseudonymizeConfig:
        if self.annotator and self.mode == "never":
            raise ValueError("annotator: true and mode: never contradict each other; leave one of them out")
        return self


class LoraConfig(StageConfig):
    """Low-rank adaptation, with the defaults of the paper."""

    r: int = Field(8, ge=1, le=65_536, description="rank")
    alpha: int = Field(32, ge=1, description="scale of the update, before division by the rank")
    dropout: float = Field(0.0, ge=0.0, lt=1.0)
    target_modules: list[str] | Literal["all-linear"] = Field("all-linear", description="names of the adapted layers")


class ScratchCausalConfig(StageConfig):
    """Architecture of the causal language model for ``base: scratch``."""

    removed: ClassVar[Mapping[str, str]] = {
        "heads": "it is always 4",
        "kv_heads": "it is always 1",
        "intermediate_size": "it is always 2.75 times hidden_size",
        "context": "it is always 2048",
    }

    hidden_size: int = Field(256, ge=16, le=65_536, multiple_of=8, description="a multiple of 8")
    layers: int = Field(4, ge=1, le=1000)
    vocabulary_size: int = Field(4096, ge=300, le=1_000_000)


class TaskAdaptivePretrainingConfig(StageConfig):
    """Masked language modeling on the texts that the encoder is then trained to tag (Gururangan et al. 2020)."""

    renamed: ClassVar[Mapping[str, str]] = {"masked": "masked_share", "unlabelled_epochs": "unlabeled_epochs"}

    epochs: float | None = Field(
        None,
        ge=0.0,
        description="passes over the training documents, 0: none; default by kind of encoder, see Presets",
    )
    learning_rate: float | None = Field(
        None, gt=0.0, description="default by kind and width of the encoder, see Presets"
    )
    min_steps: int = Field(
        0,
        ge=0,
        description="minimum number of steps, if there are any: with few documents, passes are added, up to "
        "max_steps; 0: none",
    )
    max_steps: int | None = Field(
        None,
        ge=0,
        description="maximum number of steps without unlabeled texts, though at least one full pass; 0: "
        "no limit; default by kind of encoder if epochs is not set, see Presets, else no limit",
    )
    weight_decay: float = Field(0.05, ge=0.0)
    masked_share: Fraction = Field(0.3, description="share of masked tokens")
    unlabeled_epochs: float = Field(
        1.0, ge=0.0, description="passes over the unlabeled texts, if any, mixed with the training documents"
    )


class ScratchEncoderConfig(StageConfig):
    """Architecture of the encoder for ``encoder: scratch``."""

    removed: ClassVar[Mapping[str, str]] = {
        "heads": "it is always 4",
        "intermediate_size": "it is always twice hidden_size",
        "local_attention": "it is always 128",
        "dropout": "it is always 0.1",
    }

    hidden_size: int = Field(192, ge=16, le=65_536, multiple_of=8, description="a multiple of 8")
    layers: int = Field(4, ge=1, le=1000)
    vocabulary_size: int = Field(4096, ge=300, le=1_000_000)


class AdaptConfig(StageConfig):
    """Domain adaptation of a causal language model."""

    renamed: ClassVar[Mapping[str, str]] = {"header": "control_codes"}

    base: Location = Field("starter", description="hub id, local folder, starter, starter-xs, or scratch")
    method: Literal["auto", Method] = Field(
        "auto", description="auto: full for scratch, starters and local folders under 1 GB, else lora"
    )
    epochs: float | None = Field(
        None, gt=0.0, description="passes over the training text; default by kind and method, see Presets"
    )
    min_steps: int = Field(
        0, ge=0, description="minimum number of optimizer steps: with few documents, passes are added; 0: none"
    )
    learning_rate: float | None = Field(None, gt=0.0, description="default by kind and method, see Presets")
    optimizer: Literal["auto", Optimizer] = Field("auto", description="auto: by kind and method, see Presets")
    batch_tokens: int | None = Field(
        None, ge=64, description="tokens per optimizer step; default by kind and method, see Presets"
    )
    micro_batch_tokens: int | None = Field(
        None,
        ge=16,
        description="tokens per forward pass; a step of more is divided, with the same result and less memory; by "
        "default 8192, or as many as are predicted to fit the memory",
    )
    gradient_checkpointing: bool = Field(
        False, description="keep only the inputs of the layers for the backward pass: less memory, a third more time"
    )
    sequence_length: int = Field(
        2048,
        ge=16,
        description="maximum tokens per packed row of whole documents, at most the model's context; "
        "longer documents are cut",
    )
    warmup: float = Field(0.05, ge=0.0, lt=1.0, description="share of the steps used for warmup")
    weight_decay: float = Field(0.1, ge=0.0)
    max_grad_norm: float = Field(1.0, gt=0.0)
    checkpoint_seconds: float = Field(
        60.0,
        ge=0.0,
        description="time between checkpoints, or 20 times what the last one took to write; 0: after every step",
    )
    validation: float = Field(
        0.05, ge=0.0, lt=1.0, description="share of the documents held out for the validation loss"
    )
    keep: Literal["last", "best"] = Field("best", description="best: the weights with the lowest validation loss")
    annotations: Literal["auto", "none", "inline"] = Field(
        "auto",
        description="inline: the training text has inline entity tags, so that the model learns to write them; "
        "auto: inline if synthesize.annotations needs it, else none",
    )
    control_codes: list[ControlCode] | None = Field(
        None,
        description="special tokens before each text: labels (which occur, and roughly how often), "
        "length (its quartile among the training documents); default by kind and method, see "
        "Presets; none in a study",
    )
    evaluations: int = Field(8, ge=1, description="number of times the validation loss is measured")
    lora: LoraConfig = LoraConfig()
    private: PrivateConfig = PrivateConfig()
    scratch: ScratchCausalConfig = ScratchCausalConfig()

    @field_validator("control_codes")
    @classmethod
    def _fields_once(cls, value: list[str] | None) -> list[str] | None:
        if value is not None and len(set(value)) < len(value):
            raise ValueError("duplicate field; leave one of the two out")
        return value


class TrainConfig(StageConfig):
    """Training of a token classifier: annotator, gold model and synthetic model."""

    renamed: ClassVar[Mapping[str, str]] = {
        "swaps": "mention_replacement",
        "variety": "format_variation",
        "members": "ensemble_size",
        "average": "weight_averaging",
        "pretraining": "task_adaptive_pretraining",
    }

    encoder: Location = Field("starter", description="hub id, local folder, starter, or scratch")
    epochs: float | None = Field(
        None, gt=0.0, description="passes over the training documents; default by kind of encoder, see Presets"
    )
    min_steps: int | None = Field(
        None,
        ge=0,
        description="minimum number of optimizer steps: with few documents, batches become smaller, down to 4 chunks, "
        "and then epochs are added; 0: none; default by kind of encoder if neither epochs nor batch_size is set, see "
        "Presets, else 0",
    )
    optimizer: Literal["auto", Optimizer] = Field("auto", description="auto: by the kind of encoder, see Presets")
    batch_size: int | None = Field(
        None, ge=1, description="chunks per optimizer step; default by kind of encoder, see Presets"
    )
    learning_rate: float | None = Field(
        None, gt=0.0, description="default by kind and width of the encoder, see Presets"
    )
    warmup: float = Field(0.1, ge=0.0, lt=1.0)
    weight_decay: float = Field(0.01, ge=0.0)
    max_grad_norm: float = Field(1.0, gt=0.0)
    chunk_words: int | None = Field(128, ge=4, description="maximum length of a chunk in words (128 as in the paper)")
    chunk_tokens: int | None = Field(
        None, ge=8, description="maximum length of a chunk in tokens, without special tokens"
    )
    keep: Literal["last", "best"] = Field("last", description="best: the best epoch on validation documents")
    weight_averaging: float = Field(
        0.0,
        ge=0.0,
        lt=1.0,
        description="with keep: last, average the weights over this share of the last steps; 0: no averaging",
    )
    ensemble_size: int = Field(
        1,
        ge=1,
        le=1000,
        description="number of taggers, fine-tuned from the same encoder with different seeds; their "
        "mean probabilities are decoded, and annotation takes proportionally longer. On a CPU with several "
        "threads, small ones are trained in parallel, which needs memory for each",
    )
    validation: Fraction = Field(
        0.1, description="share of the training documents held out for keep: best and target_recall"
    )
    target_recall: float | None = Field(
        None,
        gt=0.0,
        le=1.0,
        description="flag enough tokens to find this share of the private tokens in the validation documents",
    )
    checkpoint_seconds: float = Field(60.0, ge=0.0)
    mention_replacement: float | None = Field(
        None,
        ge=0.0,
        le=1.0,
        description="every second pass uses documents with this share of their mentions replaced by surrogates; "
        "default for the synthetic model of a run: see Presets, else 0: none",
    )
    format_variation: float | None = Field(
        None,
        ge=0.0,
        le=1.0,
        description="with mention_replacement: probability that a date, age, relative or organization gets "
        "another surface format, such as month and year for a full date; default for the synthetic "
        "model of a run: see Presets, else 0",
    )
    language: Language = Field(None, description="language of the surrogates; by default the corpus's language")
    labels: dict[str, Kind] = Field({}, description="kind of value for labels, laid over corpus.labels; see there")
    transitions: float = Field(
        0.5,
        ge=0.0,
        description="weight of tag transition frequencies of the training data in decoding; 0: none",
    )
    task_adaptive_pretraining: TaskAdaptivePretrainingConfig = TaskAdaptivePretrainingConfig()
    scratch: ScratchEncoderConfig = ScratchEncoderConfig()


class AnnotateConfig(StageConfig):
    """Tagging of documents of any length."""

    window_tokens: int | None = Field(None, ge=16, description="by default the maximum chunk length of the training")
    overlap: float = Field(0.125, ge=0.0, lt=1.0, description="share of a window that overlaps with the next one")
    batch_size: int | None = Field(None, ge=1, description="windows per batch; by default 32 on a CPU, 128 on a GPU")


class AnnotateInlineConfig(StageConfig):
    """Use of the inline annotations that the language model wrote."""

    agreement: Share | None = Field(
        None, description="minimum strict F1 with the machine annotation to keep a document; by default all are kept"
    )


class EvaluateConfig(StageConfig):
    """Evaluation of a model on the test set."""

    annotate: AnnotateConfig = AnnotateConfig()


class MemorizationConfig(StageConfig):
    """Memorization: training text that reappears in the synthetic text."""

    n: int = Field(5, ge=1, description="n-gram length for the recall of training text")
    max_run_words: int = Field(
        12, ge=1, description="longest verbatim run of training words in a note shown in the report"
    )
    min_groups: int = Field(
        3, ge=1, description="a run or a value found in this many training groups identifies nobody"
    )
    min_entity_characters: int = Field(
        6,
        ge=1,
        description="notes shown in the report contain no training entity of at least this length that "
        "fewer groups share",
    )
