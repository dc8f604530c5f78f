"""Pseudonymize: every gold entity of the training documents is replaced by a surrogate."""

from __future__ import annotations

from deidsynth.config import ResolvedPseudonymizeConfig
from deidsynth.stages.artifacts import COPIES, CORPUS, PSEUDONYMS
from deidsynth.stages.specification import StageSpec

PSEUDONYMIZE = StageSpec(
    name="pseudonymize",
    version=2,
    config_type=ResolvedPseudonymizeConfig,
    implementation="deidsynth.stages.work.pseudonymize:Pseudonymize",
    inputs={"corpus": "documents with gold entities"},
    outputs={"corpus": CORPUS, "copies": COPIES, "pseudonyms": PSEUDONYMS},
    title="Replace identifiers by surrogates",
    facts={
        "n_replaced": "entities replaced",
        "n_patients": "patients, with surrogates of their own",
        "n_copies": "copies with different surrogates",
        "n_random": "replaced by a random string or by values of another language",
    },
    headline=("n_replaced", "n_patients"),
    is_light=True,
    holds_source_text=True,
)
