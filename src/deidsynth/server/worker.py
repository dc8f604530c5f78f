"""The one thread that computes: it takes what waits, in batches, and gives each request its own results."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from deidsynth.deidentification.deidentified import Deidentified
from deidsynth.deidentification.runtime import Deidentifier, Failure
from deidsynth.documents import Document
from deidsynth.errors import DeidsynthError, type_and_place
from deidsynth.models.devices import KeptMemory


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class _Job:
    """A document that waits, and who waits for it."""

    by: Deidentifier
    document: Document
    result: Future[Deidentified]


class Worker:
    """Computes documents on one thread of its own.

    What waits is limited by who hands documents in (`Admission`), since each waits for its result and a document that
    is given up is held no longer.

    Args:
        batch_documents: that are computed at once, at most.
        batch_characters: of them, at most; a longer document is computed alone.
    """

    def __init__(self, *, batch_documents: int, batch_characters: int) -> None:
        self._batch_documents, self._batch_characters = batch_documents, batch_characters
        self._changed = threading.Condition()
        self._waiting = OrderedDict[Future[Deidentified], _Job]()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._work, name="deidsynth-worker", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Finish what was handed in, then end.

        Args:
            seconds: to wait for it.
        """
        with self._changed:
            self._is_stopping = True
            self._changed.notify()
        self._thread.join(seconds)

    @property
    def is_alive(self) -> bool:
        """Whether it works."""
        return self._thread.is_alive()

    def submit(self, by: Deidentifier, document: Document) -> Future[Deidentified]:
        """What will hold the result; cancel it and a document that still waits is neither held nor computed."""
        result: Future[Deidentified] = Future()
        with self._changed:
            self._waiting[result] = _Job(by, document, result)
            self._changed.notify()
        result.add_done_callback(self._drop)
        return result

    def _drop(self, result: Future[Deidentified]) -> None:
        """Hold a document no longer; one that was computed is not held any more."""
        with self._changed:
            self._waiting.pop(result, None)

    def _work(self) -> None:
        kept = KeptMemory()
        while self._compute_batch():
            kept.limit()

    def _compute_batch(self) -> bool:
        """Compute what waits, up to the limits; whether anything did, which is false only at the end."""
        batch = self._batch()
        by_model: dict[int, list[_Job]] = {}
        for job in batch:
            if job.result.set_running_or_notify_cancel():
                by_model.setdefault(id(job.by), []).append(job)
        for jobs in by_model.values():
            _compute(jobs)
        return bool(batch)

    def _batch(self) -> list[_Job]:
        """What waits, up to the limits; it waits for the first document, and is empty when nothing follows."""
        batch, n_characters = list[_Job](), 0
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_stopping)
            while self._waiting and len(batch) < self._batch_documents:
                job = next(iter(self._waiting.values()))
                n_characters += len(job.document.text)
                if batch and n_characters > self._batch_characters:
                    break
                batch.append(job)
                del self._waiting[job.result]
        return batch


def _compute(jobs: Sequence[_Job]) -> None:
    """Give each job its result; what is wrong with one document concerns no other."""
    by = jobs[0].by
    try:
        found = by.replace_each(by.find_each([job.document for job in jobs]), avoid=lambda _: frozenset())
    except Exception as error:
        reason = str(error) if isinstance(error, DeidsynthError) else f"unexpected {type_and_place(error)}"
        found = [Failure(reason)] * len(jobs)
    for job, each in zip(jobs, found, strict=True):
        if isinstance(each, Failure):
            job.result.set_exception(NotProcessedError(each.reason))
        else:
            job.result.set_result(each)


class NotProcessedError(Exception):
    """A document could not be processed; the message says why, without its text."""
