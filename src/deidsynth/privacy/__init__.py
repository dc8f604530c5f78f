"""What synthetic text reveals about the training text, by counting: no model, no file."""

from deidsynth.privacy.near_duplicates import LOOP_TOKENS, NearDuplicateIndex, repeated_ngram_share, repeated_ngrams
from deidsynth.privacy.rare_values import IdentifyingRuns, RareValues
from deidsynth.privacy.verbatim import VerbatimIndex, ngram_recall

__all__ = [
    "LOOP_TOKENS",
    "IdentifyingRuns",
    "NearDuplicateIndex",
    "RareValues",
    "VerbatimIndex",
    "ngram_recall",
    "repeated_ngram_share",
    "repeated_ngrams",
]
