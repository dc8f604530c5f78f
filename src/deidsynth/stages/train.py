"""Train: an encoder learns to tag. Annotator, gold model and synthetic model are all made here."""

from __future__ import annotations

from deidsynth.config import ResolvedTrainConfig
from deidsynth.stages.artifacts import CURVE, MODEL, PRETRAINING_CURVE
from deidsynth.stages.specification import StageSpec

TRAIN = StageSpec(
    name="train",
    version=8,
    config_type=ResolvedTrainConfig,
    implementation="deidsynth.stages.work.train:Train",
    inputs={"corpus": "annotated documents", "texts": "unlabeled texts, perhaps"},
    outputs={"model": MODEL, "curve": CURVE, "pretraining_curve": PRETRAINING_CURVE},
    title="Train a tagger",
    facts={
        "n_documents": "documents",
        "n_validation_documents": "documents for validation",
        "n_entities": "entities",
        "n_cut_entities": "entities cut by a chunk’s end",
        "n_lost_entities": "entities that no token holds",
        "n_misaligned_entities": "entities that tags cannot give back exactly",
        "n_boundaries_within_words": "entity ends inside a word",
        "n_tokens_masked": "tokens masked in pretraining",
        "n_tokens_tagged": "tokens read for tagging",
        "validation_f1": "validation F1",
    },
    headline=("n_documents", "n_entities", "validation_f1"),
    check="deidsynth.models.requirements:check_encoder",
)
