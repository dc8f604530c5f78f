"""Many clients at once: every request gets an answer, and memory stays flat."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from pathlib import Path

import httpx2 as httpx
import psutil
import pytest

pytest.importorskip("fastapi")

from deidsynth.server.limits import Limits
from deidsynth.server.service import make_service
from served import Finder, process_of, running, served

GATHERED = 50_000_000
"""Bytes that may still gather once 45 seconds have filled what the C library keeps for the next step."""

TEXT = "Alvedina kom från Vindheim. Mår bättre nu.\n"


async def hammer(url: str, *, n_clients: int, seconds: float, texts: list[str]) -> tuple[Counter[int], float]:
    """How often each status came back to clients that ask without a pause, and the longest wait in seconds."""
    statuses, longest = Counter[int](), 0.0
    until = time.perf_counter() + seconds

    async def ask(number: int, client: httpx.AsyncClient) -> None:
        nonlocal longest
        while (began := time.perf_counter()) < until:
            answer = await client.post(f"{url}/v1/deidentify", json={"text": texts[number % len(texts)]})
            longest = max(longest, time.perf_counter() - began)
            statuses[answer.status_code] += 1
            if answer.status_code == 503:
                assert answer.headers["retry-after"]
                await asyncio.sleep(0.05)
            else:
                assert answer.json()["text"] or not texts[number % len(texts)]
            number += 1

    limits = httpx.Limits(max_connections=n_clients, max_keepalive_connections=n_clients)
    async with httpx.AsyncClient(timeout=60, limits=limits) as client:
        await asyncio.gather(*(ask(number, client) for number in range(n_clients)))
    return statuses, longest


def test_fifty_clients_get_answers_or_are_told_to_come_back() -> None:
    finder = Finder(seconds=0.02)
    with running(make_service(served(finder, limits=Limits(n_requests=20)))) as url:
        statuses, longest = asyncio.run(hammer(url, n_clients=50, seconds=3, texts=[TEXT, TEXT * 20, ""]))
    assert set(statuses) == {200, 503}
    assert statuses[200] > 50 and longest < 10
    assert max(len(batch) for batch in finder.batches) > 1


@pytest.mark.slow
def test_fifty_clients_for_a_minute_leave_memory_flat(tagger: Path, tmp_path: Path) -> None:
    with process_of(tagger, tmp_path, "--max-requests", "30") as service:
        texts = [TEXT * size for size in (1, 5, 40, 2, 10)]
        asyncio.run(hammer(service.url, n_clients=50, seconds=45, texts=texts))
        before = psutil.Process(service.process.pid).memory_info().rss
        statuses, longest = asyncio.run(hammer(service.url, n_clients=50, seconds=60, texts=texts))
        after = psutil.Process(service.process.pid).memory_info().rss
        service.process.terminate()
        assert service.process.wait(90) == 0
    assert set(statuses) <= {200, 503} and statuses[200] > 100
    assert longest < 60
    assert after - before < GATHERED, (before, after)
    assert "Alvedina" not in service.log
