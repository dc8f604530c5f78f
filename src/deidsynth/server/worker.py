"""The one thread that computes: it takes what waits, in batches, and gives each request its own results."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from deidsynth.deidentification.deidentified import Deidentified
from deidsynth.deidentification.runtime import Deidentifier, Failure
from deidsynth.documents import Document
from deidsynth.errors import DeidsynthError, type_and_place
from deidsynth.models.devices import KeptMemory

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, repr=False)
class _Job:
    """A document that waits, and who waits for it."""

    by: Deidentifier
    document: Document
    result: Future[Deidentified]


class Worker:
    """Computes documents on one thread of its own.

    What waits is limited by who hands documents in (`Admission`), since each waits for its result.

    Args:
        batch_documents: that are computed at once, at most.
        batch_characters: of them, at most; a longer document is computed alone.
    """

    def __init__(self, *, batch_documents: int, batch_characters: int) -> None:
        self._batch_documents, self._batch_characters = batch_documents, batch_characters
        self._waiting: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="deidsynth-worker", daemon=True)
        self._next: _Job | None = None

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Finish what was handed in, then end.

        Args:
            seconds: to wait for it.
        """
        self._waiting.put(None)
        self._thread.join(seconds)

    @property
    def is_alive(self) -> bool:
        """Whether it works."""
        return self._thread.is_alive()

    def submit(self, by: Deidentifier, document: Document) -> Future[Deidentified]:
        """What will hold the result; cancel it and a document that still waits is not computed."""
        result: Future[Deidentified] = Future()
        self._waiting.put(_Job(by, document, result))
        return result

    def _work(self) -> None:
        kept = KeptMemory()
        while batch := self._batch():
            wanted = [job for job in batch if job.result.set_running_or_notify_cancel()]
            by_model: dict[int, list[_Job]] = {}
            for job in wanted:
                by_model.setdefault(id(job.by), []).append(job)
            for jobs in by_model.values():
                _compute(jobs)
            kept.limit()

    def _batch(self) -> list[_Job]:
        """What waits, up to the limits; it waits for the first document, and is empty when nothing follows."""
        first = self._next or self._waiting.get()
        self._next = None
        if first is None:
            return []
        batch, n_characters = [first], len(first.document.text)
        while len(batch) < self._batch_documents:
            try:
                job = self._waiting.get_nowait()
            except Empty:
                break
            if job is None:
                self._waiting.put(None)  # after what is left, which is nothing: no request is taken any more
                break
            n_characters += len(job.document.text)
            if n_characters > self._batch_characters:
                self._next = job
                break
            batch.append(job)
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
            log.error("a document could not be processed: %s", each.reason)
            job.result.set_exception(NotProcessedError(each.reason))
        else:
            job.result.set_result(each)


class NotProcessedError(Exception):
    """A document could not be processed; the message says why, without its text."""
