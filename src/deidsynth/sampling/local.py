"""Sampling in this process: with our own loop if it supports the model, otherwise with ``generate``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

from deidsynth.errors import InputError
from deidsynth.models.language_model.causal_lm import context_length
from deidsynth.models.language_model.codec import Codec
from deidsynth.models.language_model.packing import SpecialTokenIds
from deidsynth.sampling.cpu_decoding import CpuDecoder
from deidsynth.sampling.decoding import continuations
from deidsynth.sampling.engine import Request, Sample, SamplingSettings
from deidsynth.sampling.llama_cpu import supports


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
        self._codec = codec or Codec(tokenizer)
        self._special = replace(
            SpecialTokenIds.of(tokenizer), added=self._codec.added_ids, suppressed=self._codec.control_code_ids
        )
        self._context = context_length(model)
        model.generation_config = GenerationConfig()
        self._cpu_decoder = CpuDecoder(model) if supports(model) else None

    def sample_batch(self, requests: Sequence[Request], settings: SamplingSettings, seed: int) -> list[Sample]:
        """The documents of one batch; prompts are padded on the left.

        Raises:
            InputError: a prompt leaves no room for text.
        """
        special = self._special
        prompts = [[special.bos, *self._start(request)] for request in requests]
        width = max(len(prompt) for prompt in prompts)
        longest = min(settings.max_length_tokens, self._context - 1)
        if width - 1 >= longest:
            number = next(each.prompt_number for each, ids in zip(requests, prompts, strict=True) if len(ids) == width)
            raise InputError(
                f"prompt {number} has {width - 1} tokens and leaves no room for text: the context of the model is "
                f"{self._context}, synthesize.max_length_tokens is {settings.max_length_tokens}; use a shorter "
                "prompt, or raise the limit if the model allows it"
            )
        # One position more than the shortest prompt leaves: for the EOS of a text of maximum length.
        room = settings.max_length_tokens + 2 - min(len(prompt) for prompt in prompts)
        limit = min(room, self._context + 1 - width)
        decoder = self._cpu_decoder if settings.is_plain else None
        draw = partial(continuations, self._model) if decoder is None else decoder.continuations
        drawn = draw(prompts, special, settings, max_new_tokens=limit, seed=seed)
        return [
            self._sample(request, prompt, continuation[: settings.max_length_tokens + 2 - len(prompt)], seed)
            for request, prompt, continuation in zip(requests, prompts, drawn, strict=True)
        ]

    def _start(self, request: Request) -> list[int]:
        return self._codec.encode_start(
            request.prompt, request.entities, is_open=request.is_open, control_codes=request.control_codes
        )

    def _sample(self, request: Request, prompt: Sequence[int], continuation: list[int], seed: int) -> Sample:
        ended = self._special.eos in continuation
        kept = continuation[: continuation.index(self._special.eos) if ended else -1]
        read = self._codec.decode(prompt[1:], kept, request.prompt, request.entities, is_open=request.is_open)
        return Sample(
            index=request.index,
            text=read.text,
            prompt_number=request.prompt_number,
            prompt_characters=len(request.prompt),
            n_tokens=len(prompt) - 1 + len(kept),
            ended=ended,
            seed=seed,
            entities=read.entities,
            n_special_tokens=read.n_special_tokens,
            repairs=read.repairs if self._codec.added_tokens else None,
            control_codes_document=request.control_codes_document,
        )
