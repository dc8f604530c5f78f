"""Canaries: a twin of the language model's adaptation is trained with planted texts, scored, and thrown away."""

from __future__ import annotations

from deidsynth.config import ResolvedCanariesConfig
from deidsynth.stages.artifacts import CANARIES as FIGURES
from deidsynth.stages.specification import StageSpec

CANARIES = StageSpec(
    name="canaries",
    version=1,
    config_type=ResolvedCanariesConfig,
    implementation="deidsynth.stages.work.canaries:PlantCanaries",
    inputs={"train": "documents to adapt to"},
    outputs={"figures": FIGURES},
    title="Train a twin with canaries",
    facts={
        "n_canaries": "canaries",
        "n_correct": "right guesses",
        "n_guesses": "guesses",
        "epsilon": "lower bound of epsilon",
    },
    headline=("n_correct", "n_guesses", "epsilon"),
    check="deidsynth.models.requirements:check_twin",
)
