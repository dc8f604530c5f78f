"""Several predictions of one gold corpus: runs with different seeds over all documents, or the folds of it.

Runs over the same documents tell apart why a score would have been another: other documents to test on, or another
training. Their figures are averaged. Folds, which hold other documents each, are parts of one prediction: they are
scored together, and each alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from deidsynth.documents import Document
from deidsynth.errors import InputError
from deidsynth.metrics.entities import Scores, score
from deidsynth.metrics.evaluation import evaluate_one
from deidsynth.metrics.resampling import Resampling
from deidsynth.metrics.results import EvaluationResult, Folds, RunsResult
from deidsynth.metrics.spread import spread

EXPECTED = "expected runs over all gold documents each, or folds that share no document and together hold all of gold"
Named = tuple[str, Sequence[Document]]


def evaluate_several(
    gold: Sequence[Document],
    predicted: Sequence[Named],
    *,
    sentence_count: int | None = None,
    resampling: Resampling | None = None,
    errors: bool = False,
) -> EvaluationResult | RunsResult:
    """Figures of one prediction, of folds as one prediction and each alone, or of several runs.

    Args:
        gold: documents with the entities that are right.
        predicted: name and documents of each run or fold; one alone is evaluated as it is.
        sentence_count: sentences in gold, for ``leak``; folds have none of their own.
        resampling: None leaves intervals and the variance between documents out.
        errors: whether error analysis and calibration are wanted; not of runs.

    Raises:
        InputError: neither runs nor folds, errors of runs, or as `evaluate`.
    """
    options: dict[str, Any] = {"sentence_count": sentence_count, "resampling": resampling, "errors": errors}
    if len(predicted) == 1:
        return evaluate_one(gold, predicted[0][1], **options)
    if are_folds(gold, predicted):
        whole = evaluate_one(gold, [document for _, documents in predicted for document in documents], **options)
        parts = [(name, _fold_scores(gold, documents)) for name, documents in predicted]
        return replace(whole, folds=Folds(parts, spread([part for _, part in parts])))
    if errors:
        raise InputError("errors are told of one prediction, not of several runs; give one run alone")
    runs = [(name, score(gold, documents, sentence_count=sentence_count)) for name, documents in predicted]
    return RunsResult(runs, spread([run for _, run in runs], resampling, same_documents=True), resampling)


def are_folds(gold: Sequence[Document], predicted: Sequence[Named]) -> bool:
    """Whether the predictions are folds; False where they are runs.

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
                f"{name}: holds {len(extra)} documents that gold lacks, the first is {extra[0]!r}; {EXPECTED}"
            )
    times = Counter(doc_id for ids in held.values() for doc_id in ids)
    for place, (name, _) in enumerate(predicted):
        shared = sorted(doc_id for doc_id in held[place] if times[doc_id] > 1)
        if shared and held[place] != wanted:
            raise InputError(
                f"{name}: holds {len(held[place])} of {len(wanted)} gold documents, {len(shared)} of which another "
                f"predicted corpus holds as well, the first is {shared[0]!r}; {EXPECTED}"
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
