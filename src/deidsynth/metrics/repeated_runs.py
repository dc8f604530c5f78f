"""Several predictions for one gold corpus: runs with different seeds on all documents, or its folds.

Runs on the same documents separate two sources of variance: the test documents and the training. Their figures are
averaged. Folds, which contain different documents, are parts of one prediction: they are scored together, and each on
its own.
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
) -> EvaluationResult | RunsResult:
    """Figures of one prediction, of folds as one prediction and each alone, or of several runs.

    Args:
        gold: documents with gold entities.
        predicted: name and documents of each run or fold; a single one is evaluated as it is.
        sentence_count: sentences in gold, for ``leak``; not used for single folds.
        resampling: None leaves out the intervals and the variance between documents.
        errors: whether to add error analysis and calibration; not available for runs.

    Raises:
        InputError: neither runs nor folds, ``errors`` for runs, or as for `evaluate`.
    """
    options: dict[str, Any] = {"sentence_count": sentence_count, "resampling": resampling, "errors": errors}
    if len(predicted) == 1:
        return evaluate_one(gold, predicted[0][1], **options)
    if are_folds(gold, predicted):
        whole = evaluate_one(gold, [document for _, documents in predicted for document in documents], **options)
        parts = [(name, _fold_scores(gold, documents)) for name, documents in predicted]
        return replace(whole, folds=Folds(parts, spread([part for _, part in parts])))
    if errors:
        raise InputError("error analysis needs one prediction, not several runs; give a single run")
    runs = [(name, score(gold, documents, sentence_count=sentence_count)) for name, documents in predicted]
    return RunsResult(runs, spread([run for _, run in runs], resampling, same_documents=True), resampling)


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
