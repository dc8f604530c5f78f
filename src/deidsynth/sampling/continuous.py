"""Sampling on a GPU with transformers' continuous batching: a document that ends makes room for the next at once.

Keys and values are kept in pages, so that no document is padded to the length of another.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from transformers import ContinuousBatchingConfig, GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase
from transformers.generation.continuous_batching.utils import WorkloadHints
from transformers.utils import is_flash_attn_2_available, is_flash_attn_3_available

from deidsynth.errors import ModelNotUsableError
from deidsynth.models.language_model.causal_lm import context_length
from deidsynth.models.language_model.codec import Codec
from deidsynth.models.language_model.packing import SpecialTokenIds
from deidsynth.sampling.engine import Request, Sample, SamplingSettings
from deidsynth.sampling.local import LocalEngine
from deidsynth.sampling.token_prompts import TokenPrompts

PAGE_TOKENS = 256
CPU_STEP_TOKENS = 1024
"""Tokens of a step on a CPU; on a GPU the library chooses by its memory."""


class ContinuousEngine:
    """An engine for models whose attention can be exchanged; settings that it does not know are left to ``generate``.

    The same requests and seed give the same samples on one machine, with the same versions and the same free memory of
    the GPU: that decides how many documents are sampled at once.

    Args:
        model: in evaluation mode.
        tokenizer: of the model.
        codec: encodes prompts and decodes samples; by default plain text.
    """

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, codec: Codec | None = None) -> None:
        self._model = model
        self._prompts = TokenPrompts(tokenizer, codec)
        self._local = LocalEngine(model, tokenizer, codec)

    def sample_batch(self, requests: Sequence[Request], settings: SamplingSettings, seed: int) -> list[Sample]:
        """The documents of one batch.

        Raises:
            InputError: a prompt leaves no room for text.
            ModelNotUsableError: the library cannot sample from this model.
        """
        if not settings.is_plain:
            return self._local.sample_batch(requests, settings, seed)
        context = context_length(self._model.config)
        prompts = self._prompts.encoded(requests, settings, context)
        rooms = [self._prompts.room(prompt, settings, context + 1) for prompt in prompts]
        drawn = continuations(self._model, prompts, rooms, self._prompts.special, settings, seed=seed)
        return [
            self._prompts.sample(request, prompt, continuation, settings, seed)
            for request, prompt, continuation in zip(requests, prompts, drawn, strict=True)
        ]


def supports(model: PreTrainedModel) -> bool:
    """Whether the library can sample from a model by continuous batching: its attention can be exchanged."""
    start = getattr(model, "init_continuous_batching", None)
    if start is None or not getattr(model, "_supports_attention_backend", False):
        return False
    return {"continuous_batching_config", "workload_hints"} <= inspect.signature(start).parameters.keys()


def is_fast(device: str) -> bool:
    """Whether continuous batching pays: without flash attention, each document's attention runs over all of them."""
    return device.startswith("cuda") and (is_flash_attn_2_available() or is_flash_attn_3_available())


def continuations(
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    rooms: Sequence[int],
    special: SpecialTokenIds,
    settings: SamplingSettings,
    *,
    seed: int,
) -> list[list[int]]:
    """New token ids for each prompt, including EOS if it was sampled.

    All requests are there before the first step, unlike with ``generate_batch``, which adds them while it samples: so
    chance is spent in the same order every time.

    Args:
        model: in evaluation mode.
        prompts: token ids, including BOS.
        rooms: maximum length of each continuation, including EOS.
        special: EOS, and tokens that are never drawn.
        settings: plain ones.
        seed: of this batch.

    Raises:
        ModelNotUsableError: the library failed.
    """
    with _quiet():
        manager = model.init_continuous_batching(
            generation_config=_generation_config(special, settings, max(rooms)),
            continuous_batching_config=_paging(model, prompts, rooms, seed),
            workload_hints=WorkloadHints(max(map(len, prompts)), max(rooms), len(prompts)),
        )
        names = [
            manager.add_request([*prompt], max_new_tokens=room) for prompt, room in zip(prompts, rooms, strict=True)
        ]
        if model.device.type == "cuda":
            manager.warmup()
        manager.start()
        found: dict[str, list[int]] = {}
        try:
            for result in _results(manager, len(names)):
                found[result.request_id] = result.generated_tokens
        finally:
            manager.stop(block=True, hard_stop=len(found) < len(names))
            manager.destroy()
    return [[*found[name]] for name in names]


def _results(manager: Any, n_requests: int) -> Iterator[Any]:
    """The result of each request, as they finish."""
    n_found = 0
    while n_found < n_requests:
        result = manager.get_result(timeout=1)
        failed = not manager.is_running() if result is None else result.error is not None
        if failed:
            raise ModelNotUsableError(
                "continuous batching failed for this model, which the log of transformers says more about; set "
                "synthesize.engine: generate"
            )
        if result is not None and result.is_finished():
            n_found += 1
            yield result


def _paging(
    model: PreTrainedModel, prompts: Sequence[Sequence[int]], rooms: Sequence[int], seed: int
) -> ContinuousBatchingConfig:
    """Pages for all requests on a CPU, whose memory is not for us alone; on a GPU what the library finds free."""
    options: dict[str, Any] = {}
    if model.device.type == "cpu":
        lengths = [len(prompt) + room for prompt, room in zip(prompts, rooms, strict=True)]
        n_pages = sum(-(-length // PAGE_TOKENS) for length in lengths)
        options = {"num_blocks": n_pages + len(prompts), "max_batch_tokens": CPU_STEP_TOKENS}
    return ContinuousBatchingConfig(
        page_size=PAGE_TOKENS,
        allow_block_sharing=False,  # prompts are shorter than a page
        auto_switch_to_flash=is_fast(model.device.type),
        seed=seed,
        **options,
    )


def _generation_config(special: SpecialTokenIds, settings: SamplingSettings, max_new_tokens: int) -> GenerationConfig:
    return GenerationConfig(
        do_sample=True,
        temperature=settings.temperature,
        top_p=settings.top_p,
        top_k=settings.top_k,
        max_new_tokens=max_new_tokens,
        bos_token_id=special.bos,
        eos_token_id=special.eos,
        pad_token_id=special.pad,
        suppress_tokens=[*special.suppressed] or None,
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the library's warnings, of which one quotes token ids."""
    logger = logging.getLogger("ContinuousBatchingLogger")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
