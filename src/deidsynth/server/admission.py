"""Who is let in, how much at once, and for how long: decided before a request is read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any

from deidsynth.loopback import is_loopback
from deidsynth.server.asgi import Application, Message, Receive, Scope, Send, answer, header, plain_error
from deidsynth.server.keys import ApiKeys
from deidsynth.server.limits import Limits

OPEN = frozenset({"/", "/docs", "/openapi.json", "/livez", "/readyz"})
"""Paths without a key: they hold nothing but what the package ships, and whether the service is up."""

PAGE = "/page/"
"""Below it are the files of the page, which need no key either."""

COMPUTING = frozenset({"/v1/deidentify", "/v1/batch", "/v1/compare"})
"""Paths whose requests hold text, and a place while they are here; no other body is ever read."""


class Admission:
    """Lets a request in, with its whole body, or refuses it.

    A request to compute holds one of ``n_requests`` places from before it is read until it is answered: what the
    service holds in memory is bounded by places and body limit.

    Args:
        app: gets what is let in.
        limits: of the service.
        keys: that are accepted; None if the service is for this machine and needs none. Then a name in ``Host`` that is
            not this machine's is refused, so that no web page can reach the service under a name of its own.
    """

    def __init__(self, app: Application, *, limits: Limits, keys: ApiKeys | None) -> None:
        self._app, self._limits, self._keys = app, limits, keys
        self.n_inside = 0
        """Requests that hold a place."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            status, content, headers = refusal
            await answer(send, status, content, headers)
        elif _computes(scope):
            await self._computed(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, dict[str, Any], dict[str, str]] | None:
        """Why a request is not even read: status, content and headers; None if it is."""
        path, host = scope["path"], _host(scope)
        if self._keys is None and not (host == "localhost" or is_loopback(host)):
            message = "without API keys the service answers to the names of its own machine only; see docs/serve.md"
            return 421, plain_error("other_host", message), {}
        if self._keys is not None and path not in OPEN and not path.startswith(PAGE):
            scheme, _, key = header(scope, b"authorization").partition(" ")
            owner = self._keys.owner(key.strip()) if scheme.lower() == "bearer" else None
            if owner is None:
                message = "send a valid API key: Authorization: Bearer KEY"
                return 401, plain_error("no_key", message), {"www-authenticate": "Bearer"}
            scope.setdefault("state", {})["owner"] = owner
        if not _computes(scope):
            return None
        if header(scope, b"content-type").partition(";")[0].strip().lower() != "application/json":
            return 415, plain_error("not_json", "send JSON with the header Content-Type: application/json"), {}
        if self.n_inside >= self._limits.n_requests:
            return self._busy("all places are taken; try again later")
        return None

    def _busy(self, message: str) -> tuple[int, dict[str, Any], dict[str, str]]:
        return 503, plain_error("busy", message), {"retry-after": str(self._limits.retry_after_seconds)}

    async def _computed(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read a request and hand it on, in one of the places and within the time limit."""
        is_read = is_answered = False

        async def noted(message: Message) -> None:
            nonlocal is_answered
            is_answered = True
            await send(message)

        self.n_inside += 1
        try:
            async with asyncio.timeout(self._limits.seconds):
                body = await self._body(scope, receive)
                is_read = True
                if body is None:
                    message = f"a request may be {self._limits.body_bytes} bytes long; send less text at once"
                    await answer(noted, 413, plain_error("too_large", message))
                    return
                await _while_there(self._app(scope, _replayed(body), noted), receive)
        except TimeoutError:
            if is_answered:
                return  # whoever does not read its answer in time loses the connection
            if is_read:
                status, content, headers = self._busy("the time limit has passed; try again later, or send less text")
                await answer(send, status, content, headers)
            else:
                await answer(send, 408, plain_error("too_slow", "the request did not arrive within the time limit"))
        except _GoneError:
            return
        finally:
            self.n_inside -= 1

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        """The whole body; None as soon as it is known to be too long."""
        announced = header(scope, b"content-length")
        if announced.isdecimal() and int(announced[:20]) > self._limits.body_bytes:
            return None
        body = bytearray()
        while True:
            message: Mapping[str, Any] = await receive()
            if message["type"] == "http.disconnect":
                raise _GoneError
            body += message.get("body", b"")
            if len(body) > self._limits.body_bytes:
                return None
            if not message.get("more_body", False):
                return bytes(body)


class _GoneError(Exception):
    """The client has gone before it was answered."""


async def _while_there(answering: Awaitable[None], receive: Receive) -> None:
    """Wait for an answer, or cancel it as soon as the client has gone; either way it is at its end then.

    Args:
        answering: what answers the client.
        receive: where its going is told, once the body has been read.
    """

    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    work, watch = asyncio.ensure_future(answering), asyncio.ensure_future(gone())
    try:
        await asyncio.wait((work, watch), return_when=asyncio.FIRST_COMPLETED)
    finally:
        work.cancel()
        watch.cancel()
        await asyncio.gather(work, watch, return_exceptions=True)  # a fault that nobody fetched would be logged
    if work.cancelled():
        raise _GoneError
    work.result()


def _computes(scope: Scope) -> bool:
    return scope["method"] == "POST" and scope["path"] in COMPUTING


def _host(scope: Scope) -> str:
    """The name or address in ``Host``, without port and brackets, in lower case."""
    host = header(scope, b"host").lower()
    name, colon, port = host.rpartition(":")
    if colon and port.isdecimal():
        host = name
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def _replayed(body: bytes) -> Receive:
    """A source of messages that gives the body that was read, then nothing: who watches the client is another."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return messages.pop() if messages else await asyncio.get_running_loop().create_future()

    return next_message
