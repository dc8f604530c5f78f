"""What the service takes at most, so that its memory and its answers stay within bounds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the service.

    Args:
        n_requests: that are read, wait or are worked on at once; the next one gets 503.
        body_bytes: of one request; a longer one gets 413 as soon as it is that long.
        seconds: that a request may take from the end of its headers to the last byte of its answer.
        batch_documents: that the model gets at once.
        batch_characters: of a batch; a longer document is a batch of its own.
        retry_after_seconds: what a refused client is told to wait.
        n_connections: open at once; further ones get a bare 503.
    """

    n_requests: int = 64
    body_bytes: int = 1_000_000
    seconds: float = 60.0
    batch_documents: int = 32
    batch_characters: int = 100_000
    retry_after_seconds: int = 1
    n_connections: int = 1_000
