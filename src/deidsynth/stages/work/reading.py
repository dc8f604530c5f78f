"""Reading of documents for models."""

from __future__ import annotations

from pathlib import Path

from deidsynth.corpora import read_jsonl
from deidsynth.documents import Corpus
from deidsynth.normalization import normalized
from deidsynth.stages.artifacts import COPIES


def read_normalized(path: Path) -> Corpus:
    """The documents of a ``.jsonl`` file as models see them, to train with or to prompt from."""
    return read_jsonl(path).map(normalized)


def read_copies(folder: Path) -> list[Corpus]:
    """The further copies of the documents of an artifact with other surrogates, as models see them; mostly none."""
    files = (folder / COPIES).glob("*.jsonl")
    return [read_normalized(file) for file in sorted(files, key=lambda file: int(file.stem))]
