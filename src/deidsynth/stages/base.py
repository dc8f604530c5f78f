"""Base: a causal language model without adaptation."""

from __future__ import annotations

from deidsynth.config import ResolvedAdaptConfig
from deidsynth.stages.artifacts import CURVE, MODEL
from deidsynth.stages.specification import StageSpec

BASE = StageSpec(
    name="base",
    version=1,
    config_type=ResolvedAdaptConfig,
    implementation="deidsynth.stages.work.base:Base",
    outputs={"model": MODEL, "curve": CURVE},
    title="Use the language model without adaptation",
    facts={"n_parameters": "parameters"},
    is_light=True,
    check="deidsynth.models.requirements:check_base",
)
