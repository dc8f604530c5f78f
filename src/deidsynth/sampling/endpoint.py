"""Sampling from a server of the user with OpenAI's completions API."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import httpx2

from deidsynth.config import EndpointConfig, SynthesizeConfig
from deidsynth.errors import InputError
from deidsynth.sampling.addresses import completions_url, is_local
from deidsynth.sampling.answers import Completion
from deidsynth.sampling.completions import complete, silence
from deidsynth.sampling.engine import Request, Sample, SamplingSettings, batch_seed
from deidsynth.sampling.sent_prompts import SentPrompts, TextPrompts

Result = TypeVar("Result")


class EndpointEngine:
    """An engine for a completions server; each document is a separate request with its own seed.

    The length of a document is limited in tokens. Of a prompt that is sent as text, only the server has the tokenizer:
    a first request for one token gives the number of its tokens. If the server does not report it, the number of UTF-8
    bytes plus one for BOS is an upper bound. The continuation gets the rest of ``max_length_tokens``. BOS and EOS
    count if the server counts them.

    Args:
        config: server and request settings.
        prompts: the form in which prompts are sent; by default text.

    Raises:
        InputError: an address on another machine without ``allow_remote``, a missing API key, or an unreadable
            certificate file.
    """

    def __init__(self, config: EndpointConfig, prompts: SentPrompts[Any] | None = None) -> None:
        self._config = config
        self._prompts: SentPrompts[Any] = prompts or TextPrompts(config.empty_prompt)
        self._url = completions_url(config)
        self._local = is_local(self._url)
        plain = {"content-type": "application/json", "accept-encoding": "identity"}
        self._headers = {**plain, **_authorization(config)}
        self._certificates = _certificates(config, trust_env=not self._local)
        self._prompt_tokens: dict[str, int] = {}  # of text, as counted by the server, or their upper bound
        self._is_probed = False

    def sample_batch(self, requests: Sequence[Request], settings: SamplingSettings, seed: int) -> list[Sample]:
        """The documents of one batch, in order of the requests.

        The first request that fails for good ends the batch and cancels the others.

        Raises:
            InputError: a prompt is empty or leaves no room for text, the server does not accept a parameter of the
                settings, or it rejects a request.
            EngineError: the server gives no usable answer.
        """
        self._check_taken(settings)
        sent = [self._prompts.sent(request, settings) for request in requests]
        if self._local:
            completions_url(self._config)  # localhost may resolve differently now
        return _run(lambda: self._sample_all(requests, sent, settings, seed))

    async def _sample_all(
        self, requests: Sequence[Request], sent: Sequence[Any], settings: SamplingSettings, seed: int
    ) -> list[Sample]:
        silence()
        gate = asyncio.Semaphore(self._config.requests_in_flight)
        async with self._client() as client:

            async def ask(fields: Mapping[str, Any], seed: int, subject: str) -> Completion:
                payload = {**self._payload(settings, seed), **fields}
                async with gate:
                    return await complete(client, self._url, payload, self._config, subject)

            async def count(request: Request, text: str) -> None:
                fields = {"prompt": text, "max_tokens": 1}
                counted = await ask(fields, document_seed(seed, request.index), _subject(request))
                most = len(text.encode()) + 1
                self._prompt_tokens[text] = most if counted.n_prompt_tokens is None else counted.n_prompt_tokens

            async def draw(request: Request, prompt: Any, room: int) -> Sample:
                fields = {"prompt": prompt, "max_tokens": room}
                drawn = await ask(fields, document_seed(seed, request.index), _subject(request))
                return self._prompts.sample(request, prompt, drawn, seed)

            probe = None if self._is_probed else self._prompts.probe()
            if probe is not None:
                self._prompts.check_probe(await ask(probe, seed, "the first request"))
            self._is_probed = True
            fresh = {
                each: request
                for request, each in zip(requests, sent, strict=True)
                if self._prompts.n_tokens(each) is None and each not in self._prompt_tokens
            }
            await _together(count(request, text) for text, request in fresh.items())
            rooms = [self._room(request, each, settings) for request, each in zip(requests, sent, strict=True)]
            return await _together(
                draw(request, each, room) for request, each, room in zip(requests, sent, rooms, strict=True)
            )

    def _client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            headers=self._headers,
            verify=self._certificates,
            timeout=httpx2.Timeout(self._config.timeout_seconds, connect=self._config.connect_timeout_seconds),
            limits=httpx2.Limits(max_connections=self._config.requests_in_flight),
            follow_redirects=False,
            trust_env=not self._local,  # proxies
        )

    def _check_taken(self, settings: SamplingSettings) -> None:
        """Reject settings that the server would ignore; stop strings are also applied here."""
        asked = {
            "top_k": settings.top_k != 0,
            "min_p": settings.min_p != 0.0,
            "repetition_penalty": settings.repetition_penalty != 1.0,
        }
        left_out = [f"synthesize.{name}" for name, wanted in asked.items() if wanted and name not in self._config.takes]
        if left_out:
            raise InputError(
                f"{', '.join(left_out)}: set, but not in endpoint.takes, the parameters that the server accepts; "
                "leave it at its default, or add it there"
            )

    def _room(self, request: Request, sent: Any, settings: SamplingSettings) -> int:
        """Maximum number of tokens of the continuation."""
        known = self._prompts.n_tokens(sent)
        n_tokens = self._prompt_tokens[sent] if known is None else known
        if n_tokens >= settings.max_length_tokens:
            raise InputError(
                f"prompt {request.prompt_number} has {n_tokens} tokens and leaves no room for text: "
                f"synthesize.max_length_tokens is {settings.max_length_tokens}; use a shorter prompt, or raise the "
                "limit if the model allows it"
            )
        return settings.max_length_tokens - n_tokens

    def _payload(self, settings: SamplingSettings, seed: int) -> dict[str, Any]:
        """The fields of every request."""
        extra = {
            "top_k": settings.top_k or self._config.top_k_off,
            "min_p": settings.min_p,
            "repetition_penalty": settings.repetition_penalty,
            "stop": list(settings.stop),
        }
        return {
            "model": self._config.model,
            "temperature": settings.temperature,
            "top_p": settings.top_p,
            "seed": seed,
            "n": 1,
            **{name: extra[name] for name in self._config.takes if extra[name] != []},
            **self._prompts.fields,
        }


def check_endpoint(config: SynthesizeConfig, device: str) -> None:
    """Check the server of a configuration, if it has one, as far as that needs no request, whatever the device.

    Raises:
        InputError: see :class:`EndpointEngine`.
    """
    del device
    if config.endpoint.base_url is not None:
        EndpointEngine(config.endpoint)


def document_seed(seed: int, index: int) -> int:
    """The seed of a document, from the seed of its batch and its number; below 2^31, as some servers require."""
    return batch_seed(seed, index)


def _subject(request: Request) -> str:
    """The name of a request in errors."""
    return f"prompt {request.prompt_number}"


def _authorization(config: EndpointConfig) -> dict[str, str]:
    name = config.api_key_variable
    if name is None:
        return {}
    key = os.environ.get(name, "").strip()
    if not key:
        raise InputError(f"endpoint.api_key_variable: the environment variable {name} is not set")
    if not key.isascii() or not key.isprintable():
        raise InputError(f"endpoint.api_key_variable: {name} contains characters that are invalid in a key")
    return {"authorization": f"Bearer {key}"}


def _certificates(config: EndpointConfig, *, trust_env: bool) -> ssl.SSLContext:
    if config.ca_file is None:
        return httpx2.create_ssl_context(trust_env=trust_env)
    try:
        return ssl.create_default_context(cafile=config.ca_file)
    except (OSError, ValueError):  # SSLError is a subclass of OSError
        raise InputError(
            f"endpoint.ca_file: {config.ca_file} is not a valid certificate file; give a PEM file"
        ) from None


def _run(job: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """The result of a job; in a thread if an event loop is already running, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(job())
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(job())).result()


async def _together(jobs: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
    """The results of all jobs, in order; the first failure cancels the others, and its error is raised."""
    failure: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(job) for job in jobs]
    except BaseExceptionGroup as failures:
        failure = failures.exceptions[0]
    if failure is not None:
        raise failure
    return [task.result() for task in tasks]
