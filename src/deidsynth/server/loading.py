"""The model behind the service."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from deidsynth.api import Tagger
from deidsynth.deidentification.deidentified import Deidentified, Replacement
from deidsynth.deidentification.marking import masked
from deidsynth.documents import Document
from deidsynth.server.worker import Deidentifies


class Masking:
    """A tagger whose entities are replaced by their labels."""

    def __init__(self, tagger: Tagger) -> None:
        self._tagger = tagger
        self.labels = tagger.labels

    def stream(self, texts: Iterable[Document]) -> Iterator[Deidentified]:
        """The documents after de-identification, in their order."""
        for found in self._tagger([each.text for each in texts]):
            new = masked(found)
            yield Deidentified(
                new.text,
                found.entities,
                tuple(
                    Replacement(old.start, old.end, own.start, own.end, old.label, "mask", "model")
                    for old, own in zip(found.entities, new.entities, strict=True)
                ),
            )


def load_deidentifier(model: Path, device: str) -> Deidentifies:
    """What de-identifies with a model, loaded."""
    return Masking(Tagger(model, device=device))
