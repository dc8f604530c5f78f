"""Several predictions for one gold corpus: runs with different seeds on all documents, or its folds.

Runs on the same documents separate two sources of variance: the test documents and the training. Their figures are
averaged. Folds, which contain different documents, are parts of one prediction: they are scored together, and each on
its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from deidsynth.documents import Document
from deidsynth.errors import InputError
from deidsynth.metrics.entities import Scores, score
from deidsynth.metrics.evaluation import Resampling, evaluate, put
from deidsynth.metrics.figures import Block, FigurePath, figures_of, label_block, measure_blocks, share_blocks
from deidsynth.metrics.resampling import Floats, check_options, defined, generator, interval_of, resample, sum_groups
from deidsynth.metrics.variance import variance_split

EXPECTED = (
    "expected either runs that each cover all gold documents, or folds that share no document and together cover gold"
)
Named = tuple[str, Sequence[Document]]


def evaluate_several(
    gold: Sequence[Document],
    predicted: Sequence[Named],
    *,
    sentence_count: int | None = None,
    resampling: Resampling | None = None,
    errors: bool = False,
) -> tuple[dict[str, Any], Scores | None]:
    """Figures of one prediction, or of several runs or folds, as plain JSON; and the overall scores, except for runs.

    Args:
        gold: documents with gold entities.
        predicted: name and documents of each run or fold; a single one is evaluated as it is.
        sentence_count: sentences in gold, for ``leak``; not used for single folds.
        resampling: None leaves out the intervals and the variance between documents.
        errors: whether to add error analysis and calibration; not available for runs.

    Returns:
        For runs: ``runs``, each as in `Scores.to_dict` with its name under ``predicted``, and ``over_runs``, which has
        the output of `spread` for every figure, nested like the figures. For folds: the output of `evaluate` on all of
        them together, with ``folds`` and ``over_folds`` in the same form.

    Raises:
        InputError: neither runs nor folds, ``errors`` for runs, or as for `evaluate`.
    """
    options: dict[str, Any] = {"sentence_count": sentence_count, "resampling": resampling, "errors": errors}
    if len(predicted) == 1:
        return evaluate(gold, predicted[0][1], **options)
    if are_folds(gold, predicted):
        found, scores = evaluate(gold, [document for _, documents in predicted for document in documents], **options)
        parts = [(name, _fold_scores(gold, documents)) for name, documents in predicted]
        return found | {"folds": _each(parts), "over_folds": spread([part for _, part in parts])}, scores
    if errors:
        raise InputError("error analysis needs one prediction, not several runs; give a single run")
    runs = [(name, score(gold, documents, sentence_count=sentence_count)) for name, documents in predicted]
    made: dict[str, Any] = {"n_documents": len(gold), "n_runs": len(runs), "runs": _each(runs)}
    made["over_runs"] = spread([run for _, run in runs], resampling, same_documents=True)
    if resampling is not None:
        made["resampling"] = asdict(resampling) | {"n_groups": len({document.unit for document in gold})}
    return made, None


def spread(scores: Sequence[Scores], how: Resampling | None = None, *, same_documents: bool = False) -> dict[str, Any]:
    """Mean, SD (n - 1), lowest and highest value of every figure; for runs on the same documents also its variance.

    ``interval`` and ``variance.documents`` are those of the mean over runs when documents are resampled by group, with
    the same draws for all runs; ``variance.training`` is the variance over runs (n - 1). By the law of total variance,
    the two add up to the variance of a single run's figure over new documents and a new training. The first is slightly
    too large for few runs, since their mean retains 1/n of the run-specific effect of documents. Runs in which a figure
    is undefined are left out of mean, SD and ``variance.training``; the intervals are then None.

    Args:
        scores: of each run or fold.
        how: resampling of documents; None, as for folds, leaves it out.
        same_documents: whether the runs are on the same documents in the same order.

    Source: Searle et al. 1992, chapter 3, for the components; Efron & Tibshirani 1993, chapter 6, for the variance by
    resampling.
    """
    labels = sorted({label for each in scores for label in each.per_label})
    blocks = [_blocks(each, labels) for each in scores]
    points = [figures_of(each, np.hstack([block.rows for block in each]).sum(axis=0)) for each in blocks]
    drawn = _drawn_means(blocks, scores[0].units, how) if same_documents and how is not None else {}
    n_groups = len(set(scores[0].units))
    found: dict[str, Any] = {}
    for path in points[0]:
        values = np.array([float(each[path]) for each in points])
        known = values[~np.isnan(values)]
        split = variance_split({(0, number): float(value) for number, value in enumerate(known)})
        row: dict[str, Any] = {
            "mean": split.mean,
            "sd": split.sd,
            "lowest": float(known.min()) if len(known) else None,
            "highest": float(known.max()) if len(known) else None,
        }
        if same_documents:
            row["interval"], documents = None, None
            if how is not None:
                row["interval"], documents = _between(drawn[path], float(values.mean()), n_groups, how.level)
            row["variance"] = {"documents": documents, "training": split.between_seeds}
        put(found, path, row)
    return found


def _blocks(scores: Scores, labels: Sequence[str]) -> list[Block]:
    return [*measure_blocks(scores), *share_blocks(scores), label_block(scores, labels)]


def _drawn_means(blocks: Sequence[Sequence[Block]], units: Sequence[str], how: Resampling) -> dict[FigurePath, Floats]:
    """Mean over runs of every figure in every resample, shape (n_resamples,); NaN if undefined in any run."""
    check_options(how.level, how.n_resamples)
    rows = sum_groups(np.hstack([block.rows for each in blocks for block in each]), units)
    sums = resample(rows, how.n_resamples, generator(how.seed))
    width = rows.shape[1] // len(blocks)
    runs = [figures_of(each, sums[:, at * width : (at + 1) * width]) for at, each in enumerate(blocks)]
    return {path: np.mean([run[path] for run in runs], axis=0) for path in runs[0]}


def _between(drawn: Floats, point: float, n_groups: int, level: float) -> tuple[list[float] | None, float | None]:
    """Interval and variance of a mean from its resamples; None if the data do not allow them."""
    kept, interval = defined(drawn, point, n_groups, level), interval_of(drawn, point, n_groups, level)
    if kept is None or interval is None:
        return None, None
    return [interval.low, interval.high], float(np.var(kept))


def are_folds(gold: Sequence[Document], predicted: Sequence[Named]) -> bool:
    """Whether the predictions are folds; False if they are runs.

    Raises:
        InputError: they are neither.
    """
    wanted = {document.doc_id for document in gold}
    held = {place: {document.doc_id for document in documents} for place, (_, documents) in enumerate(predicted)}
    if all(ids == wanted for ids in held.values()):
        return False
    for place, (name, _) in enumerate(predicted):
        extra = sorted(held[place] - wanted)
        if extra:
            raise InputError(
                f"{name}: has {len(extra)} documents that gold lacks, the first is {extra[0]!r}; {EXPECTED}"
            )
    times = Counter(doc_id for ids in held.values() for doc_id in ids)
    for place, (name, _) in enumerate(predicted):
        shared = sorted(doc_id for doc_id in held[place] if times[doc_id] > 1)
        if shared and held[place] != wanted:
            raise InputError(
                f"{name}: has {len(held[place])} of {len(wanted)} gold documents, {len(shared)} of which are also in "
                f"another predicted corpus, the first is {shared[0]!r}; {EXPECTED}"
            )
    missing = sorted(wanted - times.keys())
    if missing:
        raise InputError(
            f"{', '.join(name for name, _ in predicted)}: together lack {len(missing)} of {len(wanted)} gold "
            f"documents, the first is {missing[0]!r}; {EXPECTED}"
        )
    return True


def _fold_scores(gold: Sequence[Document], predicted: Sequence[Document]) -> Scores:
    ids = {document.doc_id for document in predicted}
    return score([document for document in gold if document.doc_id in ids], predicted)


def _each(parts: Sequence[tuple[str, Scores]]) -> list[dict[str, Any]]:
    return [{"predicted": name, **scores.to_dict()} for name, scores in parts]
