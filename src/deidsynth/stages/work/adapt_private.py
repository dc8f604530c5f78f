"""Private adaptation of a causal language model: what the stage ``adapt`` does with a budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from deidsynth.config import ResolvedAdaptConfig
from deidsynth.errors import CorpusError, InputError
from deidsynth.files import write_lines
from deidsynth.models.devices import Compute
from deidsynth.models.language_model.codec import Codec
from deidsynth.models.language_model.packing import SpecialTokenIds
from deidsynth.models.private.accounting import budget_of
from deidsynth.models.private.adapter import private_adapter, public_tokens
from deidsynth.models.private.poisson import by_group
from deidsynth.models.private.training import private_steps
from deidsynth.models.settings_file import ModelSettings
from deidsynth.models.training.processes import processes_on
from deidsynth.stages.artifacts import CORPUS, CURVE, MODEL
from deidsynth.stages.specification import StageContext
from deidsynth.stages.work.curves import watch
from deidsynth.stages.work.reading import read_normalized


def adapt_privately(
    config: ResolvedAdaptConfig, inputs: Mapping[str, Path], output: Path, context: StageContext
) -> dict[str, Any]:
    """Adapt the model and write its adapter; epsilon covers the weights, not the curve or the counts.

    All documents are trained on. The seed is that of the adapter's first weights; noise and batches have secret ones.

    Raises:
        CorpusError: the training documents have no text.
        InputError: several processes.
        MissingExtraError: the extra ``dp`` is not installed.
    """
    if processes_on(context.device).num_processes > 1:
        raise InputError("adapt.private: one process trains; run it without a launcher")
    corpus = read_normalized(inputs["train"] / CORPUS)
    documents = [document for document in corpus if document.text]
    if not documents:
        raise CorpusError("the training documents have no text to adapt to")
    budget = budget_of(config.private)
    torch.manual_seed(context.seed)
    added = public_tokens(config)
    adaptable = private_adapter(config, added, context.device)
    codec = Codec(adaptable.tokenizer, added)
    groups = by_group(documents, [codec.encode(document) for document in documents])
    memory: dict[str, Any] = {}
    points = private_steps(
        adaptable.model,
        groups,
        SpecialTokenIds.of(adaptable.tokenizer),
        config,
        budget.noise_multiplier,
        Compute(context.seed, context.device, context.precision, context.scratch),
    )
    watch(points, "adapt", context.progress, memory)
    model: Any = adaptable.model
    model.save_pretrained(output / MODEL, **({"save_embedding_layers": False} if added else {}))
    adaptable.tokenizer.save_pretrained(output / MODEL)
    settings = ModelSettings(added_tokens=added or None, language=corpus.language)
    if settings != ModelSettings():
        settings.save(output / MODEL)
    write_lines(output / CURVE, memory["curve"])
    private = config.private
    return {
        "method": adaptable.method,
        "n_train_documents": len(documents),
        "n_train_groups": len(groups),
        "n_validation_documents": 0,
        "n_parameters": sum(weight.numel() for weight in model.parameters()),
        "n_trained_parameters": sum(weight.numel() for weight in model.parameters() if weight.requires_grad),
        "n_tokens_seen": memory["n_targets"],
        "tokens_per_second": round(memory["n_targets"] / max(memory["seconds"], 1e-9), 1),
        **asdict(budget),
        "unit": "group of documents, added or removed",
        "sampling_rate": private.sampling_rate,
        "expected_batch": private.expected_batch,
        "steps": private.steps,
        "max_gradient_norm": private.max_gradient_norm,
        **({"n_added_tokens": len(added.tokens)} if added else {}),
    }
