"""A service with a stand-in for the model, and ways to reach it."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import uvicorn

from deidsynth.deidentification.deidentified import Deidentified, Replacement
from deidsynth.documents import Corpus, Document, Entity
from deidsynth.server.corpus_view import CorpusView
from deidsynth.server.service import Served

SECRET = "Brontus"
"""A name that no log, metric or error may hold."""

NAMES = {"Alvedina": 0.99, "Brontus": 0.4, "Cirkelia": 0.75}


class Finder:
    """Masks the names above; texts with ``crash`` cannot be processed.

    Args:
        only: the names that it knows.
        seconds: that each batch takes.
    """

    def __init__(self, *only: str, seconds: float = 0.0) -> None:
        self.labels = ("NAME", "CITY")
        self._names = re.compile(r"\b(?:%s)\b" % "|".join(only or NAMES))  # noqa: UP031
        self._seconds = seconds
        self.batches: list[list[Document]] = []

    def stream(self, texts: Iterable[Document]) -> Iterator[Deidentified]:
        batch = list(texts)
        self.batches.append(batch)
        time.sleep(self._seconds)
        for document in batch:
            if "crash" in document.text:
                raise ValueError(f"cannot process: {document.text}")
            yield self.one(document)

    def one(self, document: Document) -> Deidentified:
        found = [
            Entity(each.start(), each.end(), "NAME", NAMES[each[0]]) for each in self._names.finditer(document.text)
        ]
        new = document.with_entities(found).replace_entities(lambda entity: f"[{entity.label}]")
        pairs = zip(found, new.entities, strict=True)
        return Deidentified(
            new.text,
            tuple(found),
            tuple(Replacement(old.start, old.end, own.start, own.end, "NAME", "mask", "model") for old, own in pairs),
        )


def synthetic_corpus() -> CorpusView:
    """Three invented notes: one passed the check for training text, one did not, one was not checked."""
    notes = [
        Document("s-1", "Alvedina kom.", (Entity(0, 8, "NAME", 0.9),)),
        Document("s-2", "😀 Vindheim, Brontus.", (Entity(2, 10, "CITY", 0.8), Entity(12, 19, "NAME", 0.3))),
        Document("s-3", "Mår bra."),
    ]
    return CorpusView(Corpus(tuple(notes), origin="synthetic"), ["passed", "flagged", "not_checked"])


@contextmanager
def running(app: object) -> Iterator[str]:
    """The address of a server that runs the application until the end of the context."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()


def everything() -> Served:
    """A service that has all there is: two models and a corpus."""
    return Served(Finder(), "synthetic", "masks everything", Finder("Alvedina"), "gold", corpus=synthetic_corpus())
