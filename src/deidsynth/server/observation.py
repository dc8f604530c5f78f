"""What is told of requests: a line in the log and figures for Prometheus; never text, nor anything a client chose."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from deidsynth.deidentification.deidentified import Deidentified
from deidsynth.errors import type_and_place
from deidsynth.server.asgi import Application, Message, Receive, Scope, Send, answer, plain_error

log = logging.getLogger(__name__)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
_OTHER = "other"
_PROBES = frozenset({"/livez", "/readyz"})  # asked every few seconds

_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
"""Of every answer: a page of this service runs and requests only what the service ships; nothing is kept."""


class Figures:
    """What Prometheus reads."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        make = {"namespace": "deidsynth", "registry": self._registry}
        self.requests = Counter("requests", "Answers by path and status.", ["path", "status"], **make)
        self.seconds = Histogram("request_seconds", "Time until an answer was complete, by path.", ["path"], **make)
        self.inside = Gauge("requests_inside", "Requests that are read, wait or are worked on.", **make)
        self._documents = Counter("documents", "Documents that were de-identified.", **make)
        self._entities = Counter("entities", "Entities that were found, by label and by who found them.",
                                 ["label", "source"], **make)  # fmt: skip

    def count(self, found: Iterable[Deidentified]) -> None:
        """Count documents that were de-identified, and what was found in them."""
        for each in found:
            self._documents.inc()
            for replacement in each.replacements:
                self._entities.labels(replacement.label, replacement.source).inc()

    def text(self) -> bytes:
        """All of it as Prometheus reads it."""
        return bytes(generate_latest(self._registry))


class Observation:
    """Tells of every request when it is answered, and turns what nobody expected into an answer without details.

    Args:
        app: whose requests are observed.
        paths: that may be named; any other is ``other``, since a client could write anything into it.
        figures: that count them.
        clock: gives seconds.
    """

    def __init__(
        self,
        app: Application,
        *,
        paths: Iterable[str],
        figures: Figures,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._app, self._paths, self._figures, self._clock = app, frozenset(paths), figures, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, and tell of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, number, status = self._clock(), secrets.token_hex(4), 0
        state = scope.setdefault("state", {})
        state["number"] = number

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = {**_HEADERS, "x-request-id": number}
                kept = [(key, value) for key, value in message["headers"] if key.decode("latin-1").lower() not in own]
                message["headers"] = kept + [(key.encode(), value.encode()) for key, value in own.items()]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as error:
            log.error("request %s: unexpected %s", number, type_and_place(error))
            if not status:
                message = "the service has failed; its log says where, under the number in X-Request-Id"
                await answer(noted, 500, plain_error("failed", message))
        path = scope["path"] if scope["path"] in self._paths else _OTHER
        method = scope["method"] if scope["method"] in _METHODS else _OTHER
        seconds = self._clock() - began
        told = str(status or "gone")
        self._figures.requests.labels(path, told).inc()
        self._figures.seconds.labels(path).observe(seconds)
        owner = f" key={state['owner']}" if "owner" in state else ""
        quiet = path in _PROBES and status == 200
        log.log(
            logging.DEBUG if quiet else logging.INFO,
            "%s %s %s %.3fs request=%s%s",
            method,
            path,
            told,
            seconds,
            number,
            owner,
        )
