"""Reading of documents for models."""

from __future__ import annotations

from pathlib import Path

from deidsynth.corpora import read_jsonl
from deidsynth.documents import Corpus
from deidsynth.normalization import normalized


def read_normalized(path: Path) -> Corpus:
    """The documents of a ``.jsonl`` file as models see them, to train with or to prompt from."""
    return read_jsonl(path).map(normalized)
