"""A service with a stand-in for the model, and ways to reach it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from starlette.testclient import TestClient

from deidsynth.config.policy import Policy
from deidsynth.deidentification.found import Found
from deidsynth.deidentification.policies import Replacer
from deidsynth.deidentification.runtime import Deidentifier
from deidsynth.documents import Corpus, Document, Entity
from deidsynth.server.corpus_view import CorpusView
from deidsynth.server.service import Served, make_service

SOURCE = Path(__file__).resolve().parents[1] / "src"

HERE = "http://127.0.0.1:8000"

SECRET = "Brontus"
"""A name that no log, metric or error may hold."""

NAMES = {"Alvedina": 0.99, "Brontus": 0.4, "Cirkelia": 0.75}


class Finder:
    """Finds the names above in place of a model; texts with ``crash`` cannot be processed.

    Args:
        only: the names that it knows.
        seconds: that each batch takes.
        until: what each batch waits for.
    """

    def __init__(self, *only: str, seconds: float = 0.0, until: threading.Event | None = None) -> None:
        self._names = re.compile(rf"\b(?:{'|'.join(only or NAMES)})\b")
        self._seconds, self._until = seconds, until
        self.batches: list[list[Document]] = []
        self.begun = threading.Event()
        """Set once it is at work on the first batch."""

    def __call__(self, documents: Sequence[Document]) -> list[Document]:
        self.batches.append(list(documents))
        self.begun.set()
        time.sleep(self._seconds)
        if self._until is not None:
            assert self._until.wait(60)
        return [self.one(document) for document in documents]

    def one(self, document: Document) -> Document:
        if "crash" in document.text:
            raise ValueError(f"cannot process: {document.text}")
        found = self._names.finditer(document.text)
        return document.with_entities(Entity(each.start(), each.end(), "NAME", NAMES[each[0]]) for each in found)


def deidentifier(finder: Finder, **policy: Any) -> Deidentifier:
    """A runtime whose model is such a finder."""
    chosen = Policy(**policy)

    def detect(document: Document, patient: str | None = None) -> Found:
        return Found(document, ("model",) * len(document.entities))

    replacer = Replacer(chosen, language="sv")
    labels = ("NAME", "CITY")
    findable = (*labels, "PHONE")
    return Deidentifier(finder, detect=detect, replace=replacer, policy=chosen, labels=labels, findable=findable)


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


@dataclass(frozen=True)
class ServedProcess:
    """``deidsynth serve`` as a process of its own."""

    process: subprocess.Popen[bytes]
    log_file: Path

    @property
    def log(self) -> str:
        """What it has logged."""
        return self.log_file.read_text(encoding="utf-8")

    @property
    def url(self) -> str:
        """Its address, once it answers."""
        for _ in range(1200):
            assert self.process.poll() is None, self.log
            told = [line.split()[-1] for line in self.log.splitlines() if "listening on" in line]
            if told and "Application startup complete" in self.log:
                return told[0]
            time.sleep(0.1)
        raise AssertionError("the service does not listen")


@contextmanager
def process_of(model: Path, folder: Path, *options: str) -> Iterator[ServedProcess]:
    """A service that runs until the end of the context, on a free port."""
    command = [sys.executable, "-m", "deidsynth", "serve", str(model), "--port", "0", "--device", "cpu", *options]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1"}
    with (
        (folder / "log").open("w") as errors,
        subprocess.Popen(command, env=environment, stderr=errors, cwd=folder) as process,
    ):
        try:
            yield ServedProcess(process, folder / "log")
        finally:
            process.kill()


def served(finder: Finder, **options: Any) -> Served:
    """A service with one model."""
    return Served(deidentifier(finder), "ner", **options)


def everything() -> Served:
    """A service that has all there is: two models and a corpus."""
    first = deidentifier(Finder(), about="masks everything")
    return Served(first, "synthetic", deidentifier(Finder("Alvedina")), "gold", corpus=synthetic_corpus())


def client(asked: Served, base_url: str = HERE) -> TestClient:
    """A client of a service in this process, which calls it by such an address."""
    return TestClient(make_service(asked), base_url=base_url, raise_server_exceptions=True)


def at_once(found: TestClient, texts: list[str]) -> list[Any]:
    """The answers to texts that are sent at the same time."""
    answers: list[Any] = [None] * len(texts)

    def send(number: int) -> None:
        answers[number] = found.post("/v1/deidentify", json={"text": texts[number]})

    threads = [threading.Thread(target=send, args=(number,)) for number in range(len(texts))]
    for thread in threads:
        thread.start()
        time.sleep(0.03)
    for thread in threads:
        thread.join()
    return answers
