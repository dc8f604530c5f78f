"""The two forms in which a server is sent prompts: text, and token ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from deidsynth.errors import EngineError, InputError
from deidsynth.models.language_model.added_tokens import CLOSING
from deidsynth.sampling.answers import Completion
from deidsynth.sampling.engine import Request, Sample, SamplingSettings

if TYPE_CHECKING:  # text needs no tokenizer
    from deidsynth.sampling.token_prompts import TokenPrompts

Form = TypeVar("Form", str, list[int])
"""Of a prompt as sent."""


class SentPrompts(Protocol[Form]):
    """What is sent for a request, and the sample in what comes back."""

    @property
    def fields(self) -> Mapping[str, Any]:
        """Fields of every request beside those of all servers."""

    def sent(self, request: Request, settings: SamplingSettings) -> Form:
        """The prompt as sent."""

    def n_tokens(self, sent: Form) -> int | None:
        """Tokens of a prompt without BOS; None where only the server can count them."""

    def probe(self) -> Mapping[str, Any] | None:
        """Fields of a request that tells whether the server can be used; None if there is nothing to ask."""

    def check_probe(self, completion: Completion) -> None:
        """Refuse a server by its answer to the probe."""

    def sample(self, request: Request, sent: Form, completion: Completion, seed: int) -> Sample:
        """The sample of a request."""


class TextPrompts:
    """Prompts as text, without control codes and inline entity tags; the server has the tokenizer.

    Args:
        empty_prompt: sent for an empty prompt; None if there is none.
    """

    def __init__(self, empty_prompt: str | None) -> None:
        self._empty_prompt = empty_prompt

    @property
    def fields(self) -> Mapping[str, Any]:
        """None: servers answer with text by default."""
        return {}

    def sent(self, request: Request, settings: SamplingSettings) -> str:
        """The prompt as sent.

        Raises:
            InputError: it is empty, and the configuration does not say what to send then.
        """
        if request.prompt:
            return request.prompt
        if self._empty_prompt is None:
            raise InputError(
                f"prompt {request.prompt_number} is empty, which many servers reject; set endpoint.empty_prompt to the "
                "model's BOS token, such as <s>, or to '' if the server adds BOS to every prompt"
            )
        return self._empty_prompt

    def n_tokens(self, sent: str) -> None:
        """None: the server has the tokenizer."""

    def probe(self) -> Mapping[str, Any] | None:
        """None: every completions server takes text."""
        return None

    def check_probe(self, completion: Completion) -> None:
        """There is nothing to check."""

    def sample(self, request: Request, sent: str, completion: Completion, seed: int) -> Sample:
        """The sample; its tokens are those that the server counts."""
        return Sample(
            index=request.index,
            text=request.prompt + completion.text,
            prompt_number=request.prompt_number,
            prompt_characters=len(request.prompt),
            n_tokens=(completion.n_prompt_tokens or 0) + completion.n_tokens,
            ended=completion.ended,
            seed=seed,
        )


class TokenIdPrompts:
    """Prompts as token ids, with BOS, control codes and inline entity tags, made by the tokenizer of the model.

    The answer holds the sampled token ids (vLLM), or the text with its special tokens spelled out.

    Args:
        prompts: of the model that the server has too.
    """

    def __init__(self, prompts: TokenPrompts) -> None:
        self._prompts = prompts
        self._closing = prompts.codec.ids_of([CLOSING])[0] if prompts.codec.added_tokens.inline else None

    @property
    def fields(self) -> Mapping[str, Any]:
        """What asks for token ids, and for special tokens in the text where a server does not know these."""
        return {"return_token_ids": True, "skip_special_tokens": False, "spaces_between_special_tokens": False}

    def sent(self, request: Request, settings: SamplingSettings) -> list[int]:
        """The token ids of the prompt.

        Raises:
            InputError: it leaves no room for text.
        """
        return self._prompts.encoded([request], settings)[0]

    def n_tokens(self, sent: list[int]) -> int:
        """Tokens of a prompt without BOS."""
        return len(sent) - 1

    def probe(self) -> Mapping[str, Any] | None:
        """For a model with inline entity tags, a request for one token that can only be the closing tag."""
        if self._closing is None:
            return None
        return {
            "prompt": [self._prompts.special.bos],
            "max_tokens": 1,
            "temperature": 1.0,  # a high one would divide the bias too
            "logit_bias": {str(self._closing): 100},
        }

    def check_probe(self, completion: Completion) -> None:
        """Refuse a server whose answers are without inline entity tags: all documents would be without entities.

        Raises:
            EngineError: the tag that was asked for is not there.
        """
        ids = completion.token_ids
        if CLOSING not in completion.text if ids is None else ids[:1] != (self._closing,):
            raise EngineError(
                "the endpoint's answers are without inline entity tags; check that it has the model of this run (an "
                "adapter merged, with its tokenizer), and that it shows special tokens: llama.cpp has to be started "
                "with --special; vLLM and SGLang do as they are asked"
            )

    def sample(self, request: Request, sent: list[int], completion: Completion, seed: int) -> Sample:
        """The sample, as an engine in this process would decode it.

        Raises:
            EngineError: the server did not take the token ids as they are, or draws from other ones.
        """
        if completion.n_prompt_tokens not in (None, len(sent)):
            raise EngineError(
                f"prompt {request.prompt_number}: the endpoint counts {completion.n_prompt_tokens} tokens in a prompt "
                f"of {len(sent)} token ids; check that it takes token ids and adds nothing, or set "
                "endpoint.prompts: text"
            )
        if completion.token_ids is None:
            return self._prompts.sample_of_text(
                request, sent, completion.text, completion.n_tokens, seed, ended=completion.ended
            )
        if any(number >= self._prompts.vocabulary for number in completion.token_ids):
            raise EngineError(
                f"prompt {request.prompt_number}: the endpoint's token ids are not all of this model's tokenizer; "
                "check that it has the model of this run"
            )
        return self._prompts.sample_of(request, sent, completion.token_ids, seed, ended=completion.ended)
