"""What the synthetic text gives away of the training text: counting alone, no model, no file."""

from deidsynth.privacy.near_duplicates import LOOP_TOKENS, NearRepeats, share_of_repeats
from deidsynth.privacy.rare_values import IdentifyingRuns, RareValues
from deidsynth.privacy.verbatim import VerbatimIndex, ngram_recall

__all__ = [
    "LOOP_TOKENS",
    "IdentifyingRuns",
    "NearRepeats",
    "RareValues",
    "VerbatimIndex",
    "ngram_recall",
    "share_of_repeats",
]
