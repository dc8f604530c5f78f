"""The complete evaluation of one system, or the comparison of two, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from deidsynth.documents import Document
from deidsynth.metrics.comparison import Difference, non_inferiority, paired_bootstrap, randomization_test
from deidsynth.metrics.entities import Scores, score
from deidsynth.metrics.error_analysis import analyze
from deidsynth.metrics.figures import Block, Compared, FigurePath, comparisons, intervals, label_block, share_blocks
from deidsynth.metrics.reliability import calibration
from deidsynth.metrics.resampling import RATIOS, Interval, bootstrap

COMPARED = ("strict", "span", "merged", "overlap", "partial", "token", "character")


@dataclass(frozen=True, slots=True)
class Resampling:
    """How uncertainty is estimated.

    Args:
        n_resamples: number of resamples of the documents, by group.
        level: confidence level of the intervals.
        seed: of the resampling.
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
    """Scores with intervals, and optionally an error analysis, as plain JSON; and the scores themselves.

    Args:
        gold: documents with gold entities; their groups are resampled.
        predicted: the same texts with predicted entities.
        sentence_count: sentences in gold, for ``leak``.
        resampling: None leaves the intervals out.
        errors: whether to add error analysis and calibration.

    Raises:
        InputError: as for ``score``, or invalid resampling options.
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
    """By measure: the difference candidate - reference with its interval and p-value, and the non-inferiority verdict.

    ``macro`` has the form of a measure; ``exposure`` has such a row for each of its shares, and ``leak`` is such a row
    if both scores have it. If lower is better, there is no verdict on the margin.

    Args:
        reference: such as the scores of the model trained on gold data.
        candidate: such as those of the model trained on synthetic data, on the same documents.
        margin: non-inferiority margin of the drop in F1, or in a share, such as 0.01; None skips the test.
        resampling: options; by default those of ``Resampling``.

    Raises:
        InputError: a margin outside (0, 1), or invalid resampling options.
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
    return found | _compare_figures(reference, candidate, margin, options)


def _intervals(scores: Scores, how: Resampling) -> dict[str, Any]:
    """Intervals by measure, and under ``macro``, ``per_label``, ``exposure`` and ``leak``, nested like the scores."""
    options: dict[str, Any] = {"n_resamples": how.n_resamples, "level": how.level, "seed": how.seed}
    found: dict[str, Any] = {
        measure: {name: _plain(interval) for name, interval in bootstrap(counts, scores.units, **options).items()}
        for measure, counts in scores.by_document.items()
    }
    blocks = [*share_blocks(scores), label_block(scores, each=True)]
    found |= {"macro": {}, "per_label": {}, "exposure": {}, "leak": None}
    for path, interval in intervals(blocks, scores.units, **options).items():
        put(found, path, _plain(interval))
    return found


def _compare_figures(
    reference: Scores, candidate: Scores, margin: float | None, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Rows of ``macro``, ``exposure`` and ``leak``."""
    labels = sorted({*reference.per_label, *candidate.per_label})

    leak = reference.leak is not None and candidate.leak is not None

    def blocks(scores: Scores) -> list[Block]:
        return [*share_blocks(scores, leak=leak), label_block(scores, labels)]

    rows = comparisons(blocks(reference), blocks(candidate), reference.units, margin=margin, **options)
    found: dict[str, Any] = {"macro": _macro_row(rows)}
    for path, row in rows.items():
        if path[0] != "macro":
            put(found, path, _row(row))
    return found


def _macro_row(rows: Mapping[FigurePath, Compared]) -> dict[str, Any]:
    f1 = rows["macro", "f1"]
    return {
        "reference_f1": f1.reference,
        "candidate_f1": f1.candidate,
        "difference": {name: _difference(rows["macro", name].difference) for name in RATIOS},
        **_judgement(f1),
    }


def _row(compared: Compared) -> dict[str, Any]:
    return {
        "reference": compared.reference,
        "candidate": compared.candidate,
        "difference": _difference(compared.difference),
        **_judgement(compared),
    }


def _judgement(compared: Compared) -> dict[str, Any]:
    judged = compared.non_inferiority
    return {"randomization_p": compared.randomization_p} | ({"non_inferiority": asdict(judged)} if judged else {})


def put(found: dict[str, Any], path: FigurePath, value: Any) -> None:
    """Set a value at a path of nested dictionaries; missing ones are created."""
    for name in path[:-1]:
        found = found.setdefault(name, {})
    found[path[-1]] = value


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
