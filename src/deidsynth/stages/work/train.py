"""Train: a token classifier is trained. Annotator, gold model and synthetic model come from this stage."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import torch

from deidsynth.config import ResolvedTrainConfig
from deidsynth.documents import Document
from deidsynth.errors import CorpusError
from deidsynth.files import write_lines
from deidsynth.metrics import Threshold, outside_threshold, score
from deidsynth.metrics.collapse import training_warning
from deidsynth.models.devices import Compute
from deidsynth.models.tagger.prediction import outside_probabilities, predict
from deidsynth.models.tagger.task_adaptive_pretraining import pretrain
from deidsynth.models.tagger.token_classifier import Tagger, new_tagger
from deidsynth.models.tagger.token_data import (
    Example,
    TrainingChunks,
    tag_entropy,
    training_chunks,
    transition_log_probs,
)
from deidsynth.models.tagger.training import carve_validation
from deidsynth.stages.artifacts import CORPUS, CURVE, DOCUMENTS, MODEL, PRETRAINING_CURVE
from deidsynth.stages.specification import StageContext
from deidsynth.stages.work.ensemble import TaggerTraining, train_ensemble
from deidsynth.stages.work.reading import read_normalized
from deidsynth.stages.work.resuming import trained
from deidsynth.surrogates import Mentions, Surrogates, mentions_of, replace_mentions
from deidsynth.tagging import TagSet

CHECKED_DOCUMENTS = 16
"""Training documents that the trained tagger annotates, to see that it learned anything."""
WITHIN_WORDS_SHARE = 0.002
"""Decoding keeps to whole words if at most this share of training entity boundaries is inside a word."""


class Train:
    """``corpus`` and optional unlabeled ``texts`` in; ``model/`` (a token classifier) and ``curve.jsonl`` out.

    Tokenizer, best epoch and weights depend on the inputs alone. ``texts`` are for the
    model that is trained on gold data; the synthetic model never gets them.
    """

    def run(
        self, config: ResolvedTrainConfig, inputs: Mapping[str, Path], output: Path, context: StageContext
    ) -> Mapping[str, Any]:
        """Train the tagger and write its weights.

        Raises:
            CorpusError: the documents have no entities, or those that are left for training.
        """
        corpus = read_normalized(inputs["corpus"] / CORPUS)
        if not corpus.n_entities:
            raise CorpusError("the training documents have no entities, so there is nothing to learn")
        train, validation = list(corpus), list[Document]()
        if config.keep == "best" or config.target_recall is not None:
            train, validation = carve_validation(train, config.validation, context.seed)
            if not any(document.entities for document in train):
                raise CorpusError(
                    "train.validation: the documents that are left for training have no entities; lower it, or "
                    "annotate more"
                )
        mentions = mentions_of(train) if corpus.origin == "synthetic" else {}
        tagger, chunks = _untrained(config, TagSet.of(corpus.label_scheme()), train, mentions, context)
        texts = _texts(inputs["texts"], tagger, config) if "texts" in inputs else ()
        pretraining = _pretrain(tagger, chunks, texts, config, output, context)
        validate = partial(_strict_f1, validation, context.device, context.precision) if config.keep == "best" else None
        copies = [replace(tagger, model=deepcopy(tagger.model)) for _ in range(1, config.ensemble_size)]
        records = train_ensemble(
            [
                TaggerTraining(number, each, chunks, config, context, validate)
                for number, each in enumerate([tagger, *copies], start=1)
            ]
        )
        tagger = replace(tagger, others=tuple(copy.model for copy in copies))
        threshold = _threshold(tagger, validation, config.target_recall, context)
        if threshold is not None:
            tagger = replace(tagger, outside_threshold=threshold.threshold)
        found = _found_again(tagger, train, context)
        n_characters = sum(len(document.text) for document in train)
        tagger = replace(tagger, entities_per_character=round(chunks.n_entities / n_characters, 6))
        tagger.save(output / MODEL)
        for number, record in enumerate(records, start=1):
            write_lines(output / (CURVE if number == 1 else f"{number}-{CURVE}"), record["curve"])
        best = [record["best"] for record in records if record["best"] is not None]
        facts = {
            "n_documents": len(train),
            "n_validation_documents": len(validation),
            "n_chunks": len(chunks.examples) // chunks.n_copies,
            "n_entities": chunks.n_entities,
            "n_misaligned_entities": chunks.n_misaligned,
            "n_lost_entities": chunks.n_lost,
            "n_cut_entities": chunks.n_cut,
            "n_boundaries_within_words": chunks.n_within_words,
            "whole_words": tagger.whole_words,
            "n_parameters": sum(weight.numel() for model in tagger.models for weight in model.parameters()),
            **found,
            "training_loss": max(_last_loss(record["curve"]) for record in records),
            "constant_loss": round(tag_entropy(chunks.examples), 4),
            "n_steps": records[0]["curve"][-1]["step"],
            "n_passes": records[0]["curve"][-1]["epoch"],
            **pretraining,
            "n_tokens_tagged": sum(record["n_targets"] for record in records),
            "validation_f1": sum(best) / len(best) if best else None,
            "outside_threshold": threshold and threshold.threshold,
            "validation_token_recall": threshold and threshold.recall,
            "validation_token_precision": threshold and threshold.precision,
        }
        if (warning := training_warning(facts)) is not None:
            context.progress.message(f"warning: {warning}")
        return facts


def _untrained(
    config: ResolvedTrainConfig,
    tag_set: TagSet,
    documents: Sequence[Document],
    mentions: Mentions,
    context: StageContext,
) -> tuple[Tagger, TrainingChunks]:
    """The untrained tagger, with decoding settings from the documents, and its training chunks."""
    torch.manual_seed(context.seed)
    tagger = new_tagger(config, tag_set, (document.text for document in documents), context.device)
    longest = min(config.chunk_tokens or tagger.window_tokens, tagger.window_tokens)
    cut = partial(training_chunks, tokenizer=tagger.tokenizer, tag_set=tag_set, max_words=config.chunk_words)
    chunks = cut(documents, max_tokens=longest)
    if config.mention_replacement and config.language is not None:
        chance = Random(f"swaps-{context.seed}")  # the string decides which mentions are replaced: never change it
        surrogates = Surrogates(config.language, context.seed, config.format_variation, config.labels)
        share = config.mention_replacement
        others = [replace_mentions(document, surrogates, chance, share, mentions) for document in documents]
        chunks = chunks.with_copy(cut(others, max_tokens=longest))
    transitions = config.transitions * transition_log_probs(chunks.examples, tag_set)
    tagger = replace(
        tagger,
        whole_words=chunks.n_within_words <= WITHIN_WORDS_SHARE * 2 * chunks.n_entities,
        window_tokens=chunks.longest_tokens,
        transitions=transitions if config.transitions else None,
    )
    return tagger, chunks


def _texts(folder: Path, tagger: Tagger, config: ResolvedTrainConfig) -> Sequence[Example]:
    """Chunks of unlabeled texts."""
    file = folder / DOCUMENTS
    texts = read_normalized(file if file.exists() else folder / CORPUS)
    longest = tagger.window_tokens
    return training_chunks(
        texts, tagger.tokenizer, tagger.tag_set, max_words=config.chunk_words, max_tokens=longest
    ).examples


def _pretrain(
    tagger: Tagger,
    chunks: TrainingChunks,
    texts: Sequence[Example],
    config: ResolvedTrainConfig,
    output: Path,
    context: StageContext,
) -> dict[str, Any]:
    """Task-adaptive pretraining of the encoder, if configured; returns its facts."""
    asked = config.task_adaptive_pretraining.epochs
    if not asked and not texts:
        return {"n_tokens_masked": 0}
    folder = context.scratch / "pretraining"
    compute = Compute(context.seed, context.device, context.precision, folder)
    record = trained(
        tagger,
        folder,
        lambda memory: pretrain(tagger, chunks.examples, config, compute, memory, texts, chunks.n_copies),
        "pretrain",
        context,
    )
    write_lines(output / PRETRAINING_CURVE, record["curve"])
    last = record["curve"][-1]
    return {
        "n_pretraining_steps": last["step"],
        # Mixed with texts, the documents are in an epoch as often as asked for; else each copy of them is in it once.
        "n_pretraining_passes": round(last["epoch"] * (asked if texts else chunks.n_copies), 4),
        "n_tokens_masked": record["n_targets"],
    }


def _threshold(
    tagger: Tagger, validation: Sequence[Document], target_recall: float | None, context: StageContext
) -> Threshold | None:
    """The threshold that reaches the target recall on the validation documents; None without a target."""
    if target_recall is None:
        return None
    outside, private = outside_probabilities(tagger, validation, device=context.device, precision=context.precision)
    if not private.any():
        raise CorpusError("train.target_recall: the validation documents have no entities; raise train.validation")
    return outside_threshold(outside, private, target_recall)


def _found_again(tagger: Tagger, documents: Sequence[Document], context: StageContext) -> dict[str, int]:
    """How many entities some training documents have, and how many the tagger finds in them."""
    annotated = [document for document in documents if document.entities]
    some = annotated[:: math.ceil(len(annotated) / CHECKED_DOCUMENTS)]
    found = predict(tagger, some, device=context.device, precision=context.precision)
    return {
        "n_entities_checked": sum(len(document.entities) for document in some),
        "n_entities_found": sum(len(document.entities) for document in found),
    }


def _last_loss(curve: Sequence[Mapping[str, float]]) -> float:
    """The mean training loss of the last tenth of a curve."""
    last = curve[-math.ceil(len(curve) / 10) :]
    return round(sum(point["train_loss"] for point in last) / len(last), 4)


def _strict_f1(documents: Sequence[Document], device: str, precision: str, tagger: Tagger) -> float:
    found = list(predict(tagger, documents, device=device, precision=precision))
    return score(documents, found).strict.f1 or 0.0
