"""Synthesize: sample new texts from the adapted language model and filter them."""

from __future__ import annotations

from deidsynth.config import SynthesizeConfig
from deidsynth.stages.artifacts import CORPUS, SAMPLES
from deidsynth.stages.specification import StageSpec

SYNTHESIZE = StageSpec(
    name="synthesize",
    version=6,
    config_type=SynthesizeConfig,
    implementation="deidsynth.stages.work.synthesize:Synthesize",
    inputs={
        "model": "an adapted language model",
        "prompts": "documents whose first words are the prompts",
        "train": "documents that the model was adapted to",
    },
    outputs={"corpus": CORPUS, "samples": SAMPLES},
    title="Write synthetic notes",
    facts={
        "n_documents": "documents",
        "tokens_per_second": "tokens/s",
        "n_asked": "notes requested",
        "n_sampled": "notes sampled",
        "n_rejected": "notes rejected",
        "n_missing": "notes missing",
        "n_without_eos": "truncated at the length limit",
        "n_empty": "empty notes",
        "n_malformed": "notes with broken inline entity tags",
        "n_overlong": "overlong unfinished notes",
        "n_loops": "notes with repetition loops",
        "n_in_foreign_script": "notes in a foreign script",
        "n_in_other_language": "notes in another language",
        "n_near_duplicates": "near-duplicates of another note",
        "n_with_long_runs": "notes with a long verbatim run",
        "n_with_identifying_runs": "notes with two identifiers in one verbatim run",
    },
    headline=("n_documents", "tokens_per_second"),
    is_divisible=True,
    check="deidsynth.sampling.checking:check_sampling",
)
