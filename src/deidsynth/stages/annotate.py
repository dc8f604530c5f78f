"""Annotate: a trained tagger finds the entities of texts; the result is a silver corpus."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from deidsynth.config import AnnotateConfig, StageConfig
from deidsynth.corpora import read_jsonl, write_jsonl
from deidsynth.models.tagger_prediction import predict
from deidsynth.models.token_classifier import load_tagger
from deidsynth.stages.artifacts import CORPUS, MODEL
from deidsynth.stages.stage import StageContext


class Annotate:
    """``texts`` and ``model`` in; ``corpus.jsonl`` with silver entities out."""

    name = "annotate"
    version = 1
    config_type: type[StageConfig] = AnnotateConfig

    def run(
        self, config: AnnotateConfig, inputs: Mapping[str, Path], output: Path, context: StageContext
    ) -> Mapping[str, Any]:
        """Tag every document, whatever its length."""
        began = time.monotonic()
        corpus = read_jsonl(inputs["texts"] / CORPUS)
        tagger = load_tagger(str(inputs["model"] / MODEL))
        documents = []
        with context.progress.task("annotate", len(corpus), "documents") as task:
            for document in predict(
                tagger,
                corpus.documents,
                window_tokens=config.window_tokens,
                overlap=config.overlap,
                batch_size=config.batch_size,
                device=context.device,
                precision=context.precision,
            ):
                documents.append(document)
                task.advance(1)
        silver = replace(corpus.with_documents(documents), annotation="silver")
        write_jsonl(silver, output / CORPUS)
        scores = [entity.score for document in silver for entity in document.entities if entity.score is not None]
        return {
            "n_documents": len(silver),
            "n_entities": silver.n_entities,
            "n_documents_without_entities": sum(not document.entities for document in silver),
            "median_score": statistics.median(scores) if scores else None,
            "documents_per_second": round(len(silver) / (time.monotonic() - began), 2),
        }
