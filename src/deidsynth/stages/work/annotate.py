"""Annotate: a trained tagger annotates texts; the result is a silver corpus."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from deidsynth.config import AnnotateConfig
from deidsynth.corpora import read_jsonl, write_jsonl
from deidsynth.documents import Corpus
from deidsynth.metrics.collapse import annotation_warning
from deidsynth.models.settings_file import ModelSettings
from deidsynth.stages.artifacts import CORPUS, MODEL
from deidsynth.stages.specification import StageContext
from deidsynth.stages.work.blocks import Blocks, n_blocks
from deidsynth.stages.work.parts import pieces_of


class Annotate:
    """``texts`` and ``model`` in; ``corpus.jsonl`` with silver entities out.

    Documents are annotated in blocks of those that the tagger processes together, so that blocks are independent.
    Finished blocks survive a killed run; a small model annotates them in several processes, and they can be divided
    into parts.
    """

    def run(
        self, config: AnnotateConfig, inputs: Mapping[str, Path], output: Path, context: StageContext
    ) -> Mapping[str, Any]:
        """Annotate all documents, of any length."""
        began = time.monotonic()
        corpus = read_jsonl(inputs["texts"] / CORPUS)
        blocks = Blocks(config, inputs["texts"], inputs["model"], context.scratch, context, "annotate")
        documents = blocks.annotated(corpus, range(n_blocks(corpus)))
        silver = replace(corpus.with_documents(documents), annotation="silver")
        write_jsonl(silver, output / CORPUS)
        scores = [entity.score for document in silver for entity in document.entities if entity.score is not None]
        facts = {
            "n_documents": len(silver),
            "n_entities": silver.n_entities,
            "n_entities_expected": _expected(inputs["model"], silver),
            "n_documents_without_entities": sum(not document.entities for document in silver),
            "median_score": statistics.median(scores) if scores else None,
            "documents_per_second": round(len(silver) / (time.monotonic() - began), 2),
        }
        if (warning := annotation_warning(facts)) is not None:
            context.progress.message(f"warning: {warning}")
        return facts

    def run_part(
        self,
        config: AnnotateConfig,
        inputs: Mapping[str, Path],
        output: Path,
        context: StageContext,
        part: int,
        n_parts: int,
    ) -> Mapping[str, Any]:
        """Annotate the documents of consecutive blocks; ``run`` then finds them.

        Args:
            config: as for ``run``.
            inputs: as for ``run``.
            output: gets a file for each block.
            context: as for ``run``.
            part: zero-based.
            n_parts: number of parts; the number of blocks differs by at most one.
        """
        corpus = read_jsonl(inputs["texts"] / CORPUS)
        blocks = Blocks(config, inputs["texts"], inputs["model"], output, context, "annotate")
        return {"n_documents": len(blocks.annotated(corpus, pieces_of(part, n_parts, n_blocks(corpus))))}


def _expected(model: Path, corpus: Corpus) -> int | None:
    """The entities in as much text of the tagger's training documents; None if the tagger does not know."""
    settings = ModelSettings.load(model / MODEL).tagger
    if settings is None or settings.entities_per_character is None:
        return None
    return round(settings.entities_per_character * sum(len(document.text) for document in corpus))
