"""Who is let in, how much at once, and for how long."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx2 as httpx
import pytest

pytest.importorskip("fastapi")

from deidsynth.documents import Document
from deidsynth.server.admission import Admission
from deidsynth.server.asgi import Message
from deidsynth.server.keys import ApiKeys
from deidsynth.server.limits import Limits
from deidsynth.server.service import make_service
from served import SECRET, Finder, at_once, client, everything, running, served


def test_what_is_not_json_is_refused_before_it_is_read() -> None:
    with client(everything()) as found:
        answer = found.post("/v1/deidentify", content='{"text": "a"}', headers={"content-type": "text/plain"})
        assert answer.status_code == 415  # so no form of another page can be sent here
        assert found.post("/v1/deidentify", content='{"text": "a"}').status_code == 415


@pytest.mark.parametrize(("announced", "n_messages"), [(None, 6), (b"5001", 0)])
def test_a_long_request_is_refused_while_it_arrives(announced: bytes | None, n_messages: int) -> None:
    n_taken, sent = 0, list[Message]()

    async def endless() -> Message:
        nonlocal n_taken
        n_taken += 1
        return {"type": "http.request", "body": b"a" * 1000, "more_body": True}

    async def send(message: Message) -> None:
        sent.append(message)

    async def never(*_: Any) -> None:
        raise AssertionError("it is not let in")

    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    if announced is not None:
        headers.append((b"content-length", announced))
    scope = {"type": "http", "method": "POST", "path": "/v1/deidentify", "headers": headers}
    admission = Admission(never, limits=Limits(body_bytes=5_000), keys=None)
    asyncio.run(admission(scope, endless, send))
    assert n_taken == n_messages and sent[0]["status"] == 413 and admission.n_inside == 0
    assert json.loads(sent[1]["body"])["error"]["code"] == "too_large"


def test_a_request_may_be_as_long_as_the_limit() -> None:
    with client(served(Finder(), limits=Limits(body_bytes=5_000))) as found:
        json_type = {"content-type": "application/json"}
        for size, status in ((5_000, 200), (5_001, 413)):
            body = json.dumps({"text": ""}).ljust(size)
            assert found.post("/v1/deidentify", content=body, headers=json_type).status_code == status
            assert found.post("/v1/deidentify", content=iter([body.encode()]), headers=json_type).status_code == status


def test_without_keys_only_names_of_this_machine_are_answered() -> None:
    for name in ("localhost", "127.0.0.1:8000", "127.0.0.2:8000", "[::1]", "[::1]:8000", "[::ffff:127.0.0.1]"):
        with client(everything(), f"http://{name}") as found:
            assert found.get("/v1/info").status_code == 200, name
    with client(everything(), "http://rebound.example") as found:
        for path in ("/", "/v1/info", "/v1/corpus", "/metrics"):
            assert found.get(path).status_code == 421
        assert found.post("/v1/deidentify", json={"text": SECRET}).status_code == 421


def test_with_keys_everything_but_the_bare_page_and_probes_needs_one(keys: tuple[ApiKeys, str]) -> None:
    accepted, key = keys
    with client(replace(everything(), keys=accepted), "https://deid.example") as found:
        for path in ("/", "/docs", "/openapi.json", "/livez", "/readyz", "/page/page.js"):
            assert found.get(path).status_code == 200, path
        for path in ("/v1/info", "/v1/corpus", "/metrics", "/nothing"):
            assert found.get(path).status_code == 401, path
        for value in ("", "Bearer", "Bearer wrong", f"Basic {key}", f"Bearer {key}x", f"Bearer {key[:-1]}"):
            refused = found.post("/v1/deidentify", json={"text": SECRET}, headers={"authorization": value})
            assert refused.status_code == 401 and refused.headers["www-authenticate"] == "Bearer"
        good = {"authorization": f"Bearer {key}"}
        assert found.post("/v1/deidentify", json={"text": SECRET}, headers=good).json()["text"] == "[NAME]"
        assert found.get("/metrics", headers=good).status_code == 200


def test_whoever_finds_no_place_is_told_when_to_try_again() -> None:
    limits = Limits(n_requests=2, retry_after_seconds=7)
    with client(served(Finder(seconds=0.4), limits=limits)) as found:
        answers = at_once(found, ["Alvedina"] * 4)
        assert [answer.status_code for answer in answers] == [200, 200, 503, 503]
        assert answers[2].headers["retry-after"] == "7" and answers[2].json()["error"]["code"] == "busy"
        assert found.post("/v1/deidentify", json={"text": "a"}).status_code == 200, "places are given back"


def test_what_takes_too_long_is_given_up_and_what_waited_is_not_computed() -> None:
    finder = Finder(seconds=0.6)
    with client(served(finder, limits=Limits(seconds=0.3, batch_documents=1))) as found:
        answers = at_once(found, ["one", "two", "three"])
        assert [answer.status_code for answer in answers] == [503] * 3
        assert all(answer.headers["retry-after"] for answer in answers)
        time.sleep(1.0)
    assert [document.text for batch in finder.batches for document in batch] == ["one"]


def test_a_client_that_has_gone_leaves_its_place_and_is_not_computed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "deidsynth")
    released = threading.Event()
    finder = Finder(until=released)
    limits = Limits(n_requests=2, batch_documents=1)
    with running(make_service(served(finder, limits=limits))) as url, ThreadPoolExecutor(2) as pool:

        def post(text: str, seconds: float) -> int:
            return httpx.post(f"{url}/v1/deidentify", json={"text": text}, timeout=seconds).status_code

        first = pool.submit(post, "first", 30)
        assert finder.begun.wait(20)
        with pytest.raises(httpx.ReadTimeout):
            post("gone", 0.5)
        until = time.monotonic() + 20
        while "requests_inside 2.0" in (figures := httpx.get(f"{url}/metrics").text):
            assert time.monotonic() < until, "the place is free before anything is computed"
        third = pool.submit(post, "third", 30)
        released.set()
        assert third.result() == first.result() == 200
    assert [document.text for batch in finder.batches for document in batch] == ["first", "third"]
    assert 'requests_total{path="/v1/deidentify",status="gone"} 1.0' in figures
    assert "POST /v1/deidentify gone" in caplog.text


def test_what_is_given_up_leaves_memory() -> None:
    released = threading.Event()
    finder = Finder(until=released)
    with client(served(finder, limits=Limits(n_requests=2, seconds=0.05))) as found:
        for number in range(10):
            assert found.post("/v1/deidentify", json={"text": f"given up {number}"}).status_code == 503
        gc.collect()
        alive = [each.text for each in gc.get_objects() if type(each) is Document and each.text.startswith("given up")]
        assert alive == [document.text for batch in finder.batches for document in batch], "what is being computed"
        assert len(alive) <= 1
        released.set()
