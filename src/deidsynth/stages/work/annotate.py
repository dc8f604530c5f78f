"""Annotate: a trained tagger finds the entities of texts; the result is a silver corpus."""

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

    Documents are annotated in blocks of as many as the tagger looks at together, so that no block depends on another.
    A finished block is kept when a run is killed, and blocks can be made elsewhere.
    """

    def run(
        self, config: AnnotateConfig, inputs: Mapping[str, Path], output: Path, context: StageContext
    ) -> Mapping[str, Any]:
        """Tag every document, whatever its length."""
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
        """Tag the documents of one run of blocks, which ``run`` then finds.

        Args:
            config: as for ``run``.
            inputs: see there.
            output: gets a file for each block.
            context: see there.
            part: zero-based.
            n_parts: how many there are; each has as many blocks as any other, give or take one.
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
    """The documents of some blocks with their entities; blocks are kept in a folder, where earlier ones are found."""
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
