"""The thread that computes: batches, limits, what nobody waits for, and its end."""

from __future__ import annotations

import gc
import threading
import time

from deidsynth.documents import Document
from deidsynth.server.worker import Worker
from served import Finder, deidentifier


def document(text: str) -> Document:
    return Document("1", text)


def sizes(finder: Finder) -> list[int]:
    return [len(batch) for batch in finder.batches]


def test_what_waits_is_computed_together_up_to_the_limits() -> None:
    finder = Finder()
    by, worker = deidentifier(finder), Worker(batch_documents=3, batch_characters=100)
    results = [worker.submit(by, document(f"{number} Alvedina")) for number in range(7)]
    long = [worker.submit(by, document("x" * size)) for size in (60, 60, 500, 1)]
    worker.start()
    worker.stop(10)
    assert [result.result(0).text for result in results] == [f"{number} [NAME]" for number in range(7)]
    assert [len(result.result(0).text) for result in long] == [60, 60, 500, 1]
    assert sizes(finder) == [3, 3, 2, 1, 1, 1]
    assert not worker.is_alive


def test_two_models_never_share_a_batch() -> None:
    one, other = Finder(), Finder("Alvedina")
    worker = Worker(batch_documents=8, batch_characters=1000)
    first, second = deidentifier(one), deidentifier(other)
    results = [worker.submit(by, document("Cirkelia")) for by in (first, second, first, second)]
    worker.start()
    worker.stop(10)
    assert [result.result(0).text for result in results] == ["[NAME]", "Cirkelia", "[NAME]", "Cirkelia"]
    assert sizes(one) == sizes(other) == [2]


def test_what_nobody_waits_for_any_more_is_not_computed() -> None:
    finder = Finder()
    by, worker = deidentifier(finder), Worker(batch_documents=8, batch_characters=1000)
    results = [worker.submit(by, document(str(number))) for number in range(3)]
    results[1].cancel()
    worker.start()
    worker.stop(10)
    assert [each.text for batch in finder.batches for each in batch] == ["0", "2"]


def test_stopping_finishes_what_was_handed_in() -> None:
    finder = Finder(seconds=0.1)
    by, worker = deidentifier(finder), Worker(batch_documents=1, batch_characters=1000)
    worker.start()
    results = [worker.submit(by, document("Alvedina")) for _ in range(4)]
    began = time.perf_counter()
    worker.stop(10)
    assert time.perf_counter() - began >= 0.3
    assert all(result.done() for result in results)


def test_what_is_given_up_is_held_no_longer() -> None:
    released = threading.Event()
    finder = Finder(until=released)
    by, worker = deidentifier(finder), Worker(batch_documents=1, batch_characters=1000)
    worker.start()
    first = worker.submit(by, document("Alvedina"))
    assert finder.begun.wait(20)
    for _ in range(20):
        worker.submit(by, document("given up")).cancel()
    gc.collect()
    assert sum(type(each) is Document and each.text == "given up" for each in gc.get_objects()) == 0
    assert not first.done(), "it was still at work when they were counted"
    released.set()
    worker.stop(10)
