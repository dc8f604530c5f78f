from __future__ import annotations

import socket
import traceback
from typing import Any

import pytest
from tenacity import AsyncRetrying, RetryCallState

from deidsynth.config import EndpointConfig, parse
from deidsynth.errors import ConfigError, DeidsynthError, EngineError, InputError
from deidsynth.sampling.completions import Fault, _retry_after, _wait
from deidsynth.sampling.endpoint import EndpointEngine, document_seed
from deidsynth.sampling.engine import Request, SamplingSettings

KEY = "key-4711-not-to-be-shown"


def shown(error: BaseException) -> str:
    """Everything that a traceback may show of an error."""
    return "".join(traceback.format_exception(error)) + repr(error) + repr(error.__context__) + repr(error.__cause__)


@pytest.mark.parametrize("value", [None, " ", f"{KEY}\nx: y", f"{KEY}å"])
def test_a_key_that_cannot_be_is_refused(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("NOTES_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("NOTES_KEY", value)
    config = EndpointConfig(base_url="http://127.0.0.1:1/v1", model="notes", api_key_variable="NOTES_KEY")
    with pytest.raises(InputError, match="NOTES_KEY") as caught:
        EndpointEngine(config)
    assert KEY not in shown(caught.value)


REMOTE = (
    "http://192.0.2.1:8000/v1",
    "http://0.0.0.0:8000/v1",
    "http://[2001:db8::1]/v1",
    "http://[::ffff:192.0.2.1]/v1",
    "https://notes.example.org/v1",
    "http://localhost.example.org/v1",
    "http://127.0.0.1.example.org/v1",
    "http://127.1/v1",
    "http://2130706433/v1",
    "http://127.0.0.1%2eexample.org/v1",
    "http://127.0.0.1\\.example.org/v1",
)


@pytest.mark.parametrize("address", REMOTE)
def test_an_address_elsewhere_is_refused_unless_allowed(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("a name was looked up"))
    with pytest.raises(InputError, match="not an address of this machine|cannot be read"):
        EndpointEngine(EndpointConfig(base_url=address, model="notes"))
    if "\\" not in address and "%" not in address:
        EndpointEngine(EndpointConfig(base_url=address, model="notes", allow_remote=True))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "[::1]", "localhost", "LOCALHOST", "[::ffff:127.0.0.1]"])
def test_addresses_of_this_machine_are_taken(host: str) -> None:
    EndpointEngine(EndpointConfig(base_url=f"http://{host}:8000/v1/", model="notes"))


def test_a_localhost_that_is_elsewhere_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    one = EndpointEngine(EndpointConfig(base_url="http://localhost:8000/v1", model="notes"))
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 8000)) for host in ("127.0.0.1", "192.0.2.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(InputError, match="not an address of this machine"):
        EndpointEngine(EndpointConfig(base_url="http://localhost:8000/v1", model="notes"))
    with pytest.raises(InputError, match="not an address of this machine"):
        one.sample_batch([Request(0, "a", 0)], SamplingSettings(), 1)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"base_url": "http://127.0.0.1/v1"}, "go together"),
        ({"base_url": "127.0.0.1:8000/v1", "model": "a"}, "starts with http"),
        ({"base_url": f"http://me:{KEY}@127.0.0.1/v1", "model": "a"}, "expected no user, password"),
        ({"base_url": f"http://127.0.0.1/v1?key={KEY}", "model": "a"}, "expected no user, password"),
        ({"base_url": "http://127.0.0.1/v1/completions", "model": "a"}, "without a trailing /completions"),
        ({"base_url": "http://[127.0.0.1/v1", "model": "a"}, "not an address"),
        ({"api_key_variable": KEY}, "not the key itself"),
        ({"api_key_variable": 4711}, "not the key itself"),
        ({"api_key": KEY}, "did you mean api_key_variable"),
        ({"requests_in_flight": 0}, "requests_in_flight: input should be greater than or equal to 1$"),
        ({"takes": ["mirostat"]}, "takes.0"),
    ],
)
def test_configurations_that_cannot_be(data: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        parse(EndpointConfig, data)
    assert KEY not in shown(caught.value) and "4711" not in shown(caught.value)


def test_no_server_is_no_engine() -> None:
    with pytest.raises(InputError, match="are not set"):
        EndpointEngine(EndpointConfig())


def test_waits_double_up_to_the_longest() -> None:
    state = RetryCallState(AsyncRetrying(), None, (), {})
    for attempt, longest in [(1, 1), (2, 2), (4, 8), (5, 10), (5000, 10)]:
        state.attempt_number = attempt
        state.set_result(Fault("HTTP 503"))
        assert longest / 2 <= _wait(10)(state) <= longest
        state.set_result(Fault("HTTP 503", retry_after_seconds=9.5))
        assert 9.5 <= _wait(10)(state) <= 10


@pytest.mark.parametrize("value", [None, "", "soon", "-3", "nan", "inf", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_what_is_no_time_to_wait(value: str | None) -> None:
    assert _retry_after(value) == 0


def test_seeds_differ_by_document_and_batch() -> None:
    seeds = {document_seed(batch, index) for batch in range(20) for index in range(500)}
    assert len(seeds) == 20 * 500 and all(0 <= each < 2**31 for each in seeds)
    assert issubclass(EngineError, DeidsynthError) and EngineError.exit_code == 3
