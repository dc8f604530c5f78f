"""Annotate: a trained tagger annotates texts; the result is a silver corpus."""

from __future__ import annotations

from deidsynth.config import AnnotateConfig
from deidsynth.stages.artifacts import CORPUS
from deidsynth.stages.specification import StageSpec

ANNOTATE = StageSpec(
    name="annotate",
    version=6,
    config_type=AnnotateConfig,
    implementation="deidsynth.stages.work.annotate:Annotate",
    inputs={"texts": "documents to annotate", "model": "a tagger"},
    outputs={"corpus": CORPUS},
    title="Annotate the synthetic notes",
    facts={
        "n_documents": "documents",
        "n_entities": "entities",
        "n_entities_expected": "entities expected by its training",
        "n_documents_without_entities": "documents without entities",
        "median_score": "median score",
        "documents_per_second": "documents/s",
    },
    headline=("n_documents", "n_entities"),
    is_divisible=True,
)
