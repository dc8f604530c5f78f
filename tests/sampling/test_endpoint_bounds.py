"""Servers that answer without end, without measure or with counts that cannot be."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from deidsynth.config import EndpointConfig, RunConfig, SynthesizeConfig, parse
from deidsynth.errors import ConfigError, DeidsynthError, EngineError, InputError
from deidsynth.sampling import completions
from deidsynth.sampling.completions import _retry_after
from deidsynth.sampling.endpoint import EndpointEngine, check_endpoint
from deidsynth.sampling.engine import Request, Sample, SamplingSettings

SECRET = "Ektorin Tåbring"
YEAR = 365 * 24 * 3600


class RawServer:
    """A server that sends the same bytes to everyone, the last of them again and again if it is to have no end."""

    def __init__(self, head: bytes, body: bytes, again: bytes = b"") -> None:
        self._head, self._body, self._again = head, body, again
        self.heads: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                try:
                    self.heads.append(connection.recv(1 << 16))
                    connection.sendall(self._head + self._body)
                    while self._again:
                        connection.sendall(self._again)
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(1 << 16):
                        pass
                except OSError:
                    pass

    def close(self) -> None:
        self._socket.close()


Start = Callable[..., RawServer]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    monkeypatch.setattr(completions, "BACKOFF_SECONDS", 0.01)
    started: list[RawServer] = []

    def make(body: bytes, *headers: str, status: str = "200 OK", again: bytes = b"") -> RawServer:
        lines = [f"HTTP/1.1 {status}", *headers]
        if not again:
            lines.append(f"content-length: {len(body)}")
        started.append(RawServer("\r\n".join([*lines, "", ""]).encode("latin-1"), body, again))
        return started[-1]

    yield make
    for server in started:
        server.close()


def answer(text: str = f" om {SECRET}", **usage: Any) -> bytes:
    counts = {"completion_tokens": 5, "prompt_tokens": 3} | usage
    return json.dumps({"choices": [{"text": text, "finish_reason": "stop"}], "usage": counts}).encode()


def sampled(server: RawServer, **options: Any) -> list[Sample]:
    config = EndpointConfig(
        base_url=f"http://127.0.0.1:{server.port}/v1",
        model="notes",
        **{"attempts": 2, "timeout_seconds": 5, "max_wait_seconds": 1} | options,
    )
    return EndpointEngine(config).sample_batch([Request(0, SECRET, 0)], SamplingSettings(max_length_tokens=50), 1)


def refused(server: RawServer, words: str, **options: Any) -> None:
    with pytest.raises(EngineError, match=words) as caught:
        sampled(server, **options)
    assert SECRET not in str(caught.value) and len(str(caught.value)) < 500


def test_a_plain_answer_is_asked_for_and_taken(start: Start) -> None:
    server = start(answer())
    (sample,) = sampled(server)
    assert sample.text == f"{SECRET} om {SECRET}"
    assert all(b"accept-encoding: identity" in head.lower() for head in server.heads)


@pytest.mark.parametrize("again", [b" " * 65536, b'{"choices": [' * 5000])
def test_a_body_without_end_is_read_up_to_a_limit(start: Start, again: bytes) -> None:
    tracemalloc.start()
    try:
        refused(start(b"{", again=again), r"prompt 0: the endpoint's answer has more than [\d,]+ bytes")
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "x"])
def test_a_compressed_answer_is_not_unpacked(start: Start, coding: str) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    refused(start(bomb, f"content-encoding: {coding}"), "is compressed although it was asked not to be.*switch")


def test_an_answer_that_names_its_plain_coding_is_taken(start: Start) -> None:
    assert sampled(start(answer(), "content-encoding: identity"))


def test_headers_without_end_are_a_lost_connection() -> None:
    server = RawServer(b"HTTP/1.1 200 OK\r\n", b"", again=b"x: y\r\n" * 1000)
    refused(server, "last failure: connection lost")
    server.close()


def test_a_text_far_longer_than_its_limit_is_refused(start: Start) -> None:
    refused(
        start(answer("ord " * 50_000)), "text has 200,000 characters for at most 1 tokens; check that the server obeys"
    )


@pytest.mark.parametrize("count", [1_000, 10**30, 10**4000])
@pytest.mark.parametrize("name", ["completion_tokens", "prompt_tokens"])
def test_counts_that_cannot_be_are_refused(start: Start, name: str, count: int) -> None:
    refused(start(answer(**{name: count})), rf"prompt 0: the endpoint counts more tokens .*\(usage\.{name}\)")


@pytest.mark.parametrize("name", ["completion_tokens", "prompt_tokens"])
def test_a_number_that_python_does_not_read_is_no_answer(start: Start, name: str) -> None:
    body = answer(**{name: 4711}).replace(b"4711", b"9" * 5000)
    refused(start(body), "last failure: the answer is truncated or not JSON")


@pytest.mark.parametrize("value", ["9" * 300, "1e300", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_wait_of_ages_is_told_as_a_year(start: Start, value: str) -> None:
    refused(start(b"", f"retry-after: {value}", status="503 Busy"), rf"asks to wait {YEAR} s; try later")


@pytest.mark.parametrize("value", ["9" * 400, "1e999", "Fri, 99 Foo 0000 99:99:99 +9999", "Fri, 1 Jan 1 0:0:0 +2359"])
def test_a_wait_that_is_none_is_ignored(start: Start, value: str) -> None:
    refused(start(b"", f"retry-after: {value}", status="503 Busy"), "no answer from the endpoint in 2 attempts")


@given(
    st.text(max_size=60) | st.from_regex(r"\w{3}, \d{1,4} \w{3} \d{1,5} \d{1,3}:\d\d:\d\d [+-]\d{1,9}", fullmatch=True)
)
@settings(max_examples=300)
def test_any_header_is_a_wait_of_at_most_a_year(value: str) -> None:
    assert 0 <= _retry_after(value) <= YEAR


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(
    place=st.sampled_from(["choices", "usage", "text", "finish_reason", "completion_tokens", "prompt_tokens", ""]),
    value=json_values,
)
@settings(max_examples=60)
def test_any_answer_is_a_text_or_a_named_fault(place: str, value: Any) -> None:
    body = json.loads(answer())
    holders = {"choices": body, "usage": body, "text": body["choices"][0], "finish_reason": body["choices"][0]}
    if place:
        holders.get(place, body["usage"])[place] = value
    content = json.dumps(body if place else value).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(content)}\r\n\r\n".encode()
    server = RawServer(head, content)
    try:
        (sample,) = sampled(server, attempts=1)
        assert isinstance(sample.text, str) and 0 <= sample.n_tokens < 1000
    except DeidsynthError as error:
        assert isinstance(error, EngineError) and SECRET not in str(error)
    finally:
        server.close()


@pytest.mark.parametrize("port", ["99999", "65536", "0", "-1", "80x", "8000:9", "9" * 5000])
def test_a_port_out_of_range_is_a_fault_of_the_configuration(port: str) -> None:
    data = {"synthesize": {"endpoint": {"base_url": f"http://127.0.0.1:{port}/v1", "model": "notes"}}}
    with pytest.raises(ConfigError, match=r"synthesize\.endpoint\.base_url: (not an address|expected a port)"):
        parse(RunConfig, data)


def test_what_an_endpoint_lacks_is_told_before_a_model_is_adapted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTES_KEY", raising=False)
    address = {"base_url": "http://127.0.0.1:1/v1", "model": "notes"}
    check_endpoint(parse(SynthesizeConfig, {"endpoint": address}), "cpu")
    check_endpoint(parse(SynthesizeConfig, {}), "cpu")
    for wrong, words in (
        ({"api_key_variable": "NOTES_KEY"}, "NOTES_KEY is not set"),
        ({"ca_file": "/nowhere.pem"}, "not a valid certificate file"),
        ({"base_url": "http://192.0.2.1/v1"}, "not an address of this machine"),
    ):
        with pytest.raises(InputError, match=words):
            check_endpoint(parse(SynthesizeConfig, {"endpoint": address | wrong}), "cpu")
