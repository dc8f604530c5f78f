"""Import: a corpus, texts or a model from outside the store, so that the lineage of artifacts includes it."""

from __future__ import annotations

from deidsynth.config import StageConfig
from deidsynth.stages.artifacts import CORPUS, DOCUMENTS, MODEL, PARTS
from deidsynth.stages.specification import StageSpec


class ImportConfig(StageConfig):
    """What the import of a corpus depends on besides its content."""

    language: str | None = None


IMPORT = StageSpec(
    name="import",
    version=2,
    config_type=ImportConfig,
    outputs={"documents": DOCUMENTS, "parts": PARTS},
    title="Read the corpus",
    facts={"n_documents": "documents", "n_entities": "entities"},
    headline=("n_documents", "n_entities"),
    is_light=True,
    holds_source_text=True,
)

GIVEN_CORPUS = StageSpec(
    name="given-corpus",
    version=1,
    config_type=ImportConfig,
    outputs={"corpus": CORPUS},
    title="Read the documents",
    facts={"n_documents": "documents", "n_entities": "entities"},
    is_light=True,
    holds_source_text=True,
)
"""Input documents of a stage that runs alone."""

GIVEN_MODEL = StageSpec(
    name="given-model",
    version=1,
    config_type=StageConfig,
    outputs={"model": MODEL},
    title="Find the model",
    is_light=True,
)
"""Input model of a stage that runs alone: a link to its folder."""
