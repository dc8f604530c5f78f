"""The types of ASGI, and answers that are sent without a framework."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def header(scope: Scope, name: bytes) -> str:
    """A header of a request; empty if it is not there."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def plain_error(code: str, message: str, places: list[list[str | int]] | None = None) -> dict[str, Any]:
    """An error as every answer tells it.

    Args:
        code: for programs.
        message: for people: what to do. It never quotes the request.
        places: of what is wrong in a request, as keys and numbers.
    """
    return {"error": {"code": code, "message": message, "places": places or []}}


async def answer(send: Send, status: int, content: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
    """Send an answer in JSON."""
    body = json.dumps(content).encode()
    named = {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})}
    plain = [(key.encode("latin-1"), value.encode("latin-1")) for key, value in named.items()]
    await send({"type": "http.response.start", "status": status, "headers": plain})
    await send({"type": "http.response.body", "body": body})
