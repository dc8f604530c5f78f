"""Configuration of every stage and of a run. Unknown keys are refused, and all faults are told at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from deidsynth.errors import ConfigError, InputError

Fraction = Annotated[float, Field(gt=0.0, lt=1.0)]
Share = Annotated[float, Field(gt=0.0, le=1.0)]
Precision = Literal["auto", "fp32", "bf16"]


class StageConfig(BaseModel):
    """Base of all configurations: frozen, and strict about its keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


ConfigType = TypeVar("ConfigType", bound=StageConfig)


class ColumnsLayout(StageConfig):
    """How CoNLL-type columns are laid out."""

    token: int | None = Field(None, description="column of the tokens, 0 the first, -1 the last; by default found")
    tag: int | None = Field(None, description="column of the tags; by default found")
    documents: Literal["auto", "marked", "sentences", "file"] = Field(
        "auto",
        description="what a document is: what -DOCSTART- or # newdoc opens, a number of sentences, or a file; "
        "auto: marked where there are marks, else sentences",
    )
    sentences: int = Field(1, ge=1, description="how many make a document where nothing else says")
    detokenize: Literal["auto", "blank"] = Field(
        "auto",
        description="auto: as # text, SpaceAfter=No and SpacesAfter say, else a blank between tokens and a line break "
        "between sentences; blank: always the latter",
    )
    scheme: Literal["IOB2", "BIOES"] = Field("IOB2", description="tags to write; every scheme is read")


class TableLayout(StageConfig):
    """Which columns of a CSV or Parquet file hold what."""

    text: str = Field("text", description="column of the texts")
    doc_id: str = Field("doc_id", description="column of the ids; without it, the number of the row")
    entities: str = Field("entities", description="column of the entities, as a JSON list of start, end and label")
    group: str = Field("group", description="column of the groups")
    split: str = Field("split", description="column of the parts: train, validation, test")


class InlineLayout(StageConfig):
    """How entities are written into the text."""

    style: Literal["tags", "brackets"] | None = Field(
        None, description="tags: <NAME>Anna</NAME>; brackets: [Anna](NAME); by default found, and tags to write"
    )


class LayoutConfig(StageConfig):
    """What a format leaves open."""

    columns: ColumnsLayout = ColumnsLayout()
    table: TableLayout = TableLayout()
    inline: InlineLayout = InlineLayout()


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


class SplitConfig(StageConfig):
    """How documents are parted where the corpus does not say."""

    validation: Fraction = Field(0.05, description="share of the training data that is set aside and gives the prompts")
    test: Fraction = Field(0.2, description="share for the test set, where the corpus names none")
    seed: int = Field(1, description="which documents go where")


class SelectConfig(StageConfig):
    """Which part of a corpus, and how much of it."""

    part: Literal["train", "validation", "test"]
    split: SplitConfig = SplitConfig()
    fraction: Share = Field(1.0, description="a nested share of the part, by group")


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

    hidden_size: int = Field(256, ge=16)
    layers: int = Field(4, ge=1)
    heads: int = Field(4, ge=1)
    kv_heads: int = Field(1, ge=1, description="key/value heads; few make sampling fast")
    intermediate_size: int = Field(704, ge=16)
    vocabulary_size: int = Field(4096, ge=300)
    context: int = Field(2048, ge=64, description="longest document in tokens")

    @model_validator(mode="after")
    def _heads_divide(self) -> ScratchCausalConfig:
        if self.hidden_size % self.heads or self.heads % self.kv_heads:
            raise ValueError("hidden_size must be a multiple of heads, and heads of kv_heads")
        return self


class PretrainingConfig(StageConfig):
    """Masked-language training of an encoder on the texts that it is then trained to tag."""

    epochs: float | None = Field(
        None,
        ge=0.0,
        description="passes over the training documents; by default 6 for scratch, 4 for a starter, else 0: none",
    )
    learning_rate: float | None = Field(
        None, gt=0.0, description="by default 4e-3 for scratch, 2e-3 for a starter, else 5e-5"
    )
    weight_decay: float = Field(0.05, ge=0.0)
    masked: Fraction = Field(0.3, description="share of the tokens to fill in")
    unlabelled_epochs: float = Field(
        1.0, ge=0.0, description="passes over texts without labels, where some are given, mixed among the others"
    )


class ScratchEncoderConfig(StageConfig):
    """Shape of the encoder that ``encoder: scratch`` makes."""

    hidden_size: int = Field(192, ge=16)
    layers: int = Field(4, ge=1)
    heads: int = Field(4, ge=1)
    intermediate_size: int = Field(384, ge=16)
    vocabulary_size: int = Field(4096, ge=300)
    local_attention: int = Field(128, ge=2)
    dropout: float = Field(0.1, ge=0.0, lt=1.0)

    @model_validator(mode="after")
    def _heads_divide(self) -> ScratchEncoderConfig:
        if self.hidden_size % self.heads:
            raise ValueError("hidden_size must be a multiple of heads")
        return self


class AdaptConfig(StageConfig):
    """Domain adaptation of a causal language model."""

    base: str = Field("starter", description="hub id, local folder, starter, starter-xs, or scratch")
    method: Literal["auto", "full", "lora", "qlora"] = Field(
        "auto", description="auto: full for scratch, starters and local folders under 1 GB, else lora"
    )
    epochs: float | None = Field(
        None, gt=0.0, description="passes over the training text; by default 2.5 for a starter, else 5"
    )
    learning_rate: float | None = Field(
        None, gt=0.0, description="by default 3e-3 scratch, 1.5e-3 starters, 3e-4 full, 2e-4 LoRA"
    )
    optimizer: Literal["auto", "adamw", "muon"] = Field(
        "auto", description="auto: muon for scratch and starters, else adamw"
    )
    batch_tokens: int | None = Field(
        None, ge=64, description="tokens in one optimizer step; by default 2048 for scratch and starters, else 8192"
    )
    sequence_length: int = Field(1024, ge=16, description="tokens in one packed row")
    warmup: float = Field(0.05, ge=0.0, lt=1.0, description="share of the steps")
    weight_decay: float = Field(0.1, ge=0.0)
    max_grad_norm: float = Field(1.0, gt=0.0)
    checkpoint_seconds: float = Field(60.0, ge=0.0, description="time between checkpoints")
    validation: float = Field(0.05, ge=0.0, lt=1.0, description="share of its own documents kept for validation loss")
    keep: Literal["last", "best"] = Field("best", description="best: the weights of the lowest validation loss")
    evaluations: int = Field(8, ge=1, description="how often the validation loss is measured")
    lora: LoraConfig = LoraConfig()
    scratch: ScratchCausalConfig = ScratchCausalConfig()


class PromptConfig(StageConfig):
    """What every sample begins with."""

    source: Literal["validation", "bos", "file"] = "validation"
    words: int = Field(3, ge=1, description="first words of each validation text")
    pii: Literal["surrogate", "keep", "drop"] = Field(
        "surrogate", description="PII inside a prompt: replaced by invented values, kept, or the prompt left out"
    )
    file: str | None = Field(None, description="one prompt a line, for source: file")
    language: str | None = Field(None, description="of the invented values; by default the corpus's language")

    @model_validator(mode="after")
    def _file_is_named(self) -> PromptConfig:
        if (self.source == "file") != (self.file is not None):
            raise ValueError("source: file and file: PATH go together")
        return self


class SynthesizeConfig(StageConfig):
    """Sampling of synthetic text."""

    prompts: PromptConfig = PromptConfig()
    samples_per_prompt: int | None = Field(None, ge=1, description="the paper takes 80; else see volume")
    volume: float = Field(1.0, gt=0.0, description="documents, as a multiple of the training documents")
    temperature: float = Field(1.0, gt=0.0)
    top_p: float = Field(0.95, gt=0.0, le=1.0)
    top_k: int = Field(0, ge=0, description="0: off, so that top_p alone cuts the tail")
    max_length_tokens: int = Field(2048, ge=8, description="longest document, prompt included")
    batch_size: int = Field(64, ge=1, description="documents sampled together")


class TrainConfig(StageConfig):
    """Training of an encoder that tags tokens: annotator, gold model and synthetic model alike."""

    encoder: str = Field("starter", description="hub id, local folder, starter, or scratch")
    epochs: float = Field(6.0, gt=0.0, description="passes over the training documents")
    optimizer: Literal["auto", "adamw", "muon"] = Field(
        "auto", description="auto: muon for scratch and starters, else adamw"
    )
    batch_size: int | None = Field(None, ge=1, description="chunks; by default 8 for scratch and starters, else 16")
    learning_rate: float | None = Field(
        None, gt=0.0, description="by default 3e-3 for scratch, 2.5e-3 for a starter, else 5e-5"
    )
    warmup: float = Field(0.1, ge=0.0, lt=1.0)
    weight_decay: float = Field(0.01, ge=0.0)
    max_grad_norm: float = Field(1.0, gt=0.0)
    chunk_words: int | None = Field(128, ge=4, description="longest chunk in words (the paper's 128)")
    chunk_tokens: int | None = Field(None, ge=8, description="longest chunk in tokens, special tokens left out")
    keep: Literal["last", "best"] = Field("last", description="best: the best epoch on validation documents")
    validation: Fraction = Field(0.1, description="share carved from the training input for keep: best")
    checkpoint_seconds: float = Field(60.0, ge=0.0)
    pretraining: PretrainingConfig = PretrainingConfig()
    scratch: ScratchEncoderConfig = ScratchEncoderConfig()


class AnnotateConfig(StageConfig):
    """Tagging of documents of any length."""

    window_tokens: int | None = Field(
        None, ge=16, description="by default the longest chunk that the model was trained on"
    )
    overlap: float = Field(0.5, ge=0.0, lt=1.0, description="share of a window that the next one sees again")
    batch_size: int = Field(32, ge=1, description="windows at once")


class EvaluateConfig(StageConfig):
    """Scoring of a model on the test set."""

    annotate: AnnotateConfig = AnnotateConfig()


class OverlapConfig(StageConfig):
    """What of the training text stands again in the synthetic text."""

    n: int = Field(5, ge=1, description="length of the n-grams whose recall is measured")
    max_run_words: int = Field(12, ge=1, description="longest run of training words that a shown note may hold")
    min_groups: int = Field(
        3, ge=1, description="a run or a value that stands in this many training groups points to nobody"
    )
    min_entity_characters: int = Field(
        6, ge=1, description="a shown note holds no training entity this long that fewer groups share"
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
        return self

    def synthetic_train_config(self) -> TrainConfig:
        """``train`` with the keys of ``train_synthetic`` laid over it."""
        return parse(TrainConfig, _merge(self.train.model_dump(), self.train_synthetic), source="train_synthetic")


def _merge(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in top.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def parse(model: type[ConfigType], data: Mapping[str, Any], source: str = "configuration") -> ConfigType:
    """A configuration from plain data.

    Raises:
        ConfigError: with one line for every fault, and the nearest key for each unknown one.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ConfigError([_explain(model, detail) for detail in error.errors()], source) from None


def _explain(model: type[StageConfig], detail: Mapping[str, Any]) -> str:
    location = [part for part in detail["loc"] if isinstance(part, str | int)]
    name = ".".join(str(part) for part in location) or "(whole)"
    if detail["type"] == "extra_forbidden":
        known = sorted(_fields_at(model, location[:-1]))
        near = _nearest(str(location[-1]), known)
        hint = f"did you mean {near}?" if near else f"known keys: {', '.join(known)}"
        return f"{name}: unknown key, {hint}"
    if detail["type"] == "value_error":
        return f"{name}: {detail['ctx']['error']}"
    message = str(detail["msg"])
    message = message[0].lower() + message[1:]
    shown = detail.get("input")
    got = f", got {shown!r}" if isinstance(shown, str | int | float | bool | None) else ""
    return f"{name}: {message}{got}"


def _nearest(key: str, known: Sequence[str]) -> str | None:
    """The known key that is most like an unknown one, or whose initials it is (``lr`` for ``learning_rate``)."""
    for name in known:
        if key == "".join(word[0] for word in name.split("_")):
            return name
    return next(iter(difflib.get_close_matches(key, known, n=1, cutoff=0.5)), None)


def _fields_at(model: type[StageConfig], location: Sequence[str | int]) -> Iterator[str]:
    current: Any = model
    for part in location:
        fields = getattr(current, "model_fields", {})
        current = fields[part].annotation if part in fields else None
    yield from getattr(current, "model_fields", {})


def apply_settings(data: Mapping[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """Plain data with ``KEY=VALUE`` settings laid over it; keys are dotted, values are YAML.

    Raises:
        ConfigError: a setting without ``=``, with an empty key or with a value that is not YAML.
    """
    result, problems = dict(data), []
    for setting in settings:
        key, equals, value = setting.partition("=")
        parts = key.strip().split(".")
        if not equals or not all(parts):
            problems.append(f"{setting}: expected KEY=VALUE, such as adapt.epochs=3")
            continue
        try:
            nested: Any = yaml.safe_load(value)
        except yaml.YAMLError:
            problems.append(f"{key}: the value is not YAML")
            continue
        for part in reversed(parts):
            nested = {part: nested}
        result = _merge(result, nested)
    if problems:
        raise ConfigError(problems, "--set")
    return result


def load_data(path: Path) -> dict[str, Any]:
    """The plain data of a YAML file.

    Raises:
        InputError: no such file, not UTF-8.
        ConfigError: not YAML, or not a mapping.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; give the path of a YAML file") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8; save the file as UTF-8") from None
    except (OSError, IsADirectoryError) as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}" if mark is not None else "somewhere"
        raise ConfigError([f"{place}: not valid YAML"], str(path)) from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError(["expected a mapping of keys to values at the top"], str(path))
    return data


def dump(config: StageConfig) -> str:
    """The configuration as YAML, every key written out."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
