"""Memorization: how much of the training text reappears in the synthetic text, and which notes may be shown."""

from __future__ import annotations

from deidsynth.config import MemorizationConfig
from deidsynth.stages.artifacts import MEMORIZATION as FIGURES
from deidsynth.stages.specification import StageSpec

MEMORIZATION = StageSpec(
    name="memorization",
    version=2,
    config_type=MemorizationConfig,
    implementation="deidsynth.stages.work.memorization:Memorization",
    inputs={"texts": "synthetic documents", "train": "documents learned from", "held_out": "documents never seen"},
    outputs={"figures": FIGURES},
    title="Look for training text",
    facts={
        "n_notes_checked": "notes checked",
        "n_notes_passing": "notes that may be shown",
        "n_notes_with_long_runs": "notes with a long copied run",
        "n_notes_with_rare_entities": "notes with a rare real value",
        "recall_train": "wording of training notes that reappears",
        "recall_held_out": "wording of unseen notes that reappears",
    },
    headline=("n_notes_passing",),
    is_light=True,
)
