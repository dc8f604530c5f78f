"""Forward pass of a ModernBERT tagger on the CPU: the numbers of transformers in less time.

transformers computes all pairs of tokens in every layer and masks those outside the sliding window, which at 512
tokens and a window of 129 is three quarters of the work of attention, and rotates queries and keys in float32. Here

- a layer with local attention processes queries in blocks, each with the keys in its window;
- a layer with global attention processes one row of a batch at a time, so that its scores stay in the cache,
  without padding keys;
- weights are cast once, and those of queries and keys are reordered so that all first halves of the rotary embedding
  are adjacent: rotation is then four products of long rows.

The residual stream and its norms stay in float32. The oracle is the model's own ``forward`` with ``eager`` attention.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import ModernBertForTokenClassification

from deidsynth.models.devices import autocast

BLOCK = 64
HIDDEN = -1e30  # below every score, but finite, so that a row of padding does not become NaN


@dataclass(frozen=True, slots=True)
class _Linear:
    weight: Tensor
    bias: Tensor | None

    @classmethod
    def of(cls, layer: nn.Linear, dtype: torch.dtype) -> _Linear:
        # Copies, since weights of a mapped file begin at any byte, by which the last bit of a product can differ.
        bias = None if layer.bias is None else layer.bias.to(dtype, copy=True)
        return cls(layer.weight.to(dtype, copy=True), bias)

    @classmethod
    def reordered(cls, layer: nn.Linear, dtype: torch.dtype, order: Tensor, scale: Tensor) -> _Linear:
        """A linear layer with scaled and reordered outputs."""
        bias = None if layer.bias is None else (layer.bias * scale)[order].to(dtype)
        return cls((layer.weight * scale[:, None])[order].to(dtype), bias)

    def __call__(self, hidden: Tensor) -> Tensor:
        return nn.functional.linear(hidden, self.weight, self.bias)


@dataclass(frozen=True, slots=True)
class _Layer:
    """One layer with cast weights.

    Args:
        attention_norm: None in the first layer.
        qkv: outputs first halves of all queries and keys, then their second halves, then values; queries are scaled.
        attention_output: as in the model.
        mlp_norm: as in the model.
        mlp_input: as in the model.
        activation: as in the model.
        mlp_output: as in the model.
        kind: of its rotary embedding.
        reach: tokens attended to on each side; None: all.
    """

    attention_norm: nn.LayerNorm | None
    qkv: _Linear
    attention_output: _Linear
    mlp_norm: nn.LayerNorm
    mlp_input: _Linear
    activation: Callable[[Tensor], Tensor]
    mlp_output: _Linear
    kind: str
    reach: int | None


class EncoderForward:
    """Forward pass of a tagger with a snapshot of its weights; for inference only.

    Args:
        model: on the CPU, in evaluation mode, in float32 as taggers are loaded.
        dtype: of matrix products.
    """

    def __init__(self, model: ModernBertForTokenClassification, dtype: torch.dtype) -> None:
        config = model.config
        self._model, self._dtype = model, dtype
        self._size, self._n_heads = config.hidden_size, config.num_attention_heads
        self._layers = [self._cast(layer) for layer in model.model.layers]
        self._dense, self._classifier = _Linear.of(model.head.dense, dtype), _Linear.of(model.classifier, dtype)
        self._margin = max([layer.reach or 0 for layer in self._layers]) * self._size // self._n_heads
        self._buffers = [torch.zeros(0, dtype=dtype)] * 3

    def _cast(self, layer: nn.Module) -> _Layer:
        size, half = self._size, self._size // self._n_heads // 2
        halves = torch.arange(2 * size).view(2, self._n_heads, 2, half).permute(2, 0, 1, 3).reshape(-1)
        order = torch.cat([halves, torch.arange(2 * size, 3 * size)])
        scale = torch.ones(3 * size)
        scale[:size] = (2 * half) ** -0.5
        attention, mlp, norm = layer.attn, layer.mlp, layer.attn_norm
        window = attention.sliding_window
        return _Layer(
            attention_norm=norm if isinstance(norm, nn.LayerNorm) else None,
            qkv=_Linear.reordered(attention.Wqkv, self._dtype, order, scale),
            attention_output=_Linear.of(attention.Wo, self._dtype),
            mlp_norm=layer.mlp_norm,
            mlp_input=_Linear.of(mlp.Wi, self._dtype),
            activation=mlp.act,
            mlp_output=_Linear.of(mlp.Wo, self._dtype),
            kind=layer.attention_type,
            reach=None if window is None else window - 1,
        )

    def __call__(self, ids: Tensor, lengths: Sequence[int]) -> Tensor:
        """Logits of the tags.

        Args:
            ids: token ids, rows padded at their ends. Shape (batch_size, width).
            lengths: of the rows, at least 1.

        Returns:
            Shape (batch_size, width, n_tags); values at padding are undefined.
        """
        batch_size, width = ids.shape
        embeddings, head = self._model.model.embeddings, self._model.head
        stream = embeddings.norm(embeddings.tok_embeddings(ids)).float()
        turns = {kind: self._turn(kind, width) for kind in {layer.kind for layer in self._layers}}
        reaches = {layer.reach for layer in self._layers if layer.reach is not None}
        biases = {reach: _bias(lengths, width, reach).to(self._dtype) for reach in reaches}
        for layer in self._layers:
            hidden = stream if layer.attention_norm is None else layer.attention_norm(stream)
            query, key, value = self._heads(layer.qkv(hidden.to(self._dtype)), *turns[layer.kind])
            if layer.reach is None:
                found = _attend_everywhere(query, key, value, lengths)
            else:
                found = self._attend_near(query, layer.reach, biases[layer.reach])
            found = found[:, :, :width].transpose(1, 2).reshape(batch_size, width, -1)
            stream += layer.attention_output(found)
            left, gate = layer.mlp_input(layer.mlp_norm(stream).to(self._dtype)).chunk(2, dim=-1)
            stream += layer.mlp_output(layer.activation(left) * gate)
        hidden = self._dense(self._model.model.final_norm(stream).to(self._dtype))
        scores: Tensor = self._classifier(head.norm(head.act(hidden).float()).to(self._dtype))
        return scores

    def _turn(self, kind: str, width: int) -> tuple[Tensor, Tensor]:
        """Cosine and sine of the rotary embedding at each position. Shape of both (width, 2 * size / 2)."""
        rotation = self._model.model.rotary_emb
        both = rotation(torch.zeros(1), torch.arange(width)[None], kind)
        half = self._size // self._n_heads // 2
        cos, sin = (each[0, :, :half].repeat(1, 2 * self._n_heads).to(self._dtype) for each in both)
        return cos, sin

    def _heads(self, qkv: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Rotated queries and keys, and values, by heads, in buffers that all layers share.

        Positions after ``width`` hold old values, which are never used.

        Args:
            qkv: Shape (batch_size, width, 3 * size).
            cos: from ``_turn``.
            sin: from ``_turn``.

        Returns:
            Shape of each (batch_size, n_heads, width in whole blocks, head_size).
        """
        batch_size, width, _ = qkv.shape
        half = self._size // self._n_heads // 2
        shape = (batch_size, self._n_heads, width + -width % BLOCK, 2 * half)
        query, key, value = (each[self._margin :][: math.prod(shape)].view(shape) for each in self._room(shape))
        first, second, values = qkv.tensor_split((self._size, 2 * self._size), dim=-1)
        turned = (first * cos).addcmul_(second, sin, value=-1), (second * cos).addcmul_(first, sin)
        for place, part in enumerate(turned):
            parts = part.view(batch_size, width, 2, self._n_heads, half).unbind(dim=2)
            for whole, each in zip((query, key), parts, strict=True):
                whole[:, :, :width, place * half :][..., :half].copy_(each.transpose(1, 2))
        value[:, :, :width].copy_(values.view(batch_size, width, self._n_heads, 2 * half).transpose(1, 2))
        return query, key, value

    def _room(self, shape: tuple[int, ...]) -> list[Tensor]:
        """Buffers for heads of one shape, with a margin before and after."""
        if len(self._buffers[0]) < math.prod(shape) + 2 * self._margin:
            n_numbers = math.prod(shape) + 2 * self._margin
            self._buffers = [torch.zeros(n_numbers, dtype=self._dtype) for _ in range(3)]
        return self._buffers

    def _attend_near(self, query: Tensor, reach: int, bias: Tensor) -> Tensor:
        """Local attention, with the keys and values in the buffers.

        The rows of the buffers are contiguous, so a block at the end of a row reads from the next one; the bias
        masks that.

        Args:
            query: Shape (batch_size, n_heads, n_blocks * BLOCK, head_size), also of the result.
            reach: tokens attended to on each side.
            bias: from ``_bias``.
        """
        batch_size, n_heads, width, size = query.shape
        n_blocks, span = batch_size * n_heads * width // BLOCK, BLOCK + 2 * reach
        key, value = (
            each.as_strided((n_blocks, span, size), (BLOCK * size, size, 1), self._margin - reach * size).contiguous()
            for each in self._buffers[1:]
        )
        scores = query.view(n_blocks, BLOCK, size) @ key.transpose(1, 2)
        scores.view(batch_size, n_heads, -1, BLOCK, span).add_(bias)
        return (torch.softmax(scores, dim=-1) @ value).view(query.shape)


def _attend_everywhere(query: Tensor, key: Tensor, value: Tensor, lengths: Sequence[int]) -> Tensor:
    """Global attention within each row.

    Args:
        query: scaled. Shape (batch_size, n_heads, width, head_size), also of key, value and result.
        key: as above.
        value: as above.
        lengths: of the rows.
    """
    found = torch.zeros_like(query)
    for row, length in enumerate(lengths):
        scores = query[row, :, :length] @ key[row, :, :length].transpose(1, 2)
        found[row, :, :length] = torch.softmax(scores, dim=-1) @ value[row, :, :length]
    return found


def _bias(lengths: Sequence[int], width: int, reach: int) -> Tensor:
    """The mask added to the scores of local attention. Shape (batch_size, 1, n_blocks, BLOCK, BLOCK + 2 * reach)."""
    there = torch.arange(width) < torch.tensor(lengths)[:, None]
    keys = nn.functional.pad(there, (reach, reach + -width % BLOCK)).unfold(1, BLOCK + 2 * reach, BLOCK)
    distance = torch.arange(BLOCK + 2 * reach) - torch.arange(BLOCK)[:, None]
    seen = keys[:, :, None] & (distance >= 0) & (distance <= 2 * reach)
    return torch.zeros(seen.shape).masked_fill_(~seen, HIDDEN)[:, None]


def token_scores(model: nn.Module, device: str, precision: str) -> Callable[[Tensor, Sequence[int]], Tensor]:
    """A function that gives the logits of the tags with the current weights: the model's own forward pass if need be.

    Args:
        model: a token classifier in evaluation mode, on the device.
        device: such as ``cpu``.
        precision: ``fp32`` or ``bf16``.

    Returns:
        A function with the arguments of ``EncoderForward``, on the CPU.
    """
    if device == "cpu" and type(model) is ModernBertForTokenClassification:
        return EncoderForward(model, torch.bfloat16 if precision == "bf16" else torch.float32)

    def scores(ids: Tensor, lengths: Sequence[int]) -> Tensor:
        mask = (torch.arange(ids.shape[1]) < torch.tensor(lengths)[:, None]).long()
        with autocast(device, precision):
            found: Tensor = model(input_ids=ids.to(device), attention_mask=mask.to(device)).logits
        return found

    return scores
