"""One completion from a server, with retries.

Errors are described in our own words, because messages of the server or the HTTP library may quote a prompt or answer.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import random
import ssl
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2
from tenacity import AsyncRetrying, RetryCallState, retry_if_result, stop_after_attempt, wait_exponential

from deidsynth.config import EndpointConfig
from deidsynth.errors import EngineError, InputError
from deidsynth.sampling.answers import Completion, Fault, Limits, completion_of, read_answer

_PASSING = frozenset({408, 425, 429})  # and all from 500: a retry may succeed

# Before the second attempt, then doubled: short after a hiccup, and with the default of eight attempts
# long enough for a server to restart.
BACKOFF_SECONDS = 1.0

_LONGEST_WAIT_SECONDS = 365 * 24 * 3600.0

_LOGGERS = ("httpx2", *(f"httpcore2.{name}" for name in ("connection", "http11", "http2", "proxy", "socks")))
_silent: ContextVar[bool] = ContextVar("silent", default=False)


class _Silence(logging.Filter):
    """Suppresses the HTTP library's log of our requests, which quotes headers, status lines and broken answers."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is logged."""
        return not _silent.get()


_SILENCE = _Silence()


def silence() -> None:
    """Silence the HTTP library's log in the current context."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_SILENCE)
    _silent.set(True)


async def complete(
    client: httpx2.AsyncClient, url: httpx2.URL, payload: Mapping[str, Any], config: EndpointConfig, subject: str
) -> Completion:
    """One completion.

    Args:
        client: a client that does not follow redirects.
        url: of the server's completions.
        payload: the request.
        config: attempts, waits and timeouts.
        subject: name of the request in errors.

    Raises:
        InputError: the server rejects or redirects the request, or its certificate cannot be verified.
        EngineError: no usable answer after all attempts, or an answer of another format.
    """
    content, limits = json.dumps(payload).encode(), Limits.of(payload)
    retrying = AsyncRetrying(
        sleep=asyncio.sleep,
        retry=retry_if_result(
            lambda outcome: isinstance(outcome, Fault) and outcome.retry_after_seconds <= config.max_wait_seconds
        ),
        stop=stop_after_attempt(config.attempts),
        wait=_wait(config.max_wait_seconds),
        retry_error_callback=_outcome,
    )
    outcome: Completion | Fault = await retrying(_attempt, client, url, content, limits, config, subject)
    if isinstance(outcome, Completion):
        return outcome
    if outcome.retry_after_seconds > config.max_wait_seconds:
        raise EngineError(
            f"{subject}: {outcome.reason}, and the server asks to wait {outcome.retry_after_seconds:.0f} s; try "
            f"later, or raise endpoint.max_wait_seconds (now {config.max_wait_seconds:g})"
        )
    raise EngineError(
        f"{subject}: no answer from the endpoint in {config.attempts} attempts; last failure: {outcome.reason}. Check "
        "that the server is running and read its log, then run again: finished batches are kept"
    )


def _wait(longest_seconds: float) -> Callable[[RetryCallState], float]:
    """The waiting time in seconds: doubled with each attempt, with random jitter of up to half.

    A longer time requested by the server takes precedence.
    """
    doubled = wait_exponential(multiplier=BACKOFF_SECONDS, max=longest_seconds)
    return lambda state: max(_asked(state), doubled(state) * random.uniform(0.5, 1.0))


def _outcome(state: RetryCallState) -> Completion | Fault | None:
    return state.outcome.result() if state.outcome is not None else None


def _asked(state: RetryCallState) -> float:
    """Waiting time requested by the server, in seconds."""
    outcome = _outcome(state)
    return outcome.retry_after_seconds if isinstance(outcome, Fault) else 0.0


async def _attempt(
    client: httpx2.AsyncClient, url: httpx2.URL, content: bytes, limits: Limits, config: EndpointConfig, subject: str
) -> Completion | Fault:
    # Errors are raised outside of the handler, so that they do not carry the exception as their context.
    untrusted = False
    try:
        async with (
            asyncio.timeout(config.timeout_seconds),
            client.stream("POST", url, content=content) as response,
        ):
            answer = await read_answer(response, limits)
    except (TimeoutError, httpx2.TimeoutException):
        return Fault("timeout (endpoint.timeout_seconds, endpoint.connect_timeout_seconds)")
    except httpx2.ConnectError as error:
        untrusted = _is_about_certificates(error)
        if not untrusted:
            return Fault("connection failed")
    except httpx2.RequestError:
        return Fault("connection lost")
    if untrusted:
        raise InputError(
            "the endpoint's certificate cannot be verified; set endpoint.ca_file to its certificate authority"
        )
    if answer.status == httpx2.codes.OK:
        return completion_of(answer, limits, subject)
    if answer.status in _PASSING or answer.status >= 500:
        return Fault(f"HTTP {answer.status}", _retry_after(answer.retry_after))
    raise InputError(f"{subject}: {_refusal(answer.status)}")


def _is_about_certificates(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _refusal(status: int) -> str:
    head = f"the endpoint rejected the request (HTTP {status})"
    if 300 <= status < 400:
        return f"{head}: redirects are not followed; set endpoint.base_url to the final address"
    if status in (401, 403):
        return f"{head}; check that endpoint.api_key_variable names the variable with a valid key"
    if status == 404:
        return f"{head}; check the end of endpoint.base_url (/v1 for most servers) and endpoint.model"
    return (
        f"{head}; check that synthesize.max_length_tokens fits into the server's context, and that endpoint.takes, "
        "top_k_off, empty_prompt and prompts suit the server. Its message may quote the prompt and is not shown; see "
        "the server's log"
    )


def _retry_after(value: str | None) -> float:
    """Seconds to wait, from a header with seconds or a date, at most a year; 0 if it has neither."""
    if value is None:
        return 0.0
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
            seconds = (moment - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError, OverflowError):
            return 0.0
    return min(max(0.0, seconds), _LONGEST_WAIT_SECONDS) if math.isfinite(seconds) else 0.0
