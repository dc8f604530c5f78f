"""Sampling in this process: with our own loop if it supports the model, otherwise with ``generate``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

from deidsynth.models.language_model.causal_lm import context_length
from deidsynth.models.language_model.codec import Codec
from deidsynth.sampling.cpu_decoding import CpuDecoder
from deidsynth.sampling.decoding import continuations
from deidsynth.sampling.engine import Request, Sample, SamplingSettings
from deidsynth.sampling.llama_cpu import supports
from deidsynth.sampling.token_prompts import TokenPrompts


class LocalEngine:
    """An engine for any causal language model loaded in this process.

    The model's own sampling defaults (``generation_config``, such as a repetition penalty) are ignored: parameters
    that the settings do not set are off.

    Args:
        model: in evaluation mode; must not be changed afterwards, as the fast loop has its own copy of the weights.
        tokenizer: of the model.
        codec: encodes prompts and decodes samples; by default plain text.
    """

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, codec: Codec | None = None) -> None:
        self._model = model
        self._prompts = TokenPrompts(tokenizer, codec)
        self._context = context_length(model.config)
        model.generation_config = GenerationConfig()
        self._cpu_decoder = CpuDecoder(model) if supports(model) else None

    def sample_batch(self, requests: Sequence[Request], settings: SamplingSettings, seed: int) -> list[Sample]:
        """The documents of one batch; prompts are padded on the left.

        Raises:
            InputError: a prompt leaves no room for text.
        """
        prompts = self._prompts.encoded(requests, settings, self._context)
        shortest, longest = min(prompts, key=len), max(prompts, key=len)
        room = self._prompts.room(shortest, settings, self._context + 1)
        limit = min(room, self._context + 1 - len(longest))
        decoder = self._cpu_decoder if settings.is_plain else None
        draw = partial(continuations, self._model) if decoder is None else decoder.continuations
        drawn = draw(prompts, self._prompts.special, settings, max_new_tokens=limit, seed=seed)
        return [
            self._prompts.sample(request, prompt, continuation, settings, seed)
            for request, prompt, continuation in zip(requests, prompts, drawn, strict=True)
        ]
