"""Attention of ModernBERT-type encoders on the processor: a layer that sees only near tokens computes only those.

transformers computes all pairs of tokens in every layer and hides what a sliding window does not see, which at 512
tokens and a window of 129 is three quarters of the work; its fused kernel is slower than plain products in bfloat16.
Here, queries are taken in blocks, each with the keys that it may see. The results are those of transformers' ``eager``
attention but for rounding.
"""

from __future__ import annotations

import contextlib
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, ModernBertPreTrainedModel
from transformers.masking_utils import AttentionMaskInterface

from deidsynth.models.attention import attention

NAME = "deidsynth_blocks"
BLOCK = 64
HIDDEN = -1e30  # below every score, and finite: a row of nothing but padding stays a number


def block_attention(model: nn.Module, device: str) -> contextlib.AbstractContextManager[None]:
    """A context in which a model attends in blocks, where it can; training and other devices are left alone."""
    if device != "cpu" or not isinstance(model, ModernBertPreTrainedModel):
        return contextlib.nullcontext()
    return attention(model, NAME)


def _mask(
    q_length: int, attention_mask: Tensor | None = None, local_size: int | None = None, **_: Any
) -> Tensor | None:
    """What is added to the scores, for all layers of one kind.

    Args:
        q_length: the width.
        attention_mask: true where there is a token. Shape (batch_size, width).
        local_size: how far a token sees to either side; None is everywhere.

    Returns:
        Shape (batch_size or 1, 1, 1, width), or where blocks are taken (batch_size or 1, 1, n_blocks, BLOCK, span);
        None for nothing.
    """
    device = attention_mask.device if attention_mask is not None else None
    if attention_mask is None or bool(attention_mask.all()):
        attention_mask = torch.ones(1, q_length, dtype=torch.bool, device=device)
        if local_size is None:
            return None
    if local_size is None:
        return _bias(attention_mask[:, None, None])
    after = local_size + -q_length % BLOCK
    keys = nn.functional.pad(attention_mask, (local_size, after)).unfold(1, BLOCK + 2 * local_size, BLOCK)
    distance = torch.arange(BLOCK + 2 * local_size, device=device) - torch.arange(BLOCK, device=device)[:, None]
    near = (distance >= 0) & (distance <= 2 * local_size)
    return _bias((keys[:, :, None] & near)[:, None])


def _bias(seen: Tensor) -> Tensor:
    return torch.zeros(seen.shape, device=seen.device).masked_fill_(~seen, HIDDEN)


def _attend(
    _module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    sliding_window: int | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Attention as transformers asks for it, without dropout.

    Args:
        _module: the layer, which need not be known.
        query: Shape (batch_size, n_heads, width, head_size), as that of ``key`` and ``value``.
        key: see there.
        value: see there.
        attention_mask: of ``_mask``.
        scaling: of the scores.
        sliding_window: one more than how far a token sees to either side; None is everywhere.

    Returns:
        Shape (batch_size, width, n_heads, head_size), and no weights.
    """
    batch_size, n_heads, width, size = query.shape
    query = query * scaling
    if sliding_window is not None:
        reach, more = sliding_window - 1, -width % BLOCK
        span = BLOCK + 2 * reach
        query = nn.functional.pad(query, (0, 0, 0, more)).unflatten(2, (-1, BLOCK))
        key, value = (
            nn.functional.pad(each, (0, 0, reach, reach + more)).unfold(2, span, BLOCK).transpose(-1, -2)
            for each in (key, value)
        )
    scores = query @ key.transpose(-1, -2)
    if attention_mask is not None:
        scores += attention_mask.to(scores.dtype)
    found = (torch.softmax(scores, dim=-1) @ value).reshape(batch_size, n_heads, -1, size)[:, :, :width]
    return found.transpose(1, 2).contiguous(), None


AttentionInterface.register(NAME, _attend)
AttentionMaskInterface.register(NAME, _mask)
