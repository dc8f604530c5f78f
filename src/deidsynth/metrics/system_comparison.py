"""Two systems on the same documents: every figure beside that of the other, and whether the difference is small."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from deidsynth.metrics.comparison import (
    Difference,
    NonInferiority,
    non_inferiority,
    paired_bootstrap,
    randomization_test,
)
from deidsynth.metrics.entities import Scores
from deidsynth.metrics.figures import Block, Compared, FigurePath, comparisons, label_block, nested, share_blocks
from deidsynth.metrics.measures import MEASURES
from deidsynth.metrics.resampling import RATIOS, Resampling


@dataclass(frozen=True, slots=True)
class ComparedMeasure:
    """One measure of two systems.

    Args:
        reference_f1: of the first; None where undefined, like the next.
        candidate_f1: of the second.
        difference: of precision, recall and F1, candidate - reference; None where either is undefined.
        randomization_p: two-sided p-value of the difference in F1; None as the difference.
        non_inferiority: in F1; None where no margin was given.
    """

    reference_f1: float | None
    candidate_f1: float | None
    difference: Mapping[str, Difference | None]
    randomization_p: float | None
    non_inferiority: NonInferiority | None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON; the verdict only where there is one."""
        return {
            "reference_f1": self.reference_f1,
            "candidate_f1": self.candidate_f1,
            "difference": {name: None if each is None else each.to_dict() for name, each in self.difference.items()},
            "randomization_p": self.randomization_p,
            **({} if self.non_inferiority is None else {"non_inferiority": self.non_inferiority.to_dict()}),
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """A candidate beside a reference.

    Args:
        measures: by name, ``macro`` among them.
        shares: by path: those of ``exposure``, and ``leak`` where both systems know it.
    """

    measures: Mapping[str, ComparedMeasure]
    shares: Mapping[FigurePath, Compared]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        measures = {name: each.to_dict() for name, each in self.measures.items()}
        return measures | nested({path: each.to_dict() for path, each in self.shares.items()})


def compare(
    reference: Scores, candidate: Scores, *, margin: float | None = None, resampling: Resampling | None = None
) -> Comparison:
    """By measure: candidate - reference with its interval, its p-value, and whether a drop is below the margin.

    ``macro`` has the form of a measure; each share of ``exposure`` has such a row, and ``leak`` where both know it.
    Where lower is better, nothing is said about the margin.

    Args:
        reference: such as the scores of the model trained on gold data.
        candidate: such as those of the model trained on synthetic data, over the same documents.
        margin: smallest drop in F1, or in a share, that is too large, such as 0.01; None asks nothing.
        resampling: how; by default as ``Resampling`` says.

    Raises:
        InputError: a margin outside of (0, 1), or options of resampling that make no sense.
    """
    how = resampling or Resampling()
    options = asdict(how)
    measures: dict[str, ComparedMeasure] = {}
    for measure in MEASURES:
        first, second = reference.by_document[measure], candidate.by_document[measure]
        groups = reference.units
        measures[measure] = ComparedMeasure(
            reference.measures[measure].f1,
            candidate.measures[measure].f1,
            paired_bootstrap(first, second, groups, **options),
            randomization_test(first, second, groups, n_permutations=how.n_resamples, seed=how.seed),
            None if margin is None else non_inferiority(first, second, margin, groups, **options),
        )
    rows = _compared_figures(reference, candidate, margin, options)
    measures["macro"] = _macro(rows)
    return Comparison(measures, {path: row for path, row in rows.items() if path[0] != "macro"})


def _compared_figures(
    reference: Scores, candidate: Scores, margin: float | None, options: Mapping[str, Any]
) -> dict[FigurePath, Compared]:
    """The shares and the macro averages."""
    labels = sorted({*reference.per_label, *candidate.per_label})
    leak = reference.leak is not None and candidate.leak is not None

    def blocks(scores: Scores) -> list[Block]:
        return [*share_blocks(scores, leak=leak), label_block(scores, labels)]

    return comparisons(blocks(reference), blocks(candidate), reference.units, margin=margin, **options)


def _macro(rows: Mapping[FigurePath, Compared]) -> ComparedMeasure:
    f1 = rows["macro", "f1"]
    difference = {name: rows["macro", name].difference for name in RATIOS}
    return ComparedMeasure(f1.reference, f1.candidate, difference, f1.randomization_p, f1.non_inferiority)
