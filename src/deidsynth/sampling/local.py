"""Sampling in this process with ``transformers``' own ``generate``."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

from deidsynth.models.packing import Frame, token_ids
from deidsynth.sampling.engine import Request, Sample, SamplingSettings


class LocalEngine:
    """An engine for any causal language model that is loaded in this process.

    Args:
        model: in evaluation mode.
        tokenizer: of the model.
    """

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._frame = Frame.of(tokenizer)
        self._context = int(
            getattr(model.config, "max_position_embeddings", None) or getattr(model.config, "n_positions", 2**20)
        )

    def sample_batch(self, requests: Sequence[Request], settings: SamplingSettings, seed: int) -> list[Sample]:
        """The documents of one batch; prompts are filled up on the left.

        ``top_k`` is always handed on, because ``generate`` would otherwise apply 50.
        """
        frame = self._frame
        prompts = [[frame.bos, *token_ids(self._tokenizer, request.prompt)] for request in requests]
        width = max(len(prompt) for prompt in prompts)
        limit = max(1, min(settings.max_length_tokens + 1, self._context) - width)
        rows = [[frame.fill] * (width - len(prompt)) + prompt for prompt in prompts]
        masks = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
        device = self._model.device
        torch.manual_seed(seed)
        with torch.inference_mode():
            output = self._model.generate(
                torch.tensor(rows, device=device),
                attention_mask=torch.tensor(masks, device=device),
                generation_config=GenerationConfig(
                    do_sample=True,
                    temperature=settings.temperature,
                    top_p=settings.top_p,
                    top_k=settings.top_k,
                    max_new_tokens=limit,
                    bos_token_id=frame.bos,
                    eos_token_id=frame.eos,
                    pad_token_id=frame.fill,
                ),
            )
        continuations = output[:, width:].tolist()
        return [
            self._sample(request, prompt, continuation, seed)
            for request, prompt, continuation in zip(requests, prompts, continuations, strict=True)
        ]

    def _sample(self, request: Request, prompt: Sequence[int], continuation: list[int], seed: int) -> Sample:
        ended = self._frame.eos in continuation
        kept = continuation[: continuation.index(self._frame.eos)] if ended else continuation
        ids = [*prompt[1:], *kept]
        text = self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        head = self._tokenizer.decode(prompt[1:], skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return Sample(
            index=request.index,
            text=text,
            prompt_number=request.prompt_number,
            prompt_characters=min(len(head), len(text)),
            n_tokens=len(ids),
            ended=ended,
            seed=seed,
        )
