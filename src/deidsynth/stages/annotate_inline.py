"""Annotate inline: use the entities that the language model wrote, optionally only where a tagger agrees."""

from __future__ import annotations

from deidsynth.config import AnnotateInlineConfig
from deidsynth.stages.artifacts import CORPUS
from deidsynth.stages.specification import StageSpec

ANNOTATE_INLINE = StageSpec(
    name="annotate-inline",
    version=3,
    config_type=AnnotateInlineConfig,
    implementation="deidsynth.stages.work.annotate_inline:AnnotateInline",
    inputs={
        "texts": "documents with the entities that the language model wrote",
        "machine": "the same documents, annotated by a tagger",
    },
    outputs={"corpus": CORPUS},
    title="Use inline entity tags",
    facts={"n_documents": "documents", "n_entities": "entities"},
    headline=("n_documents", "n_entities"),
    is_light=True,
)
