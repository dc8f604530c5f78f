"""How well a classifier tells real documents from synthetic ones."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline

from deidsynth.documents import Document
from deidsynth.metrics.tokens import words

FOLDS = 5
N_FEATURES = 2**16
DEFINITION = (
    "logistic regression over TF-IDF of words and pairs of words; every document is scored by a classifier that has "
    "not seen its group; .5 is chance, 1 means that all synthetic documents can be told from real ones"
)


def discriminator(real: Sequence[Document], synthetic: Sequence[Document], *, seed: int = 1) -> dict[str, Any]:
    """The AUC of telling real from synthetic documents, cross-validated by group.

    Args:
        real: real documents.
        synthetic: synthetic documents; each without a group is one of its own.
        seed: of the folds.

    Returns:
        ``auc``, None if there are fewer groups than folds; ``n_folds``; ``definition``.
    """
    groups = [*(f"real {each.unit}" for each in real), *(f"synthetic {each.unit}" for each in synthetic)]
    fewest = min(len({each.unit for each in side}) for side in (real, synthetic))
    if fewest < FOLDS:
        return {"auc": None, "n_folds": FOLDS, "definition": DEFINITION}
    targets = np.array([0] * len(real) + [1] * len(synthetic))
    counts = HashingVectorizer(
        analyzer=_features, n_features=N_FEATURES, alternate_sign=False, norm=None, dtype=np.float32
    ).transform(document.text for document in (*real, *synthetic))
    scores = np.zeros(len(targets))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    for train, test in folds.split(counts, targets, groups):
        model = make_pipeline(
            TfidfTransformer(sublinear_tf=True),
            LogisticRegression(C=10.0, class_weight="balanced", max_iter=200),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the ranking is settled long before
            model.fit(counts[train], targets[train])
        scores[test] = model.decision_function(counts[test])
    return {"auc": float(roc_auc_score(targets, scores)), "n_folds": FOLDS, "definition": DEFINITION}


def _features(text: str) -> list[str]:
    found = words(text)
    return [*found, *map(" ".join, pairwise(found))]
