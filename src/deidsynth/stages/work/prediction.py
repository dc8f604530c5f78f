"""Documents with predicted entities, for the stages that predict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from deidsynth.config import AnnotateConfig
from deidsynth.documents import Document
from deidsynth.models.tagger.prediction import predict
from deidsynth.models.tagger.token_classifier import Tagger
from deidsynth.progress import Task
from deidsynth.stages.specification import StageContext


def predicted(
    tagger: Tagger, documents: Iterable[Document], config: AnnotateConfig, context: StageContext, task: Task
) -> Iterator[Document]:
    """The documents with predicted entities, as they are made; each advances the progress task."""
    for document in predict(
        tagger,
        documents,
        window_tokens=config.window_tokens,
        overlap=config.overlap,
        batch_size=config.batch_size,
        device=context.device,
        precision=context.precision,
    ):
        task.advance(1)
        yield document
