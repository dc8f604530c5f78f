"""Statistics of a corpus: plain JSON without text or ids."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from deidsynth.corpora.output import Source
from deidsynth.documents import SPLITS, Split


def describe(corpus: Source, splits: Mapping[str, Split] | None = None) -> dict[str, Any]:
    """Counts, lengths and labels of a corpus.

    Args:
        corpus: may be empty; its documents are taken one by one.
        splits: split of each document id, if the source names splits.

    Returns:
        ``n_documents``, ``n_groups``, ``n_chars`` (code points), ``n_words`` (separated by white space),
        ``n_entities``, ``n_documents_without_entities``; quantiles ``chars``, ``words`` and ``entities`` per document,
        each ``{min, p25, median, p75, max, mean}`` or None for an empty corpus; ``labels`` with ``count`` and
        ``median_chars``, most frequent first; ``origin``, ``annotation``, ``language``; if the source names splits,
        ``splits`` with the number of documents in each.
    """
    chars, words, entities, units = list[int](), list[int](), list[int](), set[str]()
    lengths: defaultdict[str, list[int]] = defaultdict(list)
    for document in corpus:
        chars.append(len(document.text))
        words.append(len(document.text.split()))
        entities.append(len(document.entities))
        units.add(document.unit)
        for entity in document.entities:
            lengths[entity.label].append(entity.end - entity.start)
    return {
        "origin": corpus.origin,
        "annotation": corpus.annotation,
        "language": corpus.language,
        "n_documents": len(chars),
        "n_groups": len(units),
        "n_chars": sum(chars),
        "n_words": sum(words),
        "n_entities": sum(entities),
        "n_documents_without_entities": entities.count(0),
        "chars": _quantiles(chars),
        "words": _quantiles(words),
        "entities": _quantiles(entities),
        "labels": {
            label: {"count": len(found), "median_chars": statistics.median(found)}
            for label, found in sorted(lengths.items(), key=lambda item: (-len(item[1]), item[0]))
        },
        **({"splits": _split_sizes(corpus.doc_ids, splits)} if splits else {}),
    }


def _split_sizes(doc_ids: Sequence[str], splits: Mapping[str, Split]) -> dict[str, int]:
    sizes = Counter(splits[doc_id] for doc_id in doc_ids if doc_id in splits)
    return {split: sizes[split] for split in SPLITS if split in sizes}


def _quantiles(values: Sequence[int]) -> dict[str, float] | None:
    """Quantiles by linear interpolation between the sorted values."""
    if not values:
        return None
    p25, median, p75 = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    return {
        "min": min(values),
        "p25": p25,
        "median": median,
        "p75": p75,
        "max": max(values),
        "mean": statistics.fmean(values),
    }
