"""Attention of Llama-type models over packed rows on the CPU, computed for each document separately.

transformers computes all pairs of tokens of a row and masks those that are later or in another document, which in a
row of two documents is three quarters of the work, and its fused kernel is slow in bfloat16, most of all backwards.
Here, a document's queries are taken in blocks, each with the keys up to its own end; query heads that share keys are
folded into one product. The results equal those of ``eager`` attention except for rounding.
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
    """A context in which a Llama-type model on the CPU attends document by document; other models do not change.

    Inside, call the model with ``position_ids`` and without a cache.
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
    """Attention with the interface of transformers, without dropout.

    Args:
        _module: the layer; unused.
        query: Shape (n_rows, n_heads, length, head_size).
        key: Shape (n_rows, n_key_heads, length, head_size).
        value: shape as that of ``key``.
        _mask: unused; transformers makes none for this kind of attention.
        scaling: of the scores.
        position_ids: of packed rows; a document starts at each 0. Shape (n_rows, length), or (1, length) for all rows.

    Returns:
        Output of shape (n_rows, length, n_heads, head_size), and None for the weights.
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
    """Attention of the last tokens of a segment to all of it.

    Args:
        query: scaled. Shape (n_groups, heads_per_group, n, head_size).
        key: Shape (n_groups, m, head_size), m >= n.
        value: shape as that of ``key``.

    Returns:
        Shape (n_groups, heads_per_group, n, head_size).
    """
    n, m = query.shape[2], key.shape[1]
    scores = (query.flatten(1, 2) @ key.transpose(1, 2)).unflatten(1, (-1, n))
    later = torch.ones(n, n, dtype=torch.bool, device=query.device).triu_(1)
    scores[..., m - n :].masked_fill_(later, float("-inf"))
    return (torch.softmax(scores, dim=-1, dtype=scores.dtype).flatten(1, 2) @ value).unflatten(1, (-1, n))


AttentionInterface.register(NAME, _attend)
