"""Attention of Llama-type models over packed rows on the CPU: each document by itself, without what it hides.

transformers computes all pairs of tokens of a row and masks those that are later or in another document, which in a
row of two documents is three quarters of the work, and its fused kernel is slow in bfloat16, most of all backwards.
Here, a document's queries are taken in blocks, each with the keys up to its own end; query heads that share keys are
folded into one product. The results are those of ``eager`` attention but for rounding.
"""

from __future__ import annotations

import contextlib
from itertools import pairwise
from typing import Any

import torch
from peft import PeftModel
from torch import Tensor, nn
from transformers import AttentionInterface, LlamaPreTrainedModel

from deidsynth.models.cpu.attention import attention

NAME = "deidsynth_packed"
BLOCK = 256


def packed_attention(model: nn.Module, device: str) -> contextlib.AbstractContextManager[None]:
    """A context in which a model attends document by document, where it can; others and other devices stay as they are.

    Inside, the model is to be called with ``position_ids`` and without a cache.
    """
    base = model.get_base_model() if isinstance(model, PeftModel) else model
    if device != "cpu" or not isinstance(base, LlamaPreTrainedModel) or base.config.attention_dropout:
        return contextlib.nullcontext()
    return attention(base, NAME)


def _attend(
    _module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    _mask: Tensor | None,
    scaling: float,
    *,
    position_ids: Tensor,
    **_: Any,
) -> tuple[Tensor, None]:
    """Attention as transformers asks for it, without dropout.

    Args:
        _module: the layer, which need not be known.
        query: Shape (n_rows, n_heads, length, head_size).
        key: Shape (n_rows, n_key_heads, length, head_size), as that of ``value``.
        value: see there.
        _mask: none is made for this kind of attention.
        scaling: of the scores.
        position_ids: of packed rows; a document begins at each 0. Shape (n_rows, length), or (1, length) for all rows.

    Returns:
        Shape (n_rows, length, n_heads, head_size), and no weights.
    """
    n_rows, n_heads, length, size = query.shape
    n_groups = key.shape[1]
    query = (query * scaling).unflatten(1, (n_groups, -1))
    rows = []
    for row, positions in enumerate(position_ids.expand(n_rows, -1)):
        starts = (positions == 0).nonzero().flatten().tolist()
        blocks = [
            _block(query[row, :, :, first:last], key[row, :, start:last], value[row, :, start:last])
            for start, end in pairwise([0, *(each for each in starts if each), length])
            for first, last in pairwise([*range(start, end, BLOCK), end])
        ]
        rows.append(torch.cat(blocks, dim=2).reshape(n_heads, length, size))
    return torch.stack(rows).transpose(1, 2), None


def _block(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """What the last tokens of a stretch find in it.

    Args:
        query: scaled. Shape (n_groups, heads_per_group, n, head_size).
        key: Shape (n_groups, m, head_size), m >= n, as that of ``value``.
        value: see there.

    Returns:
        Shape (n_groups, heads_per_group, n, head_size).
    """
    n, m = query.shape[2], key.shape[1]
    scores = (query.flatten(1, 2) @ key.transpose(1, 2)).unflatten(1, (-1, n))
    later = torch.ones(n, n, dtype=torch.bool, device=query.device).triu_(1)
    scores[..., m - n :].masked_fill_(later, float("-inf"))
    return (torch.softmax(scores, dim=-1, dtype=scores.dtype).flatten(1, 2) @ value).unflatten(1, (-1, n))


AttentionInterface.register(NAME, _attend)
