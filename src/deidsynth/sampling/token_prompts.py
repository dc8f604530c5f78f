"""Documents as token ids: what a model reads of a request, and the sample that its continuation makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from transformers import PreTrainedTokenizerBase

from deidsynth.errors import InputError
from deidsynth.models.language_model.added_tokens import ReadText
from deidsynth.models.language_model.codec import Codec
from deidsynth.models.language_model.packing import SpecialTokenIds
from deidsynth.sampling.engine import Request, Sample, SamplingSettings


class TokenPrompts:
    """Encodes requests and decodes continuations, for every engine that works with token ids.

    Args:
        tokenizer: of the model.
        codec: knows inline entity tags and control codes; by default plain text.

    Attributes:
        vocabulary: every token id is below it.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, codec: Codec | None = None) -> None:
        self.codec = codec or Codec(tokenizer)
        self.vocabulary = max(tokenizer.get_vocab().values()) + 1  # ids may have gaps
        self.special = replace(
            SpecialTokenIds.of(tokenizer), added=self.codec.added_ids, suppressed=self.codec.control_code_ids
        )

    def encoded(
        self, requests: Sequence[Request], settings: SamplingSettings, context: int | None = None
    ) -> list[list[int]]:
        """The token ids of each request: BOS, control codes, and the prompt with its inline entity tags.

        Args:
            requests: of a batch.
            settings: with the maximum length.
            context: of the model, in tokens; None where only a server knows it.

        Raises:
            InputError: a prompt leaves no room for text.
        """
        prompts = [[self.special.bos, *self._start(request)] for request in requests]
        longest = settings.max_length_tokens if context is None else min(settings.max_length_tokens, context - 1)
        for request, prompt in zip(requests, prompts, strict=True):
            if len(prompt) - 1 >= longest:
                limits = "" if context is None else f"the context of the model is {context}, "
                raise InputError(
                    f"prompt {request.prompt_number} has {len(prompt) - 1} tokens and leaves no room for text: "
                    f"{limits}synthesize.max_length_tokens is {settings.max_length_tokens}; use a shorter prompt, or "
                    "raise the limit if the model allows it"
                )
        return prompts

    def room(self, prompt: Sequence[int], settings: SamplingSettings, most: int) -> int:
        """The most tokens of a continuation, with one for the EOS of a text of maximum length.

        Args:
            prompt: its token ids, including BOS.
            settings: with the maximum length.
            most: tokens of prompt and continuation that the model can have.
        """
        return min(settings.max_length_tokens + 2, most) - len(prompt)

    def sample(
        self,
        request: Request,
        prompt: Sequence[int],
        continuation: Sequence[int],
        settings: SamplingSettings,
        seed: int,
    ) -> Sample:
        """The sample of a request, without EOS; one that did not end is without its last token.

        Args:
            request: as given.
            prompt: its token ids.
            continuation: sampled after it, of at most ``room`` tokens, else cut.
            settings: with the maximum length.
            seed: of the batch.
        """
        kept = list(continuation[: settings.max_length_tokens + 2 - len(prompt)])
        ended = self.special.eos in kept
        return self.sample_of(request, prompt, kept if ended else kept[:-1], seed, ended=ended)

    def sample_of(
        self, request: Request, prompt: Sequence[int], ids: Sequence[int], seed: int, *, ended: bool
    ) -> Sample:
        """The sample with exactly these tokens up to EOS; arguments as for ``sample``."""
        kept = list(ids[: ids.index(self.special.eos)] if self.special.eos in ids else ids)
        read = self.codec.decode(prompt[1:], kept, request.prompt, request.entities, is_open=request.is_open)
        return self._made(request, read, len(prompt) - 1 + len(kept), seed, ended=ended)

    def sample_of_text(
        self, request: Request, prompt: Sequence[int], text: str, n_tokens: int, seed: int, *, ended: bool
    ) -> Sample:
        """The sample with a continuation as text, in which special tokens are spelled out.

        Args:
            request: as given.
            prompt: its token ids.
            text: the continuation.
            n_tokens: of the continuation.
            seed: of the batch.
            ended: whether the document ended.
        """
        read = self.codec.read(prompt[1:], text, request.prompt, request.entities, is_open=request.is_open)
        return self._made(request, read, len(prompt) - 1 + n_tokens, seed, ended=ended)

    def _start(self, request: Request) -> list[int]:
        return self.codec.encode_start(
            request.prompt, request.entities, is_open=request.is_open, control_codes=request.control_codes
        )

    def _made(self, request: Request, read: ReadText, n_tokens: int, seed: int, *, ended: bool) -> Sample:
        return Sample(
            index=request.index,
            text=read.text,
            prompt_number=request.prompt_number,
            prompt_characters=len(request.prompt),
            n_tokens=n_tokens,
            ended=ended,
            seed=seed,
            entities=read.entities,
            n_special_tokens=read.n_special_tokens,
            repairs=read.repairs if self.codec.added_tokens else None,
            control_codes_document=request.control_codes_document,
        )
