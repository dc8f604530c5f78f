"""Finding entities with a trained model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from deidsynth.documents import Document
from deidsynth.models.devices import resolve_device, resolve_precision
from deidsynth.models.tagger.prediction import predict
from deidsynth.models.tagger.token_classifier import load_tagger


class Finder:
    """Finds entities with a tagger that is loaded once; threads take turns.

    Args:
        model: folder or hub id of a tagger.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        precision: ``auto``, ``fp32`` or ``bf16``.

    Raises:
        InputError: an unknown device.
        ModelNotFoundError: no such model.
        ModelNotUsableError: the model is not a tagger.
    """

    def __init__(self, model: str | Path, *, device: str = "auto", precision: str = "auto") -> None:
        self._device = resolve_device(device)
        self._precision = resolve_precision(precision, self._device)
        self._tagger = load_tagger(str(model))
        self._turn = Lock()

    def __call__(self, documents: Sequence[Document]) -> list[Document]:
        """The documents with the entities that were found in place of their own."""
        with self._turn:
            return list(predict(self._tagger, documents, device=self._device, precision=self._precision))
