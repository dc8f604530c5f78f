"""What a server answers: read up to a limit, and checked against what was asked for.

A server is not trusted to end: a body without an end, one that unpacks to gigabytes, a text far beyond its token limit
or a count that cannot be is told by name instead of filling memory or a corpus.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from deidsynth.errors import EngineError

# "stop" and "length" are OpenAI's; the others are variants of "stop" in text-generation-inference.
_ENDED = {"stop": True, "eos_token": True, "stop_sequence": True, "length": False}

# Generous, so that only what is out of all proportion is refused: no vocabulary has longer tokens on average, and
# a character takes up to 12 bytes in JSON. Servers differ in whether BOS and EOS count.
_CHARACTERS_PER_TOKEN, _MORE_CHARACTERS = 128, 1024
_BYTES_PER_TOKEN, _MORE_BYTES = 12 * _CHARACTERS_PER_TOKEN, 2**20
_MORE_TOKENS = 64


@dataclass(frozen=True, slots=True, repr=False)
class Completion:
    """The answer of a server.

    Args:
        text: without the prompt.
        ended: whether the model or a stop string ended it; otherwise it was truncated.
        n_tokens: of the text, as counted by the server (most include EOS).
        n_prompt_tokens: as counted by the server (most include BOS); None if it does not report them.
        token_ids: of the text, where the server was asked for them and knows that.
    """

    text: str
    ended: bool
    n_tokens: int
    n_prompt_tokens: int | None
    token_ids: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """The failure of an attempt.

    Args:
        reason: a description that quotes nothing.
        retry_after_seconds: waiting time requested by the server.
    """

    reason: str
    retry_after_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an answer may hold.

    Args:
        n_tokens: of the text, as asked for.
        n_prompt_bytes: of the prompt in UTF-8, or of its token ids; a token is at least one.
        n_bytes: of the whole answer.
    """

    n_tokens: int
    n_prompt_bytes: int
    n_bytes: int

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> Limits:
        """The limits of the answer to a request, which may hold the prompt again."""
        n_tokens, prompt = payload["max_tokens"], payload["prompt"]
        n_prompt_bytes = len((prompt if isinstance(prompt, str) else json.dumps(prompt)).encode())
        return cls(n_tokens, n_prompt_bytes, _MORE_BYTES + 12 * n_prompt_bytes + _BYTES_PER_TOKEN * n_tokens)


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """The parts of a response that are used.

    Args:
        status: of HTTP.
        retry_after: header, if there is one.
        is_compressed: whether it is, although it was asked not to be; it is then not read.
        content: None where it is longer than the limit.
    """

    status: int
    retry_after: str | None
    is_compressed: bool
    content: bytes | None


async def read_answer(response: httpx2.Response, limits: Limits) -> Answer:
    """The answer in a response whose body has not been read; that of a failure is left unread."""
    compressed = response.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity")
    content = bytearray()
    if response.status_code == httpx2.codes.OK and not compressed:
        async for piece in response.aiter_raw():
            content += piece
            if len(content) > limits.n_bytes:
                break
    whole = bytes(content) if len(content) <= limits.n_bytes else None
    return Answer(response.status_code, response.headers.get("retry-after"), compressed, whole)


def completion_of(answer: Answer, limits: Limits, subject: str) -> Completion | Fault:
    """The completion in an answer.

    Args:
        answer: with status 200.
        limits: of what was asked for.
        subject: name of the request in errors.

    Raises:
        EngineError: another format or more than can be, for which a retry is pointless.
    """
    if answer.is_compressed:
        raise EngineError(
            f"{subject}: the endpoint's answer is compressed although it was asked not to be, and is not unpacked; "
            "switch compression off in the server or the proxy before it"
        )
    if answer.content is None:
        raise EngineError(
            f"{subject}: the endpoint's answer has more than {limits.n_bytes:,} bytes for at most {limits.n_tokens} "
            f"tokens; {_REMEDY}"
        )
    try:
        plain = json.loads(answer.content)
    except (ValueError, RecursionError):
        return Fault("the answer is truncated or not JSON")
    try:
        choice, usage = plain["choices"][0], plain["usage"]
        text, reason = choice["text"], choice["finish_reason"]
        n_tokens, n_prompt_tokens = usage["completion_tokens"], usage.get("prompt_tokens")
        ids = choice.get("token_ids")
    except (AttributeError, IndexError, KeyError, TypeError):
        text = None
    if not isinstance(text, str) or not _is_count(n_tokens):
        raise EngineError(
            f"{subject}: the endpoint's answer is not a completion with choices[0].text, choices[0].finish_reason and "
            "usage.completion_tokens; check that endpoint.base_url is an OpenAI-compatible server"
        )
    if ids is not None and not (
        isinstance(ids, list) and len(ids) <= limits.n_tokens + _MORE_TOKENS and all(map(_is_count, ids))
    ):
        raise EngineError(f"{subject}: the endpoint's choices[0].token_ids are no token ids as asked for; {_REMEDY}")
    n_prompt_tokens = n_prompt_tokens if _is_count(n_prompt_tokens) else None
    _check_proportions(text, n_tokens, n_prompt_tokens, limits, subject)
    ended = _ENDED.get(reason) if isinstance(reason, str) else None
    if ended is None:
        return Fault("the text is incomplete (finish_reason is neither stop nor length)")
    whole = text.encode("utf-16", "surrogatepass").decode(
        "utf-16", "replace"
    )  # half a surrogate pair is not valid text
    return Completion(whole, ended, n_tokens, n_prompt_tokens, None if ids is None else tuple(ids))


_REMEDY = "check that the server obeys max_tokens, and that endpoint.base_url is an OpenAI-compatible server"


def _check_proportions(text: str, n_tokens: int, n_prompt_tokens: int | None, limits: Limits, subject: str) -> None:
    most = _CHARACTERS_PER_TOKEN * limits.n_tokens + _MORE_CHARACTERS
    if len(text) > most:
        raise EngineError(
            f"{subject}: the endpoint's text has {len(text):,} characters for at most {limits.n_tokens} tokens; "
            f"{_REMEDY}"
        )
    if n_tokens > limits.n_tokens + _MORE_TOKENS:
        raise EngineError(
            f"{subject}: the endpoint counts more tokens (usage.completion_tokens) than the {limits.n_tokens} asked "
            f"for; {_REMEDY}"
        )
    if n_prompt_tokens is not None and n_prompt_tokens > limits.n_prompt_bytes + _MORE_TOKENS:
        raise EngineError(
            f"{subject}: the endpoint counts more tokens in the prompt (usage.prompt_tokens) than it has bytes; check "
            "that endpoint.base_url is an OpenAI-compatible server that adds nothing to prompts"
        )


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
