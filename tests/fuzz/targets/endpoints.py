"""Answers of a misbehaving completions server: damaged JSON, headers and whole messages."""

from __future__ import annotations

import gzip
import json
import random

from fuzz.bases import SECRET, Bases
from fuzz.case import PORT, Case
from fuzz.mutation import mutate_bytes, mutate_json

SETTINGS = (
    f"endpoint.base_url=http://127.0.0.1:{PORT}/v1", "endpoint.model=notes", "endpoint.attempts=2", "filters.mode=off",
    "endpoint.max_wait_seconds=0.1", "endpoint.timeout_seconds=2", "max_length_tokens=64", "prompts.pii=keep",
)  # fmt: skip
COMMAND = ("synthesize", "lm", "--prompts-file", "prompts.txt", "-n", "3", "--output", "out.jsonl", "--device", "cpu")
COMMAND += tuple(part for each in SETTINGS for part in ("--set", each))
STATUSES = ("204 No", "301 Moved", "400 Bad", "429 Slow", "500 Down", "999 ?", "0 x")
WAITS = (
    "0",
    "-1",
    "1e999",
    "nan",
    "9" * 400,
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Fri, 99 Foo 0000 99:99:99 +9999",
    "\x80",
    "",
)
BODY = {
    "choices": [{"index": 0, "text": f" svar om {SECRET}.", "finish_reason": "stop"}],
    "usage": {"completion_tokens": 7, "prompt_tokens": 6},
}


def draw(rng: random.Random, bases: Bases) -> Case:
    """A case whose server sends damaged answers."""
    body = mutate_json(rng, json.dumps(BODY).encode()) if rng.random() < 0.7 else json.dumps(BODY).encode()
    headers = {"content-type": "application/json"}
    if rng.random() < 0.2:
        coding = rng.choice(("gzip", "deflate", "br", "zstd", "gzip, gzip", "x"))
        headers["content-encoding"] = coding
        body = gzip.compress(body, mtime=0) if rng.random() < 0.5 else body
    if rng.random() < 0.2:
        headers["retry-after"] = rng.choice(WAITS)
    length = len(body) if rng.random() < 0.8 else rng.choice((0, 1, len(body) + 9, -1, 10**30, "x"))
    headers |= {"transfer-encoding": "chunked"} if rng.random() < 0.1 else {"content-length": str(length)}
    answer = _message("200 OK" if rng.random() < 0.8 else rng.choice(STATUSES), headers, body)
    return _case(mutate_bytes(rng, answer) if rng.random() < 0.3 else answer)


def valid(rng: random.Random, bases: Bases) -> list[Case]:
    """A good answer."""
    body = json.dumps(BODY).encode()
    return [_case(_message("200 OK", {"content-length": str(len(body))}, body))]


def _message(status: str, headers: dict[str, str], body: bytes) -> bytes:
    lines = [f"HTTP/1.1 {status} {SECRET}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def _case(answer: bytes) -> Case:
    return Case("endpoints", (COMMAND,), {}, ("lm",), answer)
