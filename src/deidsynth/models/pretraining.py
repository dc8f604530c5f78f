"""Masked-language training of a fresh encoder on the texts that it will be trained to tag.

Source: Devlin et al. 2019, section 3.1, with 30 % of the tokens masked (Wettig et al. 2023).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from transformers import ModernBertForMaskedLM

from deidsynth.config import PretrainingConfig, TrainConfig
from deidsynth.models.devices import Compute
from deidsynth.models.loop import LoopSettings, Objective, TrainingPoint, training_steps
from deidsynth.models.tagger_training import Recipe
from deidsynth.models.token_classifier import Tagger
from deidsynth.models.token_data import Example, batch_plan, padded
from deidsynth.tagging import IGNORED

KEPT_SHARE = 0.1
RANDOM_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class MaskedBatch:
    """Chunks with some tokens hidden.

    Args:
        ids: token ids, some of them replaced. Shape (n_chunks, width).
        mask: 1 where there is a token. Shape (n_chunks, width).
        labels: the hidden token ids, ``IGNORED`` elsewhere. Shape (n_chunks, width).
    """

    ids: Tensor
    mask: Tensor
    labels: Tensor

    @property
    def n_targets(self) -> int:
        """Hidden tokens."""
        return int((self.labels != IGNORED).sum())


def pretrain(
    tagger: Tagger,
    examples: Sequence[Example],
    config: TrainConfig,
    compute: Compute,
    memory: dict[str, Any],
) -> Iterator[TrainingPoint]:
    """Train the encoder inside a fresh tagger to fill in hidden tokens, yielding a point for every step.

    Args:
        tagger: with a ModernBERT-type encoder from scratch; changed in place.
        examples: chunks; their tags are passed over.
        config: of the training that follows; batch size, clipping and checkpoints are taken from it.
        compute: seed, device, precision, folder for checkpoints.
        memory: plain values of the caller, kept with the checkpoints.
    """
    settings: PretrainingConfig = config.scratch.pretraining
    model = ModernBertForMaskedLM(tagger.model.config)
    model.model, model.head = tagger.model.model, tagger.model.head
    model.tie_weights()
    recipe = Recipe.of(config)
    steps_per_epoch = math.ceil(len(examples) / recipe.batch_size)
    n_steps = round(settings.epochs * steps_per_epoch)
    plan = batch_plan([len(example.ids) for example in examples], recipe.batch_size, n_steps, compute.seed)

    def batches(step: int) -> list[MaskedBatch]:
        chance = torch.Generator().manual_seed(compute.seed * 1_000_003 + step)
        chosen = [examples[number] for number in plan[step]]
        return [masked_batch(chosen, tagger, settings.masked, chance)]

    loop = LoopSettings.of(config, compute, n_steps=n_steps, learning_rate=settings.learning_rate, muon=recipe.muon)
    loop = replace(loop, weight_decay=settings.weight_decay)
    torch.manual_seed(compute.seed)
    objective = Objective(batches, masked_loss_sum, lambda batch: batch.n_targets)
    for step in training_steps(model, objective, loop, compute.scratch, memory):
        yield TrainingPoint(step.number, n_steps, step.number / steps_per_epoch, step.loss, step.n_targets)


def masked_batch(examples: Sequence[Example], tagger: Tagger, share: float, chance: torch.Generator) -> MaskedBatch:
    """Chunks with a share of their tokens as targets: 80 % hidden, 10 % replaced, 10 % left; never special tokens.

    Args:
        examples: the chunks.
        tagger: whose tokenizer names the special tokens.
        share: of the tokens that become targets; at least one does.
        chance: source of chance.
    """
    tokenizer = tagger.tokenizer
    ids = padded([example.ids for example in examples], tokenizer.pad_token_id)
    mask = padded([[1] * len(example.ids) for example in examples], 0)
    ordinary = ~torch.isin(ids, torch.tensor(sorted(tokenizer.all_special_ids)))
    drawn = torch.rand(ids.shape, generator=chance).masked_fill(~ordinary, 2.0)
    target = ordinary & (drawn < max(share, float(drawn.min()) + 1e-6))
    labels = torch.where(target, ids, IGNORED)
    fate = torch.rand(ids.shape, generator=chance)
    replacements = torch.randint(len(tokenizer), ids.shape, generator=chance)
    hidden = torch.where(target & (fate >= KEPT_SHARE + RANDOM_SHARE), tokenizer.mask_token_id, ids)
    hidden = torch.where(target & (fate < RANDOM_SHARE), replacements, hidden)
    return MaskedBatch(hidden, mask, labels)


def masked_loss_sum(model: nn.Module, batch: MaskedBatch) -> Tensor:
    """Cross-entropy of the hidden tokens, in nats, summed; scores are computed at their places only."""
    device = next(model.parameters()).device
    labels = batch.labels.to(device)
    places = labels != IGNORED
    states = model.model(input_ids=batch.ids.to(device), attention_mask=batch.mask.to(device)).last_hidden_state
    logits = model.decoder(model.head(states[places]))
    return nn.functional.cross_entropy(logits.float(), labels[places], reduction="sum")
