"""What an evaluation found, with its intervals: of one prediction, of folds, or of several runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from deidsynth.metrics.counts import Counts
from deidsynth.metrics.entities import Scores
from deidsynth.metrics.error_analysis import ErrorAnalysis
from deidsynth.metrics.figures import FigurePath, nested
from deidsynth.metrics.measures import MEASURES
from deidsynth.metrics.privacy import Exposure
from deidsynth.metrics.reliability import Calibration
from deidsynth.metrics.resampling import RATIOS, Interval, Resampling, plain_interval
from deidsynth.metrics.spread import FigureSpread
from deidsynth.metrics.system_comparison import Comparison

NamedScores = tuple[str, Scores]


@dataclass(frozen=True, slots=True)
class Measure:
    """Counts under one measure, the ratios they give and how sure these are.

    Args:
        counts: true and false positives and false negatives.
        intervals: low and high by ratio; None where the data cannot give one or nothing was resampled.
    """

    counts: Counts
    intervals: Mapping[str, tuple[float, float] | None]

    @property
    def precision(self) -> float | None:
        """Share of what was predicted that is right; None for 0/0, as below."""
        return self.counts.precision

    @property
    def recall(self) -> float | None:
        """Share of what is gold that was found."""
        return self.counts.recall

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall."""
        return self.counts.f1

    @property
    def tp(self) -> float:
        """True positives."""
        return self.counts.tp

    @property
    def fp(self) -> float:
        """False positives."""
        return self.counts.fp

    @property
    def fn(self) -> float:
        """False negatives."""
        return self.counts.fn

    @property
    def support(self) -> float:
        """How many there are in gold."""
        return self.counts.support

    @property
    def interval(self) -> tuple[float, float] | None:
        """Low and high of F1."""
        return self.intervals["f1"]

    def __str__(self) -> str:
        """F1 with its interval, such as ``0.959 [0.951, 0.967]``."""
        f1 = "undefined" if self.f1 is None else f"{self.f1:.3f}"
        return f1 if self.interval is None else f"{f1} [{self.interval[0]:.3f}, {self.interval[1]:.3f}]"


@dataclass(frozen=True, slots=True)
class Folds:
    """Parts of one prediction, over other documents each.

    Args:
        parts: name and scores of each.
        over: every figure by path.
    """

    parts: Sequence[NamedScores]
    over: Mapping[FigurePath, FigureSpread]


@dataclass(frozen=True, slots=True, repr=False)
class EvaluationResult:
    """How well predicted entities match gold ones; ``result.strict.f1`` and ``result.strict.interval``, for one.

    Args:
        scores: all counts.
        intervals: of every figure by path; empty without resampling.
        resampling: how documents were resampled; None if they were not.
        errors: what went wrong, where it was asked for.
        calibration: of the scores of entities, where errors were asked for.
        folds: where the prediction came in folds.
        comparison: with another system, where one was given.
    """

    scores: Scores
    intervals: Mapping[FigurePath, Interval | None] = field(default_factory=dict)
    resampling: Resampling | None = None
    errors: ErrorAnalysis | None = None
    calibration: Calibration | None = None
    folds: Folds | None = None
    comparison: Comparison | None = None

    @property
    def strict(self) -> Measure:
        """Entities by start, end and label."""
        return self.measure("strict")

    @property
    def span(self) -> Measure:
        """Entities by start and end."""
        return self.measure("span")

    @property
    def merged(self) -> Measure:
        """Spans as they are, or joined with their neighbors."""
        return self.measure("merged")

    @property
    def token(self) -> Measure:
        """Tokens by place and label."""
        return self.measure("token")

    @property
    def per_label(self) -> dict[str, Measure]:
        """Strict counts by label."""
        return {label: self._measure(each, ("per_label", label)) for label, each in self.scores.per_label.items()}

    @property
    def exposure(self) -> Exposure:
        """What would be hidden, and what would be left to read."""
        return self.scores.exposure

    @property
    def leak(self) -> float | None:
        """Strict false negatives per sentence, where the number of sentences is known."""
        return self.scores.leak

    @property
    def n_documents(self) -> int:
        """How many documents were scored."""
        return self.scores.n_documents

    def measure(self, name: str) -> Measure:
        """A measure by its name, such as ``strict`` or ``character``."""
        return self._measure(self.scores.measures[name], (name,))

    def interval(self, *path: str) -> tuple[float, float] | None:
        """Low and high of the figure at a path, such as ``interval("exposure", "characters_found")``."""
        found = self.intervals.get(path)
        return None if found is None else found.ends

    def _measure(self, counts: Counts, path: FigurePath) -> Measure:
        return Measure(counts, {name: self.interval(*path, name) for name in RATIOS})

    def __repr__(self) -> str:
        return f"EvaluationResult(n_documents={self.n_documents}, strict F1 {self.strict}, token F1 {self.token})"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON: what ``evaluate --json`` prints."""
        found = self.scores.to_dict()
        if self.resampling is not None:
            found["intervals"] = _plain_intervals(self.intervals)
            found["resampling"] = _plain_resampling(self.resampling, self.scores.units)
        if self.errors is not None:
            found["errors"] = self.errors.to_dict()
        if self.calibration is not None:
            found["calibration"] = self.calibration.to_dict()
        if self.folds is not None:
            found |= {"folds": _plain_parts(self.folds.parts), "over_folds": _plain_spread(self.folds.over)}
        if self.comparison is not None:
            found["comparison"] = self.comparison.to_dict()
        return found


@dataclass(frozen=True, slots=True)
class RunsResult:
    """How well several runs match the same gold documents.

    Args:
        runs: name and scores of each.
        over: every figure by path.
        resampling: how documents were resampled; None if they were not.
    """

    runs: Sequence[NamedScores]
    over: Mapping[FigurePath, FigureSpread]
    resampling: Resampling | None = None

    @property
    def n_documents(self) -> int:
        """How many documents each run was scored on."""
        return self.runs[0][1].n_documents

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON: what ``evaluate --json`` prints."""
        found = {"n_documents": self.n_documents, "n_runs": len(self.runs), "runs": _plain_parts(self.runs)}
        found["over_runs"] = _plain_spread(self.over)
        if self.resampling is not None:
            found["resampling"] = _plain_resampling(self.resampling, self.runs[0][1].units)
        return found


def _plain_intervals(intervals: Mapping[FigurePath, Interval | None]) -> dict[str, Any]:
    """The intervals in the form that the figures have."""
    found = nested({path: plain_interval(each) for path, each in intervals.items()})
    empty: dict[str, Any] = {"macro": {}, "per_label": {}, "exposure": {}, "leak": None}
    return {name: found.get(name, empty.get(name)) for name in (*MEASURES, *empty)}


def _plain_resampling(how: Resampling, units: Sequence[str]) -> dict[str, Any]:
    return asdict(how) | {"n_groups": len(set(units))}


def _plain_parts(parts: Sequence[NamedScores]) -> list[dict[str, Any]]:
    return [{"predicted": name, **scores.to_dict()} for name, scores in parts]


def _plain_spread(over: Mapping[FigurePath, FigureSpread]) -> dict[str, Any]:
    return nested({path: each.to_dict() for path, each in over.items()})
