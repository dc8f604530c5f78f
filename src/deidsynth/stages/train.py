"""Train: an encoder learns to tag. Annotator, gold model and synthetic model are all made here."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from deidsynth.config import StageConfig, TrainConfig
from deidsynth.corpora import read_jsonl
from deidsynth.documents import Document
from deidsynth.errors import CorpusError
from deidsynth.metrics import score
from deidsynth.models.tagger_prediction import predict
from deidsynth.models.tagger_training import carve_validation, train_tagger
from deidsynth.models.token_classifier import Tagger, new_tagger
from deidsynth.models.token_data import training_chunks
from deidsynth.stages.artifacts import CORPUS, CURVE, MODEL, write_lines
from deidsynth.stages.curves import watch
from deidsynth.stages.stage import StageContext
from deidsynth.tagging import TagSet


class Train:
    """``corpus`` in; ``model/`` (a token classifier) and ``curve.jsonl`` out.

    Everything that is decided here comes from the input corpus alone: tokenizer, best epoch, weights.
    """

    name = "train"
    version = 1
    config_type: type[StageConfig] = TrainConfig

    def run(
        self, config: TrainConfig, inputs: Mapping[str, Path], output: Path, context: StageContext
    ) -> Mapping[str, Any]:
        """Train, and write the weights to keep."""
        began = time.monotonic()
        corpus = read_jsonl(inputs["corpus"] / CORPUS)
        if not corpus.n_entities:
            raise CorpusError("the training documents have no entities, so there is nothing to learn")
        train, validation = list(corpus), list[Document]()
        if config.keep == "best":
            train, validation = carve_validation(train, config.validation, context.seed)
        torch.manual_seed(context.seed)
        tagger = new_tagger(config, TagSet.of(corpus.label_scheme()), (document.text for document in train))
        chunks = training_chunks(
            train,
            tagger.tokenizer,
            tagger.tag_set,
            max_words=config.chunk_words,
            max_tokens=min(config.chunk_tokens or tagger.window_tokens, tagger.window_tokens),
        )
        memory: dict[str, Any] = {}
        points = train_tagger(
            tagger,
            chunks,
            config,
            seed=context.seed,
            device=context.device,
            precision=context.precision,
            scratch=context.scratch,
            memory=memory,
            validate=_validator(validation, context) if validation else None,
        )
        watch(points, "train", context.progress, memory)
        tagger.save(output / MODEL)
        write_lines(output / CURVE, memory["curve"])
        return {
            "n_documents": len(train),
            "n_validation_documents": len(validation),
            "n_chunks": len(chunks.examples),
            "n_entities": chunks.n_entities,
            "n_misaligned_entities": chunks.n_misaligned,
            "n_lost_entities": chunks.n_lost,
            "n_cut_entities": chunks.n_cut,
            "n_parameters": sum(weight.numel() for weight in tagger.model.parameters()),
            "n_tokens_seen": memory["n_targets"],
            "tokens_per_second": round(memory["n_targets"] / (time.monotonic() - began), 1),
            "validation_f1": memory["best"],
        }


def _validator(documents: Sequence[Document], context: StageContext) -> Callable[[Tagger], float]:
    def strict_f1(tagger: Tagger) -> float:
        found = list(predict(tagger, documents, device=context.device, precision=context.precision))
        return score(documents, found).strict.f1 or 0.0

    return strict_f1
