"""Evaluate: score a trained tagger against gold entities."""

from __future__ import annotations

from deidsynth.config import EvaluateConfig
from deidsynth.stages.artifacts import PREDICTIONS, SCORES
from deidsynth.stages.specification import StageSpec

EVALUATE = StageSpec(
    name="evaluate",
    version=4,
    config_type=EvaluateConfig,
    implementation="deidsynth.stages.work.evaluate:Evaluate",
    inputs={"model": "a tagger", "corpus": "gold documents"},
    outputs={"scores": SCORES, "predictions": PREDICTIONS},
    title="Score a tagger",
    facts={"n_documents": "documents", "strict_f1": "strict F1", "token_f1": "token F1"},
    headline=("strict_f1", "token_f1"),
)
