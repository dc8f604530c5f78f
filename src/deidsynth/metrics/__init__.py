"""Metrics on plain data: pure functions that use no model and no file."""

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
from deidsynth.metrics.evaluation import evaluate
from deidsynth.metrics.language import LanguageProfile
from deidsynth.metrics.reliability import Calibration, calibration
from deidsynth.metrics.repeated_runs import are_folds, evaluate_several
from deidsynth.metrics.resampling import Interval, Resampling, bootstrap
from deidsynth.metrics.results import EvaluationResult, Measure, RunsResult
from deidsynth.metrics.sequences import TagScores, score_tags
from deidsynth.metrics.system_comparison import Comparison, compare
from deidsynth.metrics.thresholds import Threshold, outside_threshold
from deidsynth.metrics.tokens import token_spans, words
from deidsynth.metrics.variance import VarianceSplit, variance_split

__all__ = [
    "Calibration",
    "Comparison",
    "Counts",
    "Difference",
    "ErrorAnalysis",
    "EvaluationResult",
    "Interval",
    "LanguageProfile",
    "Measure",
    "NonInferiority",
    "Resampling",
    "RunsResult",
    "Scores",
    "TagScores",
    "Threshold",
    "VarianceSplit",
    "analyze",
    "are_folds",
    "bootstrap",
    "calibration",
    "compare",
    "evaluate",
    "evaluate_several",
    "non_inferiority",
    "outside_threshold",
    "paired_bootstrap",
    "randomization_test",
    "score",
    "score_tags",
    "token_spans",
    "variance_split",
    "words",
]
