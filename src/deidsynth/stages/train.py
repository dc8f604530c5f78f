"""Train: a token classifier is trained. Annotator, gold model and synthetic model come from this stage."""

from __future__ import annotations

from deidsynth.config import ResolvedTrainConfig
from deidsynth.stages.artifacts import CURVE, MODEL, PRETRAINING_CURVE
from deidsynth.stages.specification import StageSpec

TRAIN = StageSpec(
    name="train",
    version=11,
    config_type=ResolvedTrainConfig,
    implementation="deidsynth.stages.work.train:Train",
    inputs={"corpus": "annotated documents", "texts": "unlabeled texts (optional)"},
    outputs={"model": MODEL, "curve": CURVE, "pretraining_curve": PRETRAINING_CURVE},
    title="Train a tagger",
    facts={
        "n_documents": "documents",
        "n_validation_documents": "validation documents",
        "n_entities": "entities",
        "n_cut_entities": "entities cut at chunk boundaries",
        "n_lost_entities": "entities without any token",
        "n_misaligned_entities": "entities not aligned with tokens",
        "n_boundaries_within_words": "entity boundaries inside words",
        "n_entities_checked": "entities sought again in training documents",
        "n_entities_found": "entities found there",
        "training_loss": "training loss at the end, in nats",
        "constant_loss": "loss of a constant prediction, in nats",
        "n_steps": "optimizer steps",
        "n_passes": "passes over the documents",
        "n_pretraining_steps": "optimizer steps of task-adaptive pretraining",
        "n_pretraining_passes": "passes over the documents in task-adaptive pretraining",
        "n_tokens_masked": "tokens masked in task-adaptive pretraining",
        "n_tokens_tagged": "training tokens",
        "validation_f1": "validation F1",
    },
    headline=("n_documents", "n_entities", "validation_f1"),
    check="deidsynth.models.requirements:check_encoder",
)
