"""Sampling in this process: with a loop of our own where the model is of its kind, else with ``generate``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

from deidsynth.errors import InputError
from deidsynth.models.causal_lm import context_length
from deidsynth.models.packing import Frame, token_ids
from deidsynth.sampling.decoding import continuations
from deidsynth.sampling.engine import Request, Sample, SamplingSettings
from deidsynth.sampling.wave import WaveDecoder, supports


class LocalEngine:
    """An engine for any causal language model that is loaded in this process.

    The model's own defaults for sampling (its ``generation_config``, such as a repetition penalty) are put aside: what
    the settings do not say is off.

    Args:
        model: in evaluation mode; not to be changed afterwards, as the fast loop has its own copy of the weights.
        tokenizer: of the model.
    """

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._frame = Frame.of(tokenizer)
        self._context = context_length(model)
        model.generation_config = GenerationConfig()
        self._waves = WaveDecoder(model) if supports(model) else None

    def sample_batch(self, requests: Sequence[Request], settings: SamplingSettings, seed: int) -> list[Sample]:
        """The documents of one batch; prompts are filled up on the left.

        Raises:
            InputError: a prompt leaves no room for text.
        """
        frame = self._frame
        prompts = [[frame.bos, *token_ids(self._tokenizer, request.prompt)] for request in requests]
        width = max(len(prompt) for prompt in prompts)
        longest = min(settings.max_length_tokens, self._context - 1)
        if width - 1 >= longest:
            number = next(each.prompt_number for each, ids in zip(requests, prompts, strict=True) if len(ids) == width)
            raise InputError(
                f"prompt {number} has {width - 1} tokens and leaves no room for text: the model holds "
                f"{self._context}, synthesize.max_length_tokens is {settings.max_length_tokens}; give a shorter "
                "prompt, or raise the limit if the model allows it"
            )
        # One place more than the shortest prompt leaves: that in which a text of full length ends.
        room = settings.max_length_tokens + 2 - min(len(prompt) for prompt in prompts)
        limit = min(room, self._context + 1 - width)
        waves = self._waves if settings.is_plain else None
        draw = partial(continuations, self._model) if waves is None else waves.continuations
        drawn = draw(prompts, frame, settings, max_new_tokens=limit, seed=seed)
        return [
            self._sample(request, prompt, continuation[: settings.max_length_tokens + 2 - len(prompt)], seed)
            for request, prompt, continuation in zip(requests, prompts, drawn, strict=True)
        ]

    def _sample(self, request: Request, prompt: Sequence[int], continuation: list[int], seed: int) -> Sample:
        ended = self._frame.eos in continuation
        kept = continuation[: continuation.index(self._frame.eos) if ended else -1]
        return Sample(
            index=request.index,
            text=request.prompt + self._continuation(prompt[1:], kept),
            prompt_number=request.prompt_number,
            prompt_characters=len(request.prompt),
            n_tokens=len(prompt) - 1 + len(kept),
            ended=ended,
            seed=seed,
        )

    def _continuation(self, prompt: Sequence[int], ids: Sequence[int]) -> str:
        """The text after a prompt, however the tokenizer spells the prompt itself (a blank lost, letters folded)."""
        head, whole = (
            self._tokenizer.decode(part, skip_special_tokens=True, clean_up_tokenization_spaces=False)
            for part in ([*prompt], [*prompt, *ids])
        )
        return whole[len(head) :]
