"""Task-adaptive pretraining: masked language modeling on the texts that the encoder is then trained to tag.

It makes an encoder from scratch useful, and adapts a pretrained one to the language of the corpus.

Source: Gururangan et al. 2020, "Don't Stop Pretraining", section 4.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from transformers import AutoModelForMaskedLM, ModernBertForMaskedLM, PreTrainedModel

from deidsynth.config import ResolvedTrainConfig
from deidsynth.models.devices import Compute
from deidsynth.models.loading import load_model
from deidsynth.models.tagger.masking import MaskedBatch, mask_tokens, masked_loss_sum, padded
from deidsynth.models.tagger.token_classifier import Tagger
from deidsynth.models.tagger.token_data import Example, batch_plan
from deidsynth.models.training.loop import LoopSettings, Objective, TrainingPoint, training_steps
from deidsynth.starters import SCRATCH, resolve


def pretrain(
    tagger: Tagger,
    examples: Sequence[Example],
    config: ResolvedTrainConfig,
    compute: Compute,
    memory: dict[str, Any],
    unlabeled: Sequence[Example] = (),
    n_copies: int = 1,
) -> Iterator[TrainingPoint]:
    """Train the encoder of a tagger with masked language modeling, yielding a point for every step.

    Args:
        tagger: its encoder is trained in place.
        examples: chunks; their tags are ignored.
        config: encoder, share of masked tokens, and batch size, clipping and checkpoints of the training that
            follows.
        compute: seed, device, precision, folder for checkpoints.
        memory: plain values of the caller, saved with the checkpoints.
        unlabeled: chunks of unlabeled texts, mixed with the others.
        n_copies: number of copies of the documents among the examples; a pass uses one.

    Raises:
        ModelNotUsableError: the encoder has no head for masked language modeling.
    """
    settings = config.task_adaptive_pretraining
    model = _masked_language_model(tagger, config.encoder)
    epochs = settings.epochs / n_copies
    if unlabeled:
        examples = [*_passes(examples, epochs), *_passes(unlabeled, settings.unlabeled_epochs)]
        epochs = 1.0
    steps_per_epoch = math.ceil(len(examples) / config.batch_size)
    n_steps = max(1, round(epochs * steps_per_epoch), settings.min_steps)
    if settings.max_steps and not unlabeled:
        n_steps = min(n_steps, max(settings.max_steps, math.ceil(steps_per_epoch / n_copies)))
    plan = batch_plan([len(example.ids) for example in examples], config.batch_size, n_steps, compute.seed)

    def batches(step: int) -> list[MaskedBatch]:
        chance = torch.Generator().manual_seed(compute.seed * 1_000_003 + step)
        chosen = [examples[number] for number in plan[step]]
        return [masked_batch(chosen, tagger, settings.masked_share, chance)]

    loop = LoopSettings.of(config, compute, n_steps=n_steps, learning_rate=settings.learning_rate)
    loop = replace(loop, weight_decay=settings.weight_decay)
    torch.manual_seed(compute.seed)
    objective = Objective(batches, masked_loss_sum, lambda batch: batch.n_targets)
    for step in training_steps(model, objective, loop, compute.scratch, memory):
        yield TrainingPoint(step.number, n_steps, step.number / steps_per_epoch, step.loss, step.n_targets)


def _passes(examples: Sequence[Example], epochs: float) -> list[Example]:
    """Each example repeated for every pass; a fractional pass uses evenly spaced examples."""
    whole = int(epochs)
    n_more = round((epochs - whole) * len(examples))
    more = [examples[number * len(examples) // n_more] for number in range(n_more)]
    return [*list(examples) * whole, *more]


def _masked_language_model(tagger: Tagger, encoder: str) -> PreTrainedModel:
    """A masked language model that shares its encoder with the tagger."""
    if encoder == SCRATCH:
        model: PreTrainedModel = ModernBertForMaskedLM(tagger.model.config)
    else:
        model = load_model(AutoModelForMaskedLM, resolve(encoder, "encoder"), new_head=True)
    setattr(model, model.base_model_prefix, tagger.model.base_model)
    if isinstance(model, ModernBertForMaskedLM):
        model.head = tagger.model.head
    model.tie_weights()
    return model


def masked_batch(examples: Sequence[Example], tagger: Tagger, share: float, chance: torch.Generator) -> MaskedBatch:
    """Masked chunks.

    Args:
        examples: the chunks.
        tagger: with the tokenizer, which knows the special tokens.
        share: of the tokens that become targets; at least one does.
        chance: random number generator.
    """
    ids = padded([example.ids for example in examples], tagger.tokenizer.pad_token_id)
    mask = padded([[1] * len(example.ids) for example in examples], 0)
    shown, labels = mask_tokens(ids, tagger.tokenizer, share, chance)
    return MaskedBatch(shown, mask, labels)
