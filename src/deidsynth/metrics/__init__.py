"""Figures about plain data: pure functions, no model, no file."""

from deidsynth.metrics.comparison import (
    Difference,
    NonInferiority,
    non_inferiority,
    paired_bootstrap,
    randomization_test,
)
from deidsynth.metrics.counts import Counts
from deidsynth.metrics.entities import Scores, score
from deidsynth.metrics.error_analysis import ErrorAnalysis, analyze
from deidsynth.metrics.evaluation import Resampling, compare, evaluate
from deidsynth.metrics.language import LanguageProfile
from deidsynth.metrics.near_repeats import NearRepeats, share_of_repeats
from deidsynth.metrics.overlap import VerbatimIndex, ngram_recall
from deidsynth.metrics.reliability import Calibration, calibration
from deidsynth.metrics.repetitions import are_folds, evaluate_several
from deidsynth.metrics.replay import IdentifyingRuns, RareValues
from deidsynth.metrics.resampling import Interval, bootstrap
from deidsynth.metrics.sequences import TagScores, score_tags
from deidsynth.metrics.thresholds import Threshold, outside_threshold, threshold_curve
from deidsynth.metrics.tokens import token_spans, words
from deidsynth.metrics.variance import VarianceSplit, variance_split

__all__ = [
    "Calibration",
    "Counts",
    "Difference",
    "ErrorAnalysis",
    "IdentifyingRuns",
    "Interval",
    "LanguageProfile",
    "NearRepeats",
    "NonInferiority",
    "RareValues",
    "Resampling",
    "Scores",
    "TagScores",
    "Threshold",
    "VarianceSplit",
    "VerbatimIndex",
    "analyze",
    "are_folds",
    "bootstrap",
    "calibration",
    "compare",
    "evaluate",
    "evaluate_several",
    "ngram_recall",
    "non_inferiority",
    "outside_threshold",
    "paired_bootstrap",
    "randomization_test",
    "score",
    "score_tags",
    "share_of_repeats",
    "threshold_curve",
    "token_spans",
    "variance_split",
    "words",
]
