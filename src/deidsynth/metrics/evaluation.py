"""Everything that is said about one prediction: scores, intervals and what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from deidsynth.documents import Document
from deidsynth.errors import InputError
from deidsynth.metrics.entities import Scores, score
from deidsynth.metrics.error_analysis import analyze
from deidsynth.metrics.figures import FigurePath, intervals, label_block, share_blocks
from deidsynth.metrics.reliability import calibration
from deidsynth.metrics.resampling import Interval, Resampling, bootstrap
from deidsynth.metrics.results import EvaluationResult


def evaluate(
    predicted: Sequence[Document],
    gold: Sequence[Document],
    *,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 1,
    sentence_count: int | None = None,
    errors: bool = False,
) -> EvaluationResult:
    """How well predicted entities match gold ones, with intervals; documents are matched by id.

    Args:
        predicted: corpus, or documents, with the entities that were found.
        gold: the same texts with the entities that are right; their groups are what is resampled.
        resamples: of the documents, by group; 0 leaves the intervals out.
        level: of the intervals.
        seed: of the resamples.
        sentence_count: sentences in gold, for ``leak``.
        errors: whether error analysis and calibration are wanted.

    Raises:
        InputError: no documents, as ``score``, or options of resampling that make no sense.
    """
    if not len(gold):
        raise InputError("there is no gold document to compare with")
    resampling = Resampling(resamples, level, seed) if resamples else None
    return evaluate_one(gold, predicted, sentence_count=sentence_count, resampling=resampling, errors=errors)


def evaluate_one(
    gold: Sequence[Document],
    predicted: Sequence[Document],
    *,
    sentence_count: int | None = None,
    resampling: Resampling | None = None,
    errors: bool = False,
) -> EvaluationResult:
    """As `evaluate`, with all options of resampling in one; None leaves the intervals out."""
    scores = score(gold, predicted, sentence_count=sentence_count)
    return EvaluationResult(
        scores,
        {} if resampling is None else _intervals(scores, resampling),
        resampling,
        errors=analyze(gold, predicted) if errors else None,
        calibration=calibration(gold, predicted) if errors else None,
    )


def _intervals(scores: Scores, how: Resampling) -> dict[FigurePath, Interval | None]:
    """Of every measure, share, label and macro average."""
    options = asdict(how)
    found: dict[FigurePath, Interval | None] = {
        (measure, name): interval
        for measure, counts in scores.by_document.items()
        for name, interval in bootstrap(counts, scores.units, **options).items()
    }
    return found | intervals([*share_blocks(scores), label_block(scores, each=True)], scores.units, **options)
