"""What every integration wraps: something that finds what identifies in documents, loaded once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from deidsynth.api import Tagger
from deidsynth.deidentification.found import Found
from deidsynth.documents import Document
from deidsynth.workflow.alone import model_folder as model_folder


class Finder(Protocol):
    """Finds what identifies: a ``Deidentifier``, or what stands in for it."""

    @property
    def labels(self) -> Sequence[str]:
        """What it may find."""
        ...

    @property
    def language(self) -> str | None:
        """ISO 639-1 code of the texts, if known."""
        ...

    def find_stream(self, documents: Iterable[Document]) -> Iterator[Found]:
        """What identifies in each document, in the given order."""
        ...


def load_finder(
    model: str | Path,
    *,
    language: str | None = None,
    patterns: bool = True,
    second_pass: bool = True,
    known: str | Path | None = None,
    device: str = "auto",
    precision: str = "auto",
) -> Finder:
    """A trained tagger, loaded, with what is sought around it."""
    return _Alone(Tagger(model, device=device, precision=precision), language)


class _Alone:
    def __init__(self, tagger: Tagger, language: str | None) -> None:
        self.tagger, self.language = tagger, language
        self.labels = tagger.labels

    def find_stream(self, documents: Iterable[Document]) -> Iterator[Found]:
        for each in self.tagger._predict(list(documents), False):
            yield Found(each, ("model",) * len(each.entities))
