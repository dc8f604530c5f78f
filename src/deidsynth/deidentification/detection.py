"""Finding entities with a trained model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Lock

from deidsynth.corpora.streams import Documents
from deidsynth.deidentification.marking import Mode, masked, tagged
from deidsynth.documents import Document
from deidsynth.errors import InputError
from deidsynth.models.devices import resolve_device, resolve_precision
from deidsynth.models.tagger.prediction import predict
from deidsynth.models.tagger.token_classifier import load_tagger
from deidsynth.progress import Progress, SilentProgress


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


def deidentify(
    model: str | Path,
    documents: Documents,
    mode: Mode | None = "mask",
    *,
    device: str = "auto",
    precision: str = "auto",
    rename: Callable[[Document], Document] = lambda document: document,
    progress: Progress | None = None,
) -> Iterator[Document]:
    """The documents with what the model alone finds masked or tagged, in the given order.

    Args:
        model: folder or hub id of a tagger.
        documents: their existing entities are ignored; taken as they are needed, some at a time.
        mode: ``mask`` replaces each entity by its label, ``tag`` writes tags around it, None leaves the text unchanged
            and only returns the entities.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        precision: ``auto``, ``fp32`` or ``bf16``.
        rename: gives each document, with its entities in the original text, the name that it leaves under.
        progress: display for progress; silent by default.

    Raises:
        InputError: an unknown mode or device.
        ModelNotFoundError: no such model.
        ModelNotUsableError: the model is not a tagger.
    """
    renderers = {"mask": masked, "tag": tagged, None: lambda document: document}
    if mode not in renderers:
        raise InputError(f"deidentify: unknown mode {mode!r}; use mask, tag or None")
    device = resolve_device(device)
    tagger = load_tagger(str(model))
    found = predict(tagger, documents, device=device, precision=resolve_precision(precision, device))
    with (progress or SilentProgress()).task("deidentify", len(documents), "documents") as task:
        for document in found:
            task.advance(1)
            yield renderers[mode](rename(document))
