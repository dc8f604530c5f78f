"""Documents with predicted entities, as the stages that predict make them."""

from __future__ import annotations

from collections.abc import Sequence

from deidsynth.config import AnnotateConfig
from deidsynth.documents import Document
from deidsynth.models.tagger.prediction import predict
from deidsynth.models.tagger.token_classifier import Tagger
from deidsynth.progress import Task
from deidsynth.stages.specification import StageContext


def predicted(
    tagger: Tagger, documents: Sequence[Document], config: AnnotateConfig, context: StageContext, task: Task
) -> list[Document]:
    """The documents with the entities that a tagger finds; each advances the task."""
    found = []
    for document in predict(
        tagger,
        documents,
        window_tokens=config.window_tokens,
        overlap=config.overlap,
        batch_size=config.batch_size,
        device=context.device,
        precision=context.precision,
    ):
        found.append(document)
        task.advance(1)
    return found
