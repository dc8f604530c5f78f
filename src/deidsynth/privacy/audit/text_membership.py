"""Text-only membership: whether the synthetic text tells which documents it goes back to."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from deidsynth.documents import Document
from deidsynth.privacy.audit.figures import Measured
from deidsynth.privacy.audit.membership import documents_of, group_numbers, membership, plain
from deidsynth.privacy.audit.ngrams import ORDER, NgramIndex
from deidsynth.privacy.audit.sides import Sides

WINDOW_WORDS = 20
"""Length of a passage that may be a copy: a sentence."""

Floats = NDArray[np.float64]


def text_membership(sides: Sides, synthetic: Iterable[Document], *, base: Iterable[str] | None = None) -> Measured:
    """How well documents of training groups are told from those of held-out groups by who has only the synthetic text.

    An n-gram model of the synthetic text scores each document: the mean log-likelihood ratio of its words to those of
    a background model, which knows what such text is like. The background is public text if there is some; else all
    documents of both sides but for the group that is scored, which is more than an attacker has, and the same for both
    sides. A group has the mean score of its documents.

    The details hold a second attack, which finds a passage that was copied and misses what is spread over a document:
    the highest mean ratio of ``WINDOW_WORDS`` words in a row. It does not decide.

    Args:
        sides: training groups and held-out groups.
        synthetic: the synthetic documents, read once.
        base: public texts of the language, if possible of the kind.

    Source: Meeus et al. 2025, "The Canary's Echo: Auditing Privacy Risks of LLM-Generated Synthetic Text", for n-gram
    models of synthetic text; the calibration is ours.
    """
    documents = documents_of(sides)
    index = NgramIndex(document.text for document in documents)
    counts = index.count(document.text for document in synthetic)
    if not counts.n_words:
        return Measured.missing("text_membership", "auc", "the synthetic text has no words")
    ratios = index.log_probabilities(counts)
    if base is not None:
        ratios -= index.log_probabilities(index.count(base))
    else:
        ratios -= index.log_probabilities(index.own_counts(), group_numbers(sides))
    by_document = np.split(ratios, np.cumsum(index.lengths)[:-1]) if documents else []
    found = membership(sides, [_mean(each) for each in by_document])
    windows = membership(sides, [_highest_window(each) for each in by_document])
    if found is None or windows is None:
        return Measured.missing("text_membership", "auc", "a side has no documents with words")
    details = {
        "attack": "log-likelihood ratio of n-gram models",
        "order": ORDER,
        "background": "public text" if base is not None else "the other groups of both sides",
        "n_synthetic_words": counts.n_words,
        "window_words": WINDOW_WORDS,
        "attacks": {"document": plain(found), "passage": plain(windows)},
    }
    return found.measured("text_membership", "auc", details=details)


def _mean(ratios: Floats) -> float:
    return float(ratios.mean()) if len(ratios) else float("nan")


def _highest_window(ratios: Floats) -> float:
    """The highest mean of so many words in a row; of all words if there are fewer."""
    if len(ratios) <= WINDOW_WORDS:
        return _mean(ratios)
    sums = np.concatenate(([0.0], np.cumsum(ratios)))
    return float((sums[WINDOW_WORDS:] - sums[:-WINDOW_WORDS]).max()) / WINDOW_WORDS
