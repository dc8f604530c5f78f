"""Sampling in this process with vLLM, where it is installed."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from deidsynth.errors import ModelNotUsableError
from deidsynth.files import storage_errors
from deidsynth.models.inspection import ADAPTER
from deidsynth.models.language_model.causal_lm import context_length, load_causal_lm
from deidsynth.models.language_model.codec import Codec
from deidsynth.models.loading import load_config
from deidsynth.sampling.checking import check_vllm
from deidsynth.sampling.endpoint import document_seed
from deidsynth.sampling.engine import Request, Sample, SamplingSettings
from deidsynth.sampling.token_prompts import TokenPrompts

NEVER = -100.0
"""Added to the logits of tokens that are never drawn: vLLM takes no lower one."""


class VllmEngine:
    """An engine that hands batches to vLLM, each document with a seed of its own.

    The same requests and seed give the same samples as far as vLLM promises: its results may depend on the documents
    that are sampled at the same time.

    Args:
        folder: of the model or of an adapter, which is merged first.
        tokenizer: of the model.
        codec: encodes prompts and decodes samples.
        max_length_tokens: of the longest document.
        precision: ``fp32`` or ``bf16``.
        scratch: folder in which a merged model is until it is loaded.

    Raises:
        MissingExtraError: vLLM is not installed.
        ModelNotFoundError: the base of an adapter is missing.
        ModelNotUsableError: the model is damaged, or vLLM cannot load it.
        StorageError: there is no room for the merged model.
    """

    def __init__(
        self,
        folder: Path,
        tokenizer: PreTrainedTokenizerBase,
        codec: Codec,
        max_length_tokens: int,
        precision: str,
        scratch: Path,
    ) -> None:
        check_vllm()
        vllm = importlib.import_module("vllm")
        self._prompts = TokenPrompts(tokenizer, codec)
        self._parameters = vllm.SamplingParams
        with tempfile.TemporaryDirectory(dir=scratch) as merged:
            place = _merged(folder, Path(merged), precision) if (folder / ADAPTER).exists() else folder
            self._context = context_length(load_config(str(place)))
            with _failures_told():
                self._model = vllm.LLM(
                    model=str(place),
                    tokenizer=str(folder),
                    dtype="bfloat16" if precision == "bf16" else "float32",
                    max_model_len=min(self._context, max_length_tokens + 2),
                    generation_config="vllm",  # the model's own sampling defaults are ignored
                )

    def sample_batch(self, requests: Sequence[Request], settings: SamplingSettings, seed: int) -> list[Sample]:
        """The documents of one batch.

        Raises:
            InputError: a prompt leaves no room for text.
            ModelNotUsableError: vLLM failed.
        """
        prompts = self._prompts.encoded(requests, settings, self._context)
        parameters = [
            self._sampling(settings, self._prompts.room(prompt, settings, self._context), seed, request)
            for request, prompt in zip(requests, prompts, strict=True)
        ]
        with _failures_told():
            outputs = self._model.generate(
                [{"prompt_token_ids": prompt} for prompt in prompts], parameters, use_tqdm=False
            )
        return [
            self._prompts.sample(request, prompt, [*output.outputs[0].token_ids], settings, seed)
            for request, prompt, output in zip(requests, prompts, outputs, strict=True)
        ]

    def _sampling(self, settings: SamplingSettings, room: int, seed: int, request: Request) -> Any:
        special = self._prompts.special
        return self._parameters(
            n=1,
            temperature=settings.temperature,
            top_p=settings.top_p,
            top_k=settings.top_k or -1,
            min_p=settings.min_p,
            repetition_penalty=settings.repetition_penalty,
            seed=document_seed(seed, request.index),
            max_tokens=room,
            stop_token_ids=[special.eos],
            logit_bias=dict.fromkeys(special.suppressed, NEVER) or None,
            detokenize=False,
        )


@contextmanager
def _failures_told() -> Iterator[None]:
    """A context in which a failure of vLLM is told as an error of the model."""
    try:
        yield
    except (RuntimeError, ValueError) as error:
        raise ModelNotUsableError(
            f"vLLM cannot sample from this model ({type(error).__name__}), see its log; set synthesize.engine: auto"
        ) from error


def _merged(folder: Path, place: Path, precision: str) -> Path:
    """The place, with the model that an adapter and its base make together."""
    model, _ = load_causal_lm(str(folder), "cpu", precision)
    with storage_errors(place):
        model.save_pretrained(place)
    return place
