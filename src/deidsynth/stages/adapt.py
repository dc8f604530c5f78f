"""Adapt: a causal language model is adapted to the training documents."""

from __future__ import annotations

from deidsynth.config import ResolvedAdaptConfig
from deidsynth.stages.artifacts import CURVE, MODEL
from deidsynth.stages.specification import StageSpec

ADAPT = StageSpec(
    name="adapt",
    version=6,
    config_type=ResolvedAdaptConfig,
    implementation="deidsynth.stages.work.adapt:Adapt",
    inputs={"train": "documents to adapt to"},
    outputs={"model": MODEL, "curve": CURVE},
    title="Adapt the language model",
    facts={
        "method": "method",
        "n_train_documents": "training documents",
        "n_validation_documents": "documents for the validation loss",
        "reads_surrogates": "every annotated identifier in its text was a surrogate",
        "n_steps": "optimizer steps",
        "n_passes": "passes over the documents",
        "n_tokens_seen": "training tokens",
        "tokens_per_second": "tokens/s",
        "validation_loss": "validation loss",
        "bits_per_character": "bits per character",
        "merged_validation_loss": "validation loss of the adapter merged into its base",
        "epsilon": "epsilon of the language model",
        "epsilon_opacus": "epsilon by Opacus",
        "delta": "delta",
        "noise_multiplier": "noise multiplier",
    },
    headline=("epsilon", "delta", "bits_per_character", "validation_loss"),
    check="deidsynth.models.requirements:check_base",
)
