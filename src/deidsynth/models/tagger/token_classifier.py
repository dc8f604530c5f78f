"""Token classifiers: created from an encoder, loaded, and saved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
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
from deidsynth.models.inspection import PROBE
from deidsynth.models.labels import tag_set_of
from deidsynth.models.loading import check_fit, in_use, load_config, load_model, load_tokenizer
from deidsynth.models.settings_file import FILE as SETTINGS, ModelSettings, TaggerSettings
from deidsynth.models.tagger.boundaries import with_boundaries
from deidsynth.models.tagger.token_data import SpecialTokens
from deidsynth.models.tokenizers import encoder_tokenizer
from deidsynth.starters import SCRATCH, kind_of_base, resolve
from deidsynth.tagging import TagSet

ENSEMBLE_FOLDER = "ensemble-{}"
SCRATCH_HEADS = 4
SCRATCH_POSITIONS = 1024
SCRATCH_LOCAL_ATTENTION = 128
"""As in ModernBERT: entities depend on nearby tokens."""
SCRATCH_DROPOUT = 0.1
"""A small encoder sees few documents many times and would overfit."""
DEFAULT_WINDOW = 512


@dataclass(frozen=True)
class Tagger:
    """A token classifier, or an ensemble of several, with everything needed to use it.

    Args:
        model: maps token ids to one score for each tag.
        tokenizer: of the model.
        tag_set: tag of each output.
        window_tokens: maximum length of a window, without special tokens.
        whole_words: whether decoding keeps entity boundaries at word boundaries.
        transitions: weighted log-probabilities of tag transitions, which decoding adds; None: none. Shape
            (n_tags, n_tags).
        outside_threshold: tokens whose probability of O is at most this are never tagged O; None for
            no threshold.
        others: the other models of an ensemble, with the same tokenizer and tags; probabilities are averaged.
        entities_per_character: of the training documents; None if not known.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    tag_set: TagSet
    window_tokens: int
    whole_words: bool = False
    transitions: NDArray[np.float64] | None = None
    outside_threshold: float | None = None
    others: tuple[PreTrainedModel, ...] = ()
    entities_per_character: float | None = None

    @property
    def models(self) -> tuple[PreTrainedModel, ...]:
        """All models of the ensemble."""
        return self.model, *self.others

    def save(self, folder: Path) -> None:
        """Write an ordinary Hugging Face folder; it also gets our settings and a folder for each other model."""
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        for number, model in enumerate(self.others, start=2):
            model.save_pretrained(folder / ENSEMBLE_FOLDER.format(number))
        settings = TaggerSettings(
            window_tokens=self.window_tokens,
            whole_words=self.whole_words,
            transitions=None if self.transitions is None else self.transitions.round(4).tolist(),
            outside_threshold=self.outside_threshold,
            ensemble_size=len(self.models),
            entities_per_character=self.entities_per_character,
        )
        ModelSettings(tagger=settings).save(folder)


def new_tagger(config: TrainConfig, tag_set: TagSet, texts: Iterable[str], device: str = "cpu") -> Tagger:
    """An untrained tagger: an encoder with a new output layer.

    Args:
        config: names the encoder.
        tag_set: one output for each tag.
        texts: training texts, on which the tokenizer of an encoder from scratch is trained.
        device: used for training. On a CPU, training on short rows is a third faster without fused attention.
    """
    names = dict(enumerate(tag_set.tags))
    numbers = {tag: number for number, tag in names.items()}
    if config.encoder == SCRATCH:
        tokenizer = encoder_tokenizer(texts, config.scratch.vocabulary_size)
        model: PreTrainedModel = scratch_encoder(config.scratch, tokenizer, names, numbers)
    else:
        encoder = resolve(config.encoder, "encoder")
        tokenizer = with_boundaries(load_tokenizer(encoder))
        model = load_model(
            AutoModelForTokenClassification,
            encoder,
            id2label=names,
            label2id=numbers,
            num_labels=len(tag_set),
            ignore_mismatched_sizes=True,
            new_head=True,
        )
        _check_tagger(encoder, model, tokenizer)
    if device == "cpu" and kind_of_base(config.encoder) != "hub":
        model.set_attn_implementation("eager")
    window_tokens = longest_window(model, tokenizer)
    tokenizer.model_max_length = window_tokens + len(SpecialTokens.of(tokenizer))  # where transformers cuts long texts
    return Tagger(model, tokenizer, tag_set, window_tokens)


def scratch_encoder(
    shape: ScratchEncoderConfig,
    tokenizer: PreTrainedTokenizerFast,
    names: dict[int, str],
    numbers: dict[str, int],
) -> ModernBertForTokenClassification:
    """A new ModernBERT encoder with one output for each tag."""
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
        ModelNotFoundError: no such model.
        ModelNotUsableError: the tags are not IOB2, or the settings have another version.
    """
    settings = ModelSettings.load(Path(name)).tagger
    tokenizer = load_tokenizer(name)
    model, tag_set = _loaded(name, tokenizer)
    longest = longest_window(model, tokenizer)
    if settings is None:
        return Tagger(model, tokenizer, tag_set, longest)
    transitions = None if settings.transitions is None else _transitions(name, settings.transitions, tag_set)
    others = []
    for number in range(2, settings.ensemble_size + 1):
        other = str(Path(name) / ENSEMBLE_FOLDER.format(number))
        more, tags = _loaded(other, tokenizer)
        if tags != tag_set:
            raise ModelNotUsableError(f"model {other!r}: its tags are not those of the ensemble; train it again")
        others.append(more)
    return Tagger(
        model,
        tokenizer,
        tag_set,
        min(longest, settings.window_tokens),
        settings.whole_words,
        transitions,
        settings.outside_threshold,
        tuple(others),
        settings.entities_per_character,
    )


def _loaded(name: str, tokenizer: PreTrainedTokenizerFast) -> tuple[PreTrainedModel, TagSet]:
    """A trained token classifier in evaluation mode, tried out, and its tags."""
    tag_set = tag_set_of(name, load_config(name).id2label)
    model = load_model(AutoModelForTokenClassification, name).eval()
    _check_tagger(name, model, tokenizer)
    return model, tag_set


def _transitions(name: str, stated: Sequence[Sequence[float]], tag_set: TagSet) -> NDArray[np.float64]:
    """The transitions of a settings file as an array. Shape (n_tags, n_tags)."""
    n_tags = len(tag_set)
    if len(stated) != n_tags or any(len(row) != n_tags for row in stated) or not np.isfinite(stated).all():
        raise ModelNotUsableError(
            f"{Path(name) / SETTINGS}: its transitions are not one number for each pair of tags; copy the model again, "
            "or train it again"
        )
    return np.array(stated, dtype=np.float64)


@torch.no_grad()
def _check_tagger(name: str, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    """Try a token classifier out on a short text; its mode is restored.

    Raises:
        ModelNotUsableError: it fails, gives no numbers, or has no room for text.
    """
    with in_use(name):
        check_fit(name, model, tokenizer)
        room = longest_window(model, tokenizer)
        if room < 1:
            raise ModelNotUsableError(
                f"model {name!r}: has no room for text beside its special tokens (max_position_embeddings in "
                "config.json, model_max_length in tokenizer_config.json); copy or download it again"
            )
        training = model.training
        ids = SpecialTokens.of(tokenizer).around(tokenizer(PROBE, add_special_tokens=False)["input_ids"][:room])
        logits = model.eval()(input_ids=torch.tensor([ids])).logits
        model.train(training)
        if logits.isnan().any():
            raise ModelNotUsableError(
                f"model {name!r}: its weights are damaged (not numbers); copy or download it again"
            )


def longest_window(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> int:
    """The maximum window length of model and tokenizer, without special tokens; at most 512."""
    positions = getattr(model.config, "max_position_embeddings", None) or DEFAULT_WINDOW
    embeddings = getattr(model.base_model, "embeddings", None)
    table = getattr(embeddings, "position_embeddings", None)
    padding = getattr(table, "padding_idx", None)
    if padding is not None:  # RoBERTa counts positions from padding_idx + 1
        positions -= padding + 1
    return int(min(positions, tokenizer.model_max_length, DEFAULT_WINDOW)) - len(SpecialTokens.of(tokenizer))
