"""Memorization: how much training text reappears in the synthetic text, and which notes may be shown."""

from __future__ import annotations

from deidsynth.config import MemorizationConfig
from deidsynth.stages.artifacts import MEMORIZATION as FIGURES
from deidsynth.stages.specification import StageSpec

MEMORIZATION = StageSpec(
    name="memorization",
    version=4,
    config_type=MemorizationConfig,
    implementation="deidsynth.stages.work.memorization:Memorization",
    inputs={
        "texts": "synthetic documents",
        "train": "training documents",
        "validation": "validation documents, whose beginnings are the prompts",
        "held_out": "held-out documents",
    },
    outputs={"figures": FIGURES},
    title="Measure memorization",
    facts={
        "n_notes_checked": "notes checked",
        "n_notes_passing": "notes that may be shown",
        "n_notes_with_long_runs": "notes with a long verbatim run",
        "n_notes_with_rare_entities": "notes with a rare real value",
        "recall_train": "n-gram recall of training notes",
        "recall_held_out": "n-gram recall of held-out notes",
    },
    headline=("n_notes_passing",),
    is_light=True,
)
