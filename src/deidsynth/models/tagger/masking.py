"""Masked language modeling: masking of tokens, and the loss of predicting them.

Source: Devlin et al. 2019, section 3.1; 30 % of the tokens as in Wettig et al. 2023.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import ModernBertForMaskedLM, PreTrainedTokenizerBase

from deidsynth.tagging import IGNORED

KEPT_SHARE = 0.1
RANDOM_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class MaskedBatch:
    """Chunks with some tokens masked.

    Args:
        ids: token ids, some of them replaced. Shape (n_chunks, width).
        mask: 1 where there is a token; None where there is one everywhere. Shape (n_chunks, width).
        labels: the masked token ids, ``IGNORED`` elsewhere. Shape (n_chunks, width).
    """

    ids: Tensor
    mask: Tensor | None
    labels: Tensor

    @property
    def n_targets(self) -> int:
        """Number of masked tokens."""
        return int((self.labels != IGNORED).sum())


def mask_tokens(
    ids: Tensor, tokenizer: PreTrainedTokenizerBase, share: float, chance: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Token ids with a share of them as targets: 80 % masked, 10 % replaced, 10 % unchanged; never special tokens.

    Args:
        ids: token ids. Shape (n_chunks, width).
        tokenizer: names the special tokens.
        share: of the tokens that become targets; at least one does.
        chance: random number generator.

    Returns:
        The input ids and the ids to predict, ``IGNORED`` elsewhere. Shape of both (n_chunks, width).
    """
    ordinary = ~torch.isin(ids, torch.tensor(sorted(tokenizer.all_special_ids)))
    drawn = torch.rand(ids.shape, generator=chance).masked_fill(~ordinary, 2.0)
    target = ordinary & (drawn < max(share, float(drawn.min()) + 1e-6))
    labels = torch.where(target, ids, IGNORED)
    fate = torch.rand(ids.shape, generator=chance)
    replacements = torch.randint(len(tokenizer), ids.shape, generator=chance)
    shown = torch.where(target & (fate >= KEPT_SHARE + RANDOM_SHARE), tokenizer.mask_token_id, ids)
    return torch.where(target & (fate < RANDOM_SHARE), replacements, shown), labels


def padded(rows: Sequence[Sequence[int]], value: int, bucket: int = 1, most: int | None = None) -> Tensor:
    """Rows of numbers as one tensor.

    Args:
        rows: not empty.
        value: of the padding.
        bucket: the width is a multiple of it.
        most: the largest width, at least that of the longest row.

    Returns:
        Shape (n_rows, width), padded with ``value``; the width is that of the longest row, or of its bucket.
    """
    width = -(-max(len(row) for row in rows) // bucket) * bucket
    width = width if most is None else min(width, most)
    return torch.tensor([[*row, *[value] * (width - len(row))] for row in rows], dtype=torch.long)


def masked_loss_sum(model: nn.Module, batch: MaskedBatch) -> Tensor:
    """Cross-entropy of the masked tokens, in nats, summed.

    A ModernBERT model computes logits at masked positions only, which saves a small model much of its work.
    """
    device = next(model.parameters()).device
    labels = batch.labels.to(device)
    places = labels != IGNORED
    inputs = {"input_ids": batch.ids.to(device)}
    if batch.mask is not None:
        inputs["attention_mask"] = batch.mask.to(device)
    if isinstance(model, ModernBertForMaskedLM):
        logits = model.decoder(model.head(model.model(**inputs).last_hidden_state[places]))
    else:
        logits = model(**inputs).logits[places]
    return nn.functional.cross_entropy(logits.float(), labels[places], reduction="sum")
