"""A tagger's predictions as candidates; the only file here that brings torch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from deidsynth.corpora.provenance import lineage_beside
from deidsynth.digests import tree_digest
from deidsynth.documents import Corpus, Document, Entity
from deidsynth.models.devices import resolve_device, resolve_precision
from deidsynth.models.tagger.prediction import predict_with_outside
from deidsynth.models.tagger.token_classifier import load_tagger
from deidsynth.progress import Progress, SilentProgress
from deidsynth.review.candidates import Candidates, predicted_candidates
from deidsynth.workflow.alone import model_folder


def predict_candidates(
    model: str | Path, texts: Corpus, *, device: str = "auto", precision: str = "auto", progress: Progress | None = None
) -> Candidates:
    """The documents of a corpus as a tagger annotates them.

    Args:
        model: folder of a tagger.
        texts: their own entities are ignored.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        precision: ``auto``, ``fp32`` or ``bf16``.
        progress: display for progress; silent by default.

    Raises:
        InputError: an unknown device.
        ModelNotFoundError: no such model.
        ModelNotUsableError: the model is not a tagger.
    """
    folder, device = model_folder(Path(model)), resolve_device(device)
    tagger = load_tagger(str(folder))
    found = predict_with_outside(tagger, texts, device=device, precision=resolve_precision(precision, device))

    def counted() -> Iterator[tuple[Document, Entity | None]]:
        with (progress or SilentProgress()).task("annotate", len(texts), "documents") as task:
            for each in found:
                task.advance(1)
                yield each

    return predicted_candidates(texts, counted(), tagger.tag_set.begin, tree_digest(folder), lineage_beside(folder))
