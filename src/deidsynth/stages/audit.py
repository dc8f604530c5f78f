"""Audit: what a synthetic corpus and models give away of the training documents, beside held-out documents."""

from __future__ import annotations

from deidsynth.config import AuditConfig
from deidsynth.stages.artifacts import AUDIT as FIGURES, AUDIT_PAGE
from deidsynth.stages.specification import StageSpec

LANGUAGE_MODEL = "language_model"
"""Role of the language model."""

TAGGER = "tagger-"
"""Beginning of the roles of taggers; the rest is the tagger's name in the audit."""

AUDIT = StageSpec(
    name="audit",
    version=3,
    config_type=AuditConfig,
    implementation="deidsynth.stages.work.audit:MakeAudit",
    inputs={
        "synthetic": "synthetic documents",
        "train": "training documents",
        "held_out": "held-out documents, which gave no text, no prompt and no threshold",
        f"{TAGGER}…": "a tagger that is to be released (optional)",
        LANGUAGE_MODEL: "a language model that is to be released (optional)",
    },
    outputs={"figures": FIGURES, "page": AUDIT_PAGE},
    title="Audit privacy",
    facts={
        "verdict": "verdict",
        "n_train_groups": "training groups",
        "n_held_out_groups": "held-out groups",
        "n_passed": "measures pass",
        "n_failed": "fail",
        "n_without_verdict": "without a verdict",
    },
    headline=("n_passed", "n_failed", "n_without_verdict"),
)
