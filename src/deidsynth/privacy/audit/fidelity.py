"""Fidelity and diversity: how like the real text the synthetic text is, in counts and figures only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np
from scipy.spatial.distance import jensenshannon

from deidsynth.documents import Corpus, Document
from deidsynth.metrics.tokens import words
from deidsynth.privacy.audit.discriminator import discriminator
from deidsynth.privacy.near_duplicates import NearDuplicateIndex
from deidsynth.privacy.verbatim import ngrams

MOST_DOCUMENTS = 5_000
"""Documents of a corpus that are looked at; of a larger one a sample."""
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
NGRAMS = (1, 2, 3, 4)

Words = list[list[str]]


def fidelity(real: Corpus, synthetic: Corpus, *, seed: int = 1) -> dict[str, Any]:
    """How like a real corpus a synthetic corpus is, and how diverse, as plain JSON.

    Args:
        real: such as the held-out documents.
        synthetic: the corpus that is to leave.
        seed: of samples and folds.

    Returns:
        ``n_documents`` and ``n_sampled``; ``labels``: entities per 1,000 words by label, and the Jensen-Shannon
        distance of the two distributions of labels (0 to 1, base 2); ``lengths``: quantiles of words in a document;
        ``vocabulary``: shares of the word types and tokens of one that the other has; ``diversity`` of as many words of
        each: type-token ratio, shares of distinct n-grams; ``near_duplicates``: how many documents are near-duplicates
        of an earlier one of their corpus; ``discriminator``: AUC of telling real from synthetic. None where a figure is
        not defined.
    """
    pair = _Pair(_sampled(real, seed), _sampled(synthetic, seed))
    return {
        "n_documents": {"real": len(real), "synthetic": len(synthetic)},
        "n_sampled": {"real": len(pair.real.documents), "synthetic": len(pair.synthetic.documents)},
        "labels": _labels(pair),
        "lengths": {name: _quantiles(side.words) for name, side in pair.named()},
        "vocabulary": {
            "of_real_in_synthetic": _covered(pair.real.counts, pair.synthetic.counts),
            "of_synthetic_in_real": _covered(pair.synthetic.counts, pair.real.counts),
        },
        "diversity": _diversity(pair, seed),
        "near_duplicates": {name: _near_duplicates(side.documents) for name, side in pair.named()},
        "discriminator": discriminator(pair.real.documents, pair.synthetic.documents, seed=seed),
    }


@dataclass(frozen=True, repr=False)
class _Side:
    documents: Sequence[Document]
    words: Words = field(init=False)
    counts: Counter[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", [words(document.text) for document in self.documents])
        object.__setattr__(self, "counts", Counter(word for row in self.words for word in row))


@dataclass(frozen=True, repr=False)
class _Pair:
    real: _Side
    synthetic: _Side

    def named(self) -> tuple[tuple[str, _Side], tuple[str, _Side]]:
        return ("real", self.real), ("synthetic", self.synthetic)


def _sampled(corpus: Corpus, seed: int) -> _Side:
    return _Side(corpus.sample(min(len(corpus), MOST_DOCUMENTS), seed=seed).documents)


def _labels(pair: _Pair) -> dict[str, Any]:
    counts = {
        name: Counter(entity.label for document in side.documents for entity in document.entities)
        for name, side in pair.named()
    }
    labels = sorted(counts["real"].keys() | counts["synthetic"].keys())
    rates = {name: _ratio(1000.0, side.counts.total()) for name, side in pair.named()}
    return {
        "jensen_shannon_distance": _jensen_shannon(*([counts[name][label] for label in labels] for name in counts)),
        "per_1000_words": {
            label: {name: None if rate is None else counts[name][label] * rate for name, rate in rates.items()}
            for label in labels
        },
    }


def _jensen_shannon(first: Sequence[int], second: Sequence[int]) -> float | None:
    """The Jensen-Shannon distance, base 2, of two distributions given as counts; None if one has no count.

    Source: Endres and Schindelin 2003, "A new metric for probability distributions".

    >>> _jensen_shannon([1, 1], [3, 3]), _jensen_shannon([1, 0], [0, 5]), _jensen_shannon([], [])
    (0.0, 1.0, None)
    """
    if not sum(first) or not sum(second):
        return None
    return float(jensenshannon(first, second, base=2))


def _quantiles(rows: Words) -> dict[str, Any]:
    lengths = [len(row) for row in rows]
    if not lengths:
        return {"mean": None, "quantiles": {}}
    values = np.quantile(lengths, QUANTILES)
    return {
        "mean": float(np.mean(lengths)),
        "quantiles": {f"{quantile:g}": float(value) for quantile, value in zip(QUANTILES, values, strict=True)},
    }


def _covered(own: Counter[str], other: Counter[str]) -> dict[str, float | None]:
    shared = own.keys() & other.keys()
    return {
        "types": _ratio(len(shared), len(own)),
        "tokens": _ratio(sum(own[word] for word in shared), own.total()),
    }


def _diversity(pair: _Pair, seed: int) -> dict[str, Any]:
    """Type-token ratio and distinct n-grams of the first words of both corpora, as many of each, in random order."""
    n_words = min(side.counts.total() for _, side in pair.named())
    return {
        "n_words": n_words,
        **{name: _distinct(_first_words(side.words, n_words, seed)) for name, side in pair.named()},
    }


def _first_words(rows: Words, n_words: int, seed: int) -> Words:
    order = Random(seed).sample(range(len(rows)), len(rows))
    taken, left = Words(), n_words
    for place in order:
        taken.append(rows[place][:left])
        left -= len(taken[-1])
    return taken


def _distinct(rows: Words) -> dict[str, float | None]:
    """Share of the n-grams that are distinct; for n = 1 this is the type-token ratio.

    Source: Li et al. 2016, "A diversity-promoting objective function for neural conversation models": distinct-n.
    """
    shares: dict[str, float | None] = {}
    for n in NGRAMS:
        found = [gram for row in rows for gram in ngrams(row, n)]
        shares[f"distinct_{n}"] = _ratio(len(set(found)), len(found))
    return {"type_token_ratio": shares["distinct_1"], **shares}


def _near_duplicates(documents: Sequence[Document]) -> dict[str, Any]:
    """How many documents are near-duplicates of an earlier one."""
    index, n_found = NearDuplicateIndex(()), 0
    for document in documents:
        n_found += index.matches(document.text)
        index.add(document.text)
    return {"documents": n_found, "share": _ratio(n_found, len(documents))}


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
