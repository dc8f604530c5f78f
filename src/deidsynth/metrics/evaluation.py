"""Everything that is said about one system, or about one beside another, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from deidsynth.documents import Document
from deidsynth.metrics.comparison import Difference, non_inferiority, paired_bootstrap, randomization_test
from deidsynth.metrics.entities import Scores, score
from deidsynth.metrics.error_analysis import analyze
from deidsynth.metrics.reliability import calibration
from deidsynth.metrics.resampling import Interval, bootstrap

COMPARED = ("strict", "span", "merged", "token", "character")


@dataclass(frozen=True, slots=True)
class Resampling:
    """How uncertainty is measured.

    Args:
        n_resamples: of the documents, by group.
        level: of the intervals.
        seed: of the resamples.
    """

    n_resamples: int = 10_000
    level: float = 0.95
    seed: int = 1


def evaluate(
    gold: Sequence[Document],
    predicted: Sequence[Document],
    *,
    sentence_count: int | None = None,
    resampling: Resampling | None = None,
    errors: bool = False,
) -> tuple[dict[str, Any], Scores]:
    """Scores with intervals, and what went wrong, as plain JSON; and the scores themselves.

    Args:
        gold: documents with the entities that are right; their groups are what is resampled.
        predicted: the same texts with the entities that were found.
        sentence_count: sentences in gold, for ``leak``.
        resampling: None leaves the intervals out.
        errors: whether error analysis and calibration are wanted.

    Raises:
        InputError: as ``score``, or options of resampling that make no sense.
    """
    scores = score(gold, predicted, sentence_count=sentence_count)
    found = scores.to_dict()
    if resampling is not None:
        found["intervals"] = _intervals(scores, resampling)
        found["resampling"] = asdict(resampling) | {"n_groups": len(set(scores.units))}
    if errors:
        found["errors"] = analyze(gold, predicted).to_dict()
        found["calibration"] = calibration(gold, predicted).to_dict()
    return found, scores


def compare(
    reference: Scores, candidate: Scores, *, margin: float | None = None, resampling: Resampling | None = None
) -> dict[str, Any]:
    """By measure: the difference candidate - reference with its interval, the chance of it, and whether it is small.

    Args:
        reference: such as the scores of the model trained on gold data.
        candidate: such as those of the model trained on synthetic data, over the same documents.
        margin: largest drop in F1 that is accepted, such as 0.01; None asks nothing.
        resampling: how; by default as ``Resampling`` says.

    Raises:
        InputError: a margin outside of (0, 1), or options of resampling that make no sense.
    """
    how = resampling or Resampling()
    options: dict[str, Any] = {"n_resamples": how.n_resamples, "level": how.level, "seed": how.seed}
    found: dict[str, Any] = {}
    for measure in COMPARED:
        first, second = reference.by_document[measure], candidate.by_document[measure]
        groups = reference.units
        row: dict[str, Any] = {
            "reference_f1": reference.measures[measure].f1,
            "candidate_f1": candidate.measures[measure].f1,
            "difference": {
                name: _difference(each) for name, each in paired_bootstrap(first, second, groups, **options).items()
            },
            "randomization_p": randomization_test(first, second, groups, n_permutations=how.n_resamples, seed=how.seed),
        }
        if margin is not None:
            row["non_inferiority"] = asdict(non_inferiority(first, second, margin, groups, **options))
        found[measure] = row
    return found


def _intervals(scores: Scores, how: Resampling) -> dict[str, Any]:
    return {
        measure: {
            name: _plain(interval)
            for name, interval in bootstrap(
                counts, scores.units, n_resamples=how.n_resamples, level=how.level, seed=how.seed
            ).items()
        }
        for measure, counts in scores.by_document.items()
    }


def _difference(difference: Difference | None) -> Mapping[str, Any] | None:
    if difference is None:
        return None
    return {
        "point": difference.point,
        "interval": _plain(difference.interval),
        "share_not_positive": difference.share_not_positive,
    }


def _plain(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [interval.low, interval.high]
