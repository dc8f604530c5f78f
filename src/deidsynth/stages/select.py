"""Select: one split of the imported corpus, or a nested share of it."""

from __future__ import annotations

from deidsynth.config import SelectConfig
from deidsynth.stages.artifacts import CORPUS
from deidsynth.stages.specification import StageSpec

SELECT = StageSpec(
    name="select",
    version=2,
    config_type=SelectConfig,
    implementation="deidsynth.stages.work.select:Select",
    inputs={"corpus": "an imported corpus"},
    outputs={"corpus": CORPUS},
    title="Select documents",
    facts={"n_documents": "documents", "n_entities": "entities"},
    headline=("n_documents", "n_entities"),
    is_light=True,
    holds_source_text=True,
)
