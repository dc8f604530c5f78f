"""What synthetic text reveals about the training text, by counting: no model, no file."""

from deidsynth.privacy.near_duplicates import NearDuplicates, repetition_rate
from deidsynth.privacy.rare_values import IdentifyingRuns, RareValues
from deidsynth.privacy.verbatim import VerbatimIndex, ngram_recall

__all__ = [
    "IdentifyingRuns",
    "NearDuplicates",
    "RareValues",
    "VerbatimIndex",
    "ngram_recall",
    "repetition_rate",
]
