"""Sampling from Llama-type models on the CPU: batched decoding with an in-place cache; finished rows are removed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedModel

from deidsynth.models.devices import KeptMemory
from deidsynth.models.language_model.packing import SpecialTokenIds
from deidsynth.sampling.engine import SamplingSettings
from deidsynth.sampling.llama_cpu import Llama
from deidsynth.sampling.nucleus import draw

# oneDNN builds a kernel for every new shape, which takes as long as several layers: the cache grows by many positions
# at once, and finished rows are removed in groups.
SPAN = 32
LEAVE_SHARE = 1 / 12
PREFILL_TOKENS = 2048  # prompts are processed in segments of this many tokens, which limits activations


class DecodingBatch:
    """A batch of left-padded rows of equal length, with their cache.

    Args:
        model: the model.
        prompts: token ids.
        places: maximum length of prompts and continuations.
    """

    def __init__(self, model: Llama, prompts: Sequence[Sequence[int]], places: int) -> None:
        self._model = model
        self._places = places
        self._width = max(len(prompt) for prompt in prompts)
        self._length = 0  # positions in use
        self._gaps = torch.tensor([self._width - len(prompt) for prompt in prompts])
        self._prompts = torch.tensor([[0] * (self._width - len(prompt)) + [*prompt] for prompt in prompts])
        self._n_caches = len(prompts) * model.kv_heads
        self._seen = 0  # positions in attention: those in use, and a masked rest
        n_places = _in_spans(places)
        size = self._n_caches * n_places * model.head_size
        rooms = [torch.empty(size, dtype=model.dtype) for _ in range(2 * len(model.layers) + 1)]
        *self._room, self._spare = rooms
        self._caches: list[Tensor] = []
        hidden = torch.arange(self._width) < self._gaps.repeat_interleave(model.kv_heads)[:, None]
        self._hidden = torch.zeros(hidden.shape, dtype=model.dtype).masked_fill_(hidden, -torch.inf)[:, None]
        self._padded = bool(hidden.any())

    def __len__(self) -> int:
        return len(self._gaps)

    def begin(self) -> Tensor:
        """Process the prompts.

        Returns:
            Logits of the first new token. Shape (n_rows, vocabulary).
        """
        self._shape_caches(_in_spans(self._width))
        self._length = self._width
        at_once = max(1, PREFILL_TOKENS // self._width)
        return torch.cat([self._read(slice(row, row + at_once)) for row in range(0, len(self), at_once)])

    def _read(self, rows: slice) -> Tensor:
        model, width = self._model, self._width
        caches = slice(rows.start * model.kv_heads, rows.stop * model.kv_heads)
        gaps = self._gaps[rows, None]
        rotation = model.rotation((torch.arange(width) - gaps).clamp_(min=0))
        seen = (torch.arange(width) >= gaps)[:, None] & torch.ones(width, width, dtype=torch.bool).tril()
        seen = (seen | torch.eye(width, dtype=torch.bool))[:, None]  # a padding position attends to itself: no NaN
        states = functional.embedding(self._prompts[rows], model.embedding).float()
        for number, layer in enumerate(model.layers):
            query, key, value = (each.transpose(1, 2) for each in model.project(layer, states, rotation))
            self._caches[2 * number][caches, :width] = key.flatten(0, 1)
            self._caches[2 * number + 1][caches, :, :width] = value.flatten(0, 1).transpose(1, 2)
            attended = functional.scaled_dot_product_attention(
                query, key, value, attn_mask=seen, scale=1.0, enable_gqa=True
            )
            states = model.feed(layer, states, attended.transpose(1, 2).flatten(2))
        return model.logits(states[:, -1])

    def step(self, tokens: Tensor) -> Tensor:
        """Append one token to every row.

        Args:
            tokens: their ids. Shape (n_rows,).

        Returns:
            Logits of the next token. Shape (n_rows, vocabulary).
        """
        model, at = self._model, self._length
        if at == self._seen:
            self._shape_caches(at + SPAN)
        self._length = at + 1
        rotation = model.rotation(at - self._gaps)
        states = functional.embedding(tokens, model.embedding).float()
        for number, layer in enumerate(model.layers):
            keys, values = self._caches[2 * number : 2 * number + 2]
            query, key, value = model.project(layer, states, rotation)
            keys[:, at] = key.flatten(0, 1)
            values[:, :, at] = value.flatten(0, 1)
            # Heads that share keys are rows of one product.
            scores = torch.bmm(query.reshape(len(keys), -1, model.head_size), keys.transpose(1, 2))
            if self._padded:
                scores[:, :, : self._width] += self._hidden
            scores[:, :, at + 1 :] = -torch.inf
            attended = torch.bmm(torch.softmax(scores, -1), values.transpose(1, 2))
            states = model.feed(layer, states, attended.view(len(states), -1))
        return model.logits(states)

    def keep(self, rows: Sequence[int]) -> list[int]:
        """Remove all other rows; the last of the remaining ones move into the gaps.

        Args:
            rows: to keep, ascending.

        Returns:
            The old indices of the rows, in their new order.
        """
        n, kv_heads = len(rows), self._model.kv_heads
        staying = set(rows)
        free = [row for row in range(n) if row not in staying]
        order = list(range(n))
        for to, row in zip(free, rows[n - len(free) :], strict=True):
            order[to] = row
            into, out = (slice(each * kv_heads, (each + 1) * kv_heads) for each in (to, row))
            for cache in (*self._caches, self._hidden):
                cache[into] = cache[out]
            self._gaps[to] = self._gaps[row]
        self._n_caches = n * kv_heads
        self._hidden, self._gaps = self._hidden[: self._n_caches], self._gaps[:n]
        self._view_caches()
        return order

    def _shape_caches(self, seen: int) -> None:
        """Set the number of positions in attention.

        Caches are contiguous in a buffer for the maximum length, as ``bmm`` would otherwise copy them in every step. So
        they move when they grow, each into the space of the previous one. Unused positions are zero: they get no
        weight, but nothing times NaN is NaN.
        """
        before, self._seen = self._caches, seen
        for number in range(len(self._room)):
            wider = self._view(self._spare, number)
            # Positions are the last dimension of values, and the second last of keys.
            places = wider if number % 2 else wider.transpose(1, 2)
            places[:, :, self._length :] = 0
            if self._length:
                old = before[number] if number % 2 else before[number].transpose(1, 2)
                places[:, :, : self._length] = old[:, :, : self._length]
            self._spare, self._room[number] = self._room[number], self._spare
        self._view_caches()

    def _view_caches(self) -> None:
        self._caches = [self._view(room, number) for number, room in enumerate(self._room)]

    def _view(self, room: Tensor, number: int) -> Tensor:
        """Keys, with even numbers, are (caches, places, head_size); values (caches, head_size, places)."""
        size = self._model.head_size
        shape = (self._n_caches, size, self._seen) if number % 2 else (self._n_caches, self._seen, size)
        return room[: math.prod(shape)].view(shape)


def _in_spans(places: int) -> int:
    return -(-places // SPAN) * SPAN


class CpuDecoder:
    """Samples from the same distribution as ``decoding.continuations``, many times as fast.

    Args:
        model: one that ``supports`` accepts.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self._freed = KeptMemory()  # new pages for the logits of every step took a tenth of the time
        with torch.no_grad():
            self._model = Llama(model)

    @torch.inference_mode()
    def continuations(
        self,
        prompts: Sequence[Sequence[int]],
        special: SpecialTokenIds,
        settings: SamplingSettings,
        *,
        max_new_tokens: int,
        seed: int,
    ) -> list[list[int]]:
        """New token ids for each prompt, including EOS if it was sampled.

        Args:
            prompts: token ids, including BOS.
            special: EOS and suppressed tokens.
            settings: decoding parameters.
            max_new_tokens: maximum length of a continuation, including EOS.
            seed: of this batch.
        """
        generator = torch.Generator().manual_seed(seed)
        batch = DecodingBatch(self._model, prompts, max(len(prompt) for prompt in prompts) + max_new_tokens)
        rows = torch.arange(len(prompts))
        drawn = torch.full((len(prompts), max_new_tokens), special.eos)
        lengths = torch.full((len(prompts),), max_new_tokens)
        going = torch.ones(len(prompts), dtype=torch.bool)
        logits = batch.begin()
        suppressed = torch.tensor(special.suppressed, dtype=torch.long)
        for place in range(max_new_tokens):
            logits[:, suppressed] = float("-inf")
            tokens = draw(logits, settings.temperature, settings.top_p, settings.top_k, generator)
            drawn[rows, place] = tokens
            ended = going & (tokens == special.eos)
            if bool(ended.any()):
                lengths[rows[ended]] = place + 1
                going &= ~ended
                staying = going.nonzero().flatten().tolist()
                if len(staying) <= (1 - LEAVE_SHARE) * len(batch):
                    if not staying:
                        break
                    order = batch.keep(staying)
                    rows, tokens, going = rows[order], tokens[order], going[order]
            if place + 1 < max_new_tokens:
                logits = batch.step(tokens)
                self._freed.limit()
        return [row[:length] for row, length in zip(drawn.tolist(), lengths.tolist(), strict=True)]
