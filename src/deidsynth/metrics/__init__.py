"""Figures about plain data: pure functions, no model, no file."""

from deidsynth.metrics.entities import Counts, Scores, score
from deidsynth.metrics.overlap import VerbatimIndex, ngram_recall
from deidsynth.metrics.replay import RareValues
from deidsynth.metrics.tokens import token_spans, words

__all__ = ["Counts", "RareValues", "Scores", "VerbatimIndex", "ngram_recall", "score", "token_spans", "words"]
