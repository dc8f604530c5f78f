"""Encoders that tag tokens: a fresh one, a loaded one, a trained one on disk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from transformers import (
    AutoModelForTokenClassification,
    ModernBertConfig,
    ModernBertForTokenClassification,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from deidsynth.config import ScratchEncoderConfig, TrainConfig
from deidsynth.errors import ModelNotUsableError
from deidsynth.models.loading import load_model, load_tokenizer
from deidsynth.models.settings_file import ModelSettings, TaggerSettings
from deidsynth.models.tagger.token_data import SpecialTokens
from deidsynth.models.tokenizers import encoder_tokenizer
from deidsynth.starters import SCRATCH, kind_of_base, resolve
from deidsynth.tagging import TagSet

MEMBER = "member-{}"
SCRATCH_HEADS = 4
SCRATCH_POSITIONS = 1024
SCRATCH_LOCAL_ATTENTION = 128
"""ModernBERT's own: entities are decided by what stands near."""
SCRATCH_DROPOUT = 0.1
"""A small encoder sees few documents many times."""
DEFAULT_WINDOW = 512


@dataclass(frozen=True)
class Tagger:
    """A token classifier with what is needed to use it.

    Args:
        model: maps token ids to one score for each tag.
        tokenizer: of the model.
        tag_set: tag of each output.
        window_tokens: longest window that it should see, special tokens left out.
        whole_words: whether its entities never begin or end inside a word; decoding then keeps to that.
        transitions: what decoding adds for each tag after each other one, log-probabilities times a weight; None adds
            nothing. Shape (n_tags, n_tags).
        outside_threshold: tokens whose probability of being outside is at most this are never left outside; None for
            no threshold.
        others: further models of the same tokens and tags, whose probabilities are averaged with those of the first.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    tag_set: TagSet
    window_tokens: int
    whole_words: bool = False
    transitions: NDArray[np.float64] | None = None
    outside_threshold: float | None = None
    others: tuple[PreTrainedModel, ...] = ()

    @property
    def models(self) -> tuple[PreTrainedModel, ...]:
        """All of them."""
        return self.model, *self.others

    def save(self, folder: Path) -> None:
        """Write an ordinary Hugging Face folder, and in it our settings and folders of the other models."""
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        for number, model in enumerate(self.others, start=2):
            model.save_pretrained(folder / MEMBER.format(number))
        settings = TaggerSettings(
            window_tokens=self.window_tokens,
            whole_words=self.whole_words,
            transitions=None if self.transitions is None else self.transitions.round(4).tolist(),
            outside_threshold=self.outside_threshold,
            ensemble_size=len(self.models),
        )
        ModelSettings(tagger=settings).save(folder)


def new_tagger(config: TrainConfig, tag_set: TagSet, texts: Iterable[str], device: str = "cpu") -> Tagger:
    """A tagger to be trained: an encoder with a fresh output layer.

    Args:
        config: which encoder.
        tag_set: one output for each tag.
        texts: training texts, from which an encoder from scratch learns its tokenizer.
        device: that it will be trained on. On the CPU, short rows are a third faster without fused attention.
    """
    names = dict(enumerate(tag_set.tags))
    numbers = {tag: number for number, tag in names.items()}
    if config.encoder == SCRATCH:
        tokenizer = encoder_tokenizer(texts, config.scratch.vocabulary_size)
        model: PreTrainedModel = scratch_encoder(config.scratch, tokenizer, names, numbers)
    else:
        encoder = resolve(config.encoder, "encoder")
        tokenizer = load_tokenizer(encoder)
        model = load_model(
            AutoModelForTokenClassification,
            encoder,
            id2label=names,
            label2id=numbers,
            num_labels=len(tag_set),
            ignore_mismatched_sizes=True,
        )
    if device == "cpu" and kind_of_base(config.encoder) != "hub":
        model.set_attn_implementation("eager")
    return Tagger(model, tokenizer, tag_set, longest_window(model, tokenizer))


def scratch_encoder(
    shape: ScratchEncoderConfig,
    tokenizer: PreTrainedTokenizerFast,
    names: dict[int, str],
    numbers: dict[str, int],
) -> ModernBertForTokenClassification:
    """A fresh ModernBERT-type encoder with an output for each tag."""
    return ModernBertForTokenClassification(
        ModernBertConfig(
            vocab_size=len(tokenizer),
            hidden_size=shape.hidden_size,
            intermediate_size=2 * shape.hidden_size,
            num_hidden_layers=shape.layers,
            num_attention_heads=SCRATCH_HEADS,
            local_attention=SCRATCH_LOCAL_ATTENTION,
            max_position_embeddings=SCRATCH_POSITIONS,
            embedding_dropout=SCRATCH_DROPOUT,
            mlp_dropout=SCRATCH_DROPOUT,
            classifier_dropout=SCRATCH_DROPOUT,
            pad_token_id=tokenizer.pad_token_id,
            cls_token_id=tokenizer.cls_token_id,
            sep_token_id=tokenizer.sep_token_id,
            bos_token_id=None,
            eos_token_id=None,
            id2label=names,
            label2id=numbers,
        )
    )


def load_tagger(name: str) -> Tagger:
    """A trained tagger, in evaluation mode.

    Args:
        name: folder or hub id of any token classifier whose tags are O, B-X and I-X.

    Raises:
        ModelNotFoundError: nothing there.
        ModelNotUsableError: tags of another form, or settings of another version.
    """
    settings = ModelSettings.load(Path(name)).tagger
    tokenizer = load_tokenizer(name)
    model = load_model(AutoModelForTokenClassification, name).eval()
    names = {int(number): tag for number, tag in (model.config.id2label or {}).items()}
    try:
        tag_set = TagSet(tuple(names[number] for number in range(len(names))))
    except (KeyError, ModelNotUsableError):
        raise ModelNotUsableError(
            f"model {name!r} is no tagger: its id2label must be O and a pair B-X, I-X for every label X; "
            "train one with `deidsynth train`"
        ) from None
    longest = longest_window(model, tokenizer)
    if settings is None:
        return Tagger(model, tokenizer, tag_set, longest)
    members = (str(Path(name) / MEMBER.format(number)) for number in range(2, settings.ensemble_size + 1))
    return Tagger(
        model,
        tokenizer,
        tag_set,
        min(longest, settings.window_tokens),
        settings.whole_words,
        None if settings.transitions is None else np.array(settings.transitions, dtype=np.float64),
        settings.outside_threshold,
        tuple(load_model(AutoModelForTokenClassification, member).eval() for member in members),
    )


def longest_window(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> int:
    """The longest window that model and tokenizer allow, special tokens left out, and at most 512."""
    positions = getattr(model.config, "max_position_embeddings", None) or DEFAULT_WINDOW
    embeddings = getattr(model.base_model, "embeddings", None)
    table = getattr(embeddings, "position_embeddings", None)
    padding = getattr(table, "padding_idx", None)
    if padding is not None:  # RoBERTa counts positions from padding_idx + 1
        positions -= padding + 1
    return int(min(positions, tokenizer.model_max_length, DEFAULT_WINDOW)) - len(SpecialTokens.of(tokenizer))
