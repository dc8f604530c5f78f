"""Annotate: a trained tagger annotates texts; the result is a silver corpus."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from deidsynth.config import AnnotateConfig
from deidsynth.corpora import read_jsonl, write_jsonl
from deidsynth.documents import Corpus, Document
from deidsynth.models.tagger.prediction import DOCUMENTS_AT_ONCE
from deidsynth.models.tagger.token_classifier import Tagger, load_tagger
from deidsynth.stages.artifacts import CORPUS, MODEL
from deidsynth.stages.specification import StageContext
from deidsynth.stages.work.parts import pieces_of
from deidsynth.stages.work.prediction import predicted


class Annotate:
    """``texts`` and ``model`` in; ``corpus.jsonl`` with silver entities out.

    Documents are annotated in blocks of those that the tagger processes together, so that blocks are independent.
    Finished blocks survive a killed run, and blocks can be annotated in other processes.
    """

    def run(
        self, config: AnnotateConfig, inputs: Mapping[str, Path], output: Path, context: StageContext
    ) -> Mapping[str, Any]:
        """Annotate all documents, of any length."""
        began = time.monotonic()
        corpus = read_jsonl(inputs["texts"] / CORPUS)
        blocks = range(_n_blocks(corpus))
        documents = list(_annotated(config, corpus, inputs, blocks, context.scratch, context))
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
        blocks = pieces_of(part, n_parts, _n_blocks(corpus))
        return {"n_documents": sum(1 for _ in _annotated(config, corpus, inputs, blocks, output, context))}


def _n_blocks(corpus: Corpus) -> int:
    return -(-len(corpus) // DOCUMENTS_AT_ONCE)


def _annotated(
    config: AnnotateConfig,
    corpus: Corpus,
    inputs: Mapping[str, Path],
    blocks: Sequence[int],
    kept: Path,
    context: StageContext,
) -> Iterator[Document]:
    """The annotated documents of some blocks; finished blocks are kept in a folder and reused."""
    tagger: Tagger | None = None
    places = {block: slice(block * DOCUMENTS_AT_ONCE, (block + 1) * DOCUMENTS_AT_ONCE) for block in blocks}
    total = sum(len(corpus.documents[place]) for place in places.values())
    with context.progress.task("annotate", total, "documents") as task:
        for block, place in places.items():
            file = kept / f"block-{block:06d}.jsonl"
            if file.exists():
                found = read_jsonl(file).documents
                task.advance(len(found))
                yield from found
                continue
            tagger = tagger or load_tagger(str(inputs["model"] / MODEL))
            documents = predicted(tagger, corpus.documents[place], config, context, task)
            write_jsonl(corpus.with_documents(documents), file)
            yield from documents
