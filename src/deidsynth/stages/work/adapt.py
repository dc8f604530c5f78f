"""Adapt: a causal language model is adapted to the training documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from deidsynth.config import ResolvedAdaptConfig
from deidsynth.files import write_lines
from deidsynth.models.devices import Compute
from deidsynth.models.language_model.adaptation import (
    TokenSplit,
    adapt_to_tokens,
    merged_validation_loss,
    split_documents,
)
from deidsynth.models.language_model.added_tokens import AddedTokens
from deidsynth.models.language_model.causal_lm import adaptable_model, context_length
from deidsynth.models.language_model.codec import Codec
from deidsynth.models.settings_file import ModelSettings
from deidsynth.models.training.processes import leave, processes_on
from deidsynth.models.training.utilization import product_flops_per_second, training_flops_per_token
from deidsynth.stages.artifacts import CORPUS, CURVE, MODEL, PSEUDONYMS
from deidsynth.stages.specification import StageContext
from deidsynth.stages.work.adapt_private import adapt_privately
from deidsynth.stages.work.curves import watch
from deidsynth.stages.work.reading import read_copies, read_normalized


class Adapt:
    """``train`` in; ``model/`` (a causal language model or an adapter) and ``curve.jsonl`` out."""

    def run(
        self, config: ResolvedAdaptConfig, inputs: Mapping[str, Path], output: Path, context: StageContext
    ) -> Mapping[str, Any]:
        """Adapt the model and write its weights; FLOP utilization is computed as if all weights were trained.

        Validation texts are held out from ``train``, so that an arm with little data is constrained in every respect.
        With several processes, all train and the first one writes.
        """
        if config.private.is_on:
            return adapt_privately(config, inputs, output, context)
        corpus = read_normalized(inputs["train"] / CORPUS)
        train, held_out = split_documents(list(corpus), config.validation, context.seed)
        added = AddedTokens.of(config, corpus.documents)
        torch.manual_seed(context.seed)
        texts = [document.text for document in train]
        adaptable = adaptable_model(config, texts, context.device, list(added.tokens))
        codec = Codec(adaptable.tokenizer, added)
        kept, copies = {document.doc_id for document in train}, read_copies(inputs["train"])
        tokens = TokenSplit(
            [codec.encode(document) for document in train],
            [codec.encode(document) for document in held_out],
            sum(len(document.text) for document in held_out),
            [[codec.encode(document) for document in copy if document.doc_id in kept] for copy in copies],
        )
        memory: dict[str, Any] = {}
        compute = Compute(context.seed, context.device, context.precision, context.scratch)
        points = adapt_to_tokens(adaptable, tokens, config, compute, memory, context.progress.message)
        watch(points, "adapt", context.progress, memory)
        processes = processes_on(context.device)
        leave(processes)
        if not processes.is_main_process:
            return {}
        model: Any = adaptable.model
        # An adapter already holds the rows of new tokens; it does not need another copy of all embeddings.
        rows_only = {"save_embedding_layers": False} if added and adaptable.method != "full" else {}
        model.save_pretrained(output / MODEL, **rows_only)
        adaptable.tokenizer.save_pretrained(output / MODEL)
        known = Counter(added.control_codes_of(document) for document in corpus if added.control_codes)
        settings = ModelSettings(
            added_tokens=added or None, control_codes=tuple(sorted(known.items())), language=corpus.language
        )
        if settings != ModelSettings():
            settings.save(output / MODEL)
        write_lines(output / CURVE, memory["curve"])
        tokens_per_second = memory["n_targets"] / max(memory["seconds"], 1e-9)
        needed = tokens_per_second * training_flops_per_token(model, _seen_tokens(tokens.train, model, config))
        given = product_flops_per_second(context.device, context.precision) * processes.num_processes
        measured = [row for row in memory["curve"] if "validation_loss" in row]
        best = min(measured, key=lambda row: float(row["validation_loss"])) if measured else {}
        facts = {
            "method": adaptable.method,
            "n_train_documents": len(train),
            "n_validation_documents": len(held_out),
            "n_parameters": sum(weight.numel() for weight in model.parameters()),
            "n_trained_parameters": sum(weight.numel() for weight in model.parameters() if weight.requires_grad),
            "n_steps": memory["curve"][-1]["step"],
            "n_passes": memory["curve"][-1]["epoch"],
            "n_tokens_seen": memory["n_targets"],
            "tokens_per_second": round(tokens_per_second, 1),
            "model_flop_utilization": round(needed / given, 3),
            "validation_loss": best.get("validation_loss"),
            "bits_per_character": best.get("bits_per_character"),
            **({"reads_surrogates": True} if (inputs["train"] / PSEUDONYMS).exists() else {}),
            **({"n_added_tokens": len(added.tokens)} if added else {}),
        }
        if adaptable.method == "full" or not measured:
            return facts
        del adaptable, model  # another one is loaded
        try:
            loss, bits = merged_validation_loss(output / MODEL, tokens, config, compute, memory["micro_batch_tokens"])
        except torch.OutOfMemoryError:  # a base that fits quantized may not fit as it is; the adaptation is done
            context.progress.message("warning: adapt: no memory to measure the adapter merged into its base")
            return facts
        context.progress.message(
            f"adapt: the adapter merged into its base has a validation loss of {loss:.4f}, and {bits:.4f} bits per "
            f"character; in training the last ones were {measured[-1]['validation_loss']:.4f} and "
            f"{measured[-1]['bits_per_character']:.4f}"
        )
        return {**facts, "merged_validation_loss": loss, "merged_bits_per_character": bits}


def _seen_tokens(documents: Sequence[Sequence[int]], model: Any, config: ResolvedAdaptConfig) -> float:
    """The mean document length over all tokens, limited to the length of a row."""
    longest = min(config.sequence_length, context_length(model.config))
    lengths = [min(len(document), longest) for document in documents]
    return sum(length * length for length in lengths) / max(1, sum(lengths))
