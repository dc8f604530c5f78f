"""A tagger that has learned the names and places of the tiny notes, for every tool."""

from __future__ import annotations

from pathlib import Path

import pytest

import deidsynth as ds
from tiny_models import note, one_thread, save_tiny, tiny

__all__ = ["one_thread", "tiny"]

LEARNT = tuple(note(number, n_sentences=1 + number % 6) for number in range(24))


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tagger that finds nearly all NAME and CITY of notes like those of ``tiny_models``."""
    root = tmp_path_factory.mktemp("integrations")
    ds.train(
        ds.Corpus(LEARNT, origin="invented"),
        output=root / "ner",
        encoder=str(save_tiny("modernbert", root / "base")),
        epochs=10,
        batch_size=4,
        learning_rate=0.004,
        chunk_words=10,
        device="cpu",
        progress=False,
    )
    return root / "ner"
