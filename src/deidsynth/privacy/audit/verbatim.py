"""Verbatim text: groups of which the synthetic text holds a long run of words that is no template."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from deidsynth.documents import Document
from deidsynth.privacy.audit.figures import Measured, MeasureName
from deidsynth.privacy.audit.group_sizes import Tally, found_at_equal_sizes, keys_of
from deidsynth.privacy.audit.runs_of_words import RunIndex, Texts, find_all
from deidsynth.privacy.audit.sides import Sides
from deidsynth.privacy.audit.statistics import share_difference

LENGTHS: dict[int, MeasureName] = {8: "verbatim_8", 13: "verbatim_13", 20: "verbatim_20", 50: "verbatim_50"}
"""Words of a run, by measure."""
MOST_GROUPS = 1
"""A run that stands in more groups, of both sides together, is a template.

With more than one, a run that two training groups have would count as well, and a model that has learned common phrases
writes it more often than one that two held-out groups have: that is no copy of anybody's text."""
RECALL_WORDS = 5
"""Words of the n-grams of which the recall is given."""
RECALL = "share of the distinct n-grams of n words of a side, across its documents, that stand in the synthetic text"


def verbatim(sides: Sides, synthetic: Iterable[Document]) -> list[Measured]:
    """The shares of groups with a run of at least 8, 13, 20 and 50 words in the synthetic text that is no template.

    A template stands in more than one group, of both sides together. Words are compared without case and punctuation
    (`deidsynth.metrics.tokens`). Details have counts of groups and runs, and the 5-gram recall of each side, which is
    that of `deidsynth.privacy.ngram_recall`. Sides whose groups differ in size are made alike
    (`deidsynth.privacy.audit.group_sizes`).

    Args:
        sides: training and held-out groups.
        synthetic: the documents to search, which are read once.
    """
    n = len(sides.train), len(sides.held_out)
    if not all(n):
        return [Measured.missing(name, "share", "a side has no group", n=n) for name in LENGTHS.values()]
    groups = [Texts(document.text for document in group) for group in (*sides.train, *sides.held_out)]
    recalled = RunIndex(groups, RECALL_WORDS)
    indices = {length: RunIndex(groups, length) for length in LENGTHS}
    find_all([recalled, *indices.values()], synthetic)
    recall = {
        "n": RECALL_WORDS,
        "definition": RECALL,
        "train": _recall(recalled, groups[: n[0]]),
        "held_out": _recall(recalled, groups[n[0] :]),
    }
    return [_measured(name, indices[length], groups, sides, recall) for length, name in LENGTHS.items()]


def _measured(
    name: MeasureName, index: RunIndex, groups: Sequence[Texts], sides: Sides, recall: dict[str, Any]
) -> Measured:
    n_train = len(sides.train)
    tallies = [
        _tally(index, key, texts) for key, texts in zip(keys_of((*sides.train, *sides.held_out)), groups, strict=True)
    ]
    if not any(tally.n for tally in tallies):
        n = n_train, len(sides.held_out)
        return Measured.missing(name, "share", f"no document has a run of {index.length} words of its own", n=n)
    difference = share_difference(*found_at_equal_sizes(tallies[:n_train], tallies[n_train:]))
    details = {
        "n_words": index.length,
        "template_if_in_more_groups_than": MOST_GROUPS,
        "templates": index.n_templates(MOST_GROUPS),
        "train": _counts(tallies[:n_train]),
        "held_out": _counts(tallies[n_train:]),
        "recall": recall,
    }
    return difference.measured(name, "share", details=details)


def _tally(index: RunIndex, key: str, texts: Texts) -> Tally:
    """The runs of a group that are no templates."""
    found, n_groups = index.of_group(texts)
    own = n_groups <= MOST_GROUPS
    return Tally(key, int(np.count_nonzero(own)), int(np.count_nonzero(found & own)))


def _counts(tallies: Sequence[Tally]) -> dict[str, int]:
    return {
        "groups": len(tallies),
        "groups_with_runs": sum(tally.n > 0 for tally in tallies),
        "groups_found": sum(tally.n_found > 0 for tally in tallies),
        "runs": sum(tally.n for tally in tallies),
        "runs_found": sum(tally.n_found for tally in tallies),
    }


def _recall(index: RunIndex, groups: Sequence[Texts]) -> dict[str, Any]:
    n_ngrams, n_found = index.recall(groups)
    return {"recall": n_found / n_ngrams if n_ngrams else None, "n_ngrams": n_ngrams, "n_found": n_found}
