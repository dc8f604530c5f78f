"""Whether the two sides differ without any model: then no difference between them says what was learned from one.

A classifier of words and parts of words learns on some groups to tell the sides, and is tried on others. Where sides
are alike, its AUC is neither .5 on average nor as spread as that of a fixed score: folds share groups, and a group that
is tried is lacking where the classifier learns. So the interval comes from permuting which groups are of which side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

from deidsynth.documents import Document
from deidsynth.metrics.tokens import words
from deidsynth.privacy.audit.figures import VALIDITY, Measured
from deidsynth.privacy.audit.sides import Groups, Sides
from deidsynth.privacy.audit.statistics import CHANCE, Z_POWER

LEVEL = 0.99
"""Of the interval. It alone decides whether an audit may conclude, without a tolerance: at 95 %, every twentieth audit
of alike sides would be refused."""
N_FOLDS = 5
N_PERMUTATIONS = 999
MOST_GROUPS = 1500
"""Groups of a side that are compared; of more, a random choice. Time grows with the cube of their number."""
LEAST_GROUPS = 10
"""Groups of a side below which no classifier is trained."""

_N_FEATURES = 2**18
_SHRINKAGE = 1.0  # of the ridge regression; the similarity of a group to itself is 1

Floats = NDArray[np.float64]


def validity(sides: Sides, *, seed: int = 1) -> Measured:
    """The AUC of a bag-of-words classifier between training groups and held-out groups that it was not trained on.

    A group is the words of its documents and the runs of 3 characters in them, weighed by how few groups have them.
    The classifier is a ridge regression of the side. The AUC compares groups of the same fold only. The interval, of
    99 %, leaves out .5 if, and only if, the AUC is outside the middle 99 % of those with permuted sides.

    Args:
        sides: what is compared.
        seed: of folds, permutations and the choice of groups.
    """
    n_all = len(sides.train), len(sides.held_out)
    if min(n_all) < LEAST_GROUPS:
        reason = f"a classifier needs {LEAST_GROUPS} groups on each side; give more documents"
        return Measured.missing(VALIDITY, "auc", reason, n=n_all)
    random = np.random.default_rng(seed)
    chosen = [_chosen(side, random) for side in (sides.train, sides.held_out)]
    n = len(chosen[0]), len(chosen[1])
    is_train = np.arange(sum(n)) < n[0]
    permuted = random.permuted(np.tile(is_train, (N_PERMUTATIONS, 1)), axis=1)
    labels = np.vstack((is_train, permuted)).T
    aucs = _cross_validated(_kernel([*chosen[0], *chosen[1]]), labels, random.permutation(sum(n)) % N_FOLDS)
    auc, (low, center, high) = float(aucs[0]), np.quantile(aucs, ((1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2))
    detectable = float(high - center + Z_POWER * aucs.std())
    return Measured(
        VALIDITY,
        "auc",
        auc,
        CHANCE,
        auc - CHANCE,
        (max(-CHANCE, auc - float(high)), min(CHANCE, auc - float(low))),
        n,
        detectable if detectable <= CHANCE else None,
        details={"n_permutations": N_PERMUTATIONS, "p_value": _p_value(aucs)},
        level=LEVEL,
    )


def _chosen(groups: Groups, random: np.random.Generator) -> Sequence[Sequence[Document]]:
    if len(groups) <= MOST_GROUPS:
        return groups
    return [groups[number] for number in sorted(random.choice(len(groups), MOST_GROUPS, replace=False))]


def _kernel(groups: Sequence[Sequence[Document]]) -> Floats:
    """The similarity of every group to every other, shape (n_groups, n_groups), 1 with itself."""
    counts = HashingVectorizer(analyzer=_features, n_features=_N_FEATURES, alternate_sign=False, norm=None).transform(
        groups
    )
    rows = TfidfTransformer(sublinear_tf=True).fit_transform(counts)
    similarity: Floats = (rows @ rows.T).toarray()
    return similarity


def _features(group: Sequence[Document]) -> Iterator[str]:
    """The words of the documents, and their parts."""
    for document in group:
        for word in words(document.text):
            yield word
            yield from _parts(word)


@lru_cache(maxsize=2**16)
def _parts(word: str) -> tuple[str, ...]:
    """The runs of 3 characters in a word, its ends marked.

    >>> _parts("ana")
    ('<an', 'ana', 'na>')
    """
    marked = f"<{word}>"
    return tuple(marked[at : at + 3] for at in range(len(marked) - 2))


def _cross_validated(kernel: Floats, labels: NDArray[np.bool_], folds: NDArray[np.int64]) -> Floats:
    """The AUC within folds for each way to put groups on sides, shape (n_ways,).

    Args:
        kernel: similarities, shape (n_groups, n_groups).
        labels: which groups are of the training side, shape (n_groups, n_ways).
        folds: the fold of each group, which does not depend on its side, shape (n_groups,).
    """
    won, pairs = np.zeros(labels.shape[1]), np.zeros(labels.shape[1])
    for fold in range(N_FOLDS):
        tried, known = folds == fold, folds != fold
        targets = labels[known] - labels[known].mean(axis=0)
        shrunk = kernel[np.ix_(known, known)] + _SHRINKAGE * np.eye(int(known.sum()))
        scores = kernel[np.ix_(tried, known)] @ np.linalg.solve(shrunk, targets)
        of_train = labels[tried]
        n_train = of_train.sum(axis=0)
        ranks = np.where(of_train, rankdata(scores, axis=0), 0.0).sum(axis=0)
        won += ranks - n_train * (n_train + 1) / 2
        pairs += n_train * (len(of_train) - n_train)
    aucs: Floats = np.divide(won, pairs, out=np.full(len(won), CHANCE), where=pairs > 0)
    return aucs


def _p_value(aucs: Floats) -> float:
    """The share of ways to put groups on sides that are at least as far from the middle as the one there is."""
    away = np.abs(aucs - np.median(aucs))
    return float((away >= away[0]).mean())
